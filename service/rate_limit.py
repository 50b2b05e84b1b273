"""How fast one caller may ask: a token bucket each, kept in this process.

A bucket is kept as one number, the time at which it will be full again: each request moves that
time on by what one token takes to come back, and it may lie ahead by no more than a whole bucket.
"""

from collections.abc import Callable
from time import monotonic
from typing import Protocol

from service.settings import Settings

_MOST_BUCKETS = 10_000


class RateLimit(Protocol):
    """Limits how fast each caller may ask."""

    async def wait_s(self, caller: str) -> float:
        """Take a token of the caller's and return 0; where there is none, the seconds to one."""
        ...


class LocalRateLimit:
    """Buckets in this process; those used least recently are forgotten beyond a number.

    Parameters
    ----------
    per_s : tokens that come back in a second
    burst : tokens of a full bucket
    clock : monotonic seconds
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        # Whole microseconds: sums of them are exact, here and in Redis.
        self.token_us = round(1_000_000 / per_s)
        self.bucket_us = burst * self.token_us
        self._clock = clock
        self._full_at = dict[str, int]()

    async def wait_s(self, caller: str) -> float:
        """Take a token; see `RateLimit`."""
        now = int(self._clock() * 1_000_000)
        before = max(self._full_at.pop(caller, now), now)
        after = before + self.token_us
        wait = after - self.bucket_us - now
        self._full_at[caller] = before if wait > 0 else after
        if len(self._full_at) > _MOST_BUCKETS:
            del self._full_at[next(iter(self._full_at))]
        return max(0, wait) / 1_000_000


def local_rate_limit(settings: Settings) -> LocalRateLimit | None:
    """Return the limit that the settings ask for, None where they ask for none."""
    if settings.rate_per_s is None:
        return None
    return LocalRateLimit(settings.rate_per_s, settings.rate_burst)
