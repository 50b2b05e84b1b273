"""The rate limit in Redis: one bucket per caller, whichever gateway is asked."""

import asyncio
import hashlib
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.breaker import Breaker, LeftAloneError
from service.metrics import Metrics
from service.rate_limit import LocalRateLimit

_PATIENCE_S, _LEFT_ALONE_S = 0.05, 1.0

# Take a token; returns 0, or the microseconds until there is one.
# KEYS the bucket. ARGV microseconds of a token, of a whole bucket.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local taken = tonumber(redis.call('GET', KEYS[1]) or now)
-- No further ahead than a whole bucket, should the clock of Redis have stepped back.
local after = math.min(math.max(taken, now), now + ARGV[2]) + ARGV[1]
local wait = after - ARGV[2] - now
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return 0
"""


class RedisRateLimit:
    """Buckets under `prism:rate:<SHA-256 of the caller>`, which expire once they are full.

    While Redis does not answer, each gateway limits by itself.

    Parameters
    ----------
    redis : a client
    local : the same limit in this process
    metrics : where failures are counted, as `rate_limit`
    """

    def __init__(self, redis: Redis, local: LocalRateLimit, metrics: Metrics) -> None:
        self._take: Any = redis.register_script(_TAKE)
        self._local, self._metrics = local, metrics
        self._breaker = Breaker(failures=1, open_s=_LEFT_ALONE_S, fair_s=0.0)

    async def wait_s(self, caller: str) -> float:
        """Take a token; see `RateLimit`."""
        bucket = f"prism:rate:{hashlib.sha256(caller.encode()).hexdigest()}"
        size = [self._local.token_us, self._local.bucket_us]
        try:
            self._breaker.before()
            async with asyncio.timeout(_PATIENCE_S):
                wait_us = int(await self._take(keys=[bucket], args=size))
        except (RedisError, TimeoutError):
            self._metrics.failed("rate_limit")
            self._breaker.failed()
        except LeftAloneError:
            pass
        else:
            self._breaker.succeeded()
            return wait_us / 1_000_000
        return await self._local.wait_s(caller)
