"""The rate limit in Redis: one bucket per caller, whichever gateway is asked."""

import asyncio
import hashlib
from time import monotonic
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.http.rate_limit import LocalRateLimit
from service.metrics import Metrics

_PATIENCE_S = 0.05
_AGAIN_S = 1.0
"""After a failure, how long Redis is left alone: not every request shall wait for it."""

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
        self._again = 0.0

    async def wait_s(self, caller: str) -> float:
        """Take a token; see `RateLimit`."""
        if monotonic() >= self._again:
            bucket = f"prism:rate:{hashlib.sha256(caller.encode()).hexdigest()}"
            size = [self._local.token_us, self._local.bucket_us]
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    return int(await self._take(keys=[bucket], args=size)) / 1_000_000
            except (RedisError, TimeoutError):
                self._metrics.failed("rate_limit")
                self._again = monotonic() + _AGAIN_S
        return await self._local.wait_s(caller)
