"""Warming the cache after a retrain: the most active users first, before they come back.

One of all gateways does it. How many of their explanations were known already, which is the hit
rate across the retrain, is reported.
"""

import asyncio
from time import monotonic

import structlog
from redis.asyncio import Redis

from ranker.service import RankingQuery
from service.cache import Cache, cache_key
from service.jobs import Job
from service.metrics import Metrics
from service.ranker_client.remote import RemoteRankerClient
from service.redis.gateway_queue import RedisJobQueue
from service.redis.served import ServedModel

log = structlog.get_logger()
_EVERY_S = 5.0
_LOCK_S = 3600
_K = 10
_CACHE_S = 1.0


class Warmer:
    """Asks for the answers of the most active users whenever the ranker's version changes."""

    def __init__(
        self,
        ranker: RemoteRankerClient,
        cache: Cache,
        served: ServedModel,
        redis: Redis,
        metrics: Metrics,
        users: int,
    ) -> None:
        self._ranker, self._cache, self._served = ranker, cache, served
        self._redis, self._metrics, self._users = redis, metrics, users
        self._seen = ""

    async def run(self) -> None:
        """Look again and again, for ever."""
        while self._users:
            serving, queue = self._served.serving, self._served.queue
            if serving is not None and queue is not None:
                active = await self._ranker.active(self._users)
                state = f"{active.version}:{serving.fingerprint.hex()}"
                if state != self._seen:
                    lock = f"prism:warmed:{state}"
                    if await self._redis.set(lock, 1, nx=True, ex=_LOCK_S):
                        try:
                            warmed = await self._warm(active.users, serving.fingerprint, queue)
                            log.info("warmed", ranker_version=active.version, **warmed)
                        except BaseException:
                            await self._redis.delete(lock)  # so that it is tried again
                            raise
                    self._seen = state
            await asyncio.sleep(_EVERY_S)

    async def _warm(
        self, users: list[str], fingerprint: bytes, queue: RedisJobQueue
    ) -> dict[str, int]:
        hits = total = queued = 0
        for user in users:
            answer = await self._ranker.rank(RankingQuery(user, _K), timeout_s=5.0)
            facts = {cache_key(fingerprint, row.facts): row.facts for row in answer.items}
            known = await self._cache.get_many(facts, _CACHE_S)
            missing = [
                Job(key, one, monotonic(), monotonic())
                for key, one in facts.items()
                if key not in known
            ]
            total += len(facts)
            hits += len(facts) - len(missing)
            queued += await queue.submit_bulk(missing)
        self._metrics.warmed(hits, total)
        return {"users": len(users), "hits": hits, "explanations": total, "queued": queued}
