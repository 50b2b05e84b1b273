"""Warming the cache after a retrain: the most active users first, before they come back.

One of all gateways does it. How many of their explanations were known already, which is the hit
rate across the retrain, is reported.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

import structlog
from redis.asyncio import Redis

from ranker.service import RankingQuery
from service.cache import Cache, cache_key
from service.explain import Serving
from service.jobs import Job
from service.metrics import Metrics
from service.ranker_client.remote import RemoteRankerClient
from service.redis.jobs import RedisJobs

log = structlog.get_logger()
_EVERY_S = 5.0
_LOCK_S = 3600
_K = 10


class Warmer:
    """Asks for the answers of the most active users whenever the ranker's version changes."""

    def __init__(
        self,
        ranking: RemoteRankerClient,
        cache: Cache,
        serving: Callable[[], Serving | None],
        redis: Redis,
        metrics: Metrics,
        users: int,
    ) -> None:
        self._ranking, self._cache, self._serving = ranking, cache, serving
        self._redis, self._metrics, self._users = redis, metrics, users
        self._seen = ""

    async def run(self) -> None:
        """Look again and again, for ever."""
        while self._users:
            serving = self._serving()
            if serving is not None and isinstance(serving.jobs, RedisJobs):
                active = await self._ranking.active(self._users)
                state = f"{active.version}:{serving.fingerprint.hex()}"
                if state != self._seen:
                    lock = f"prism:warmed:{state}"
                    if await self._redis.set(lock, 1, nx=True, ex=_LOCK_S):
                        try:
                            await self._warm(active.users, active.version, serving, serving.jobs)
                        except BaseException:
                            await self._redis.delete(lock)  # so that it is tried again
                            raise
                    self._seen = state
            await asyncio.sleep(_EVERY_S)

    async def _warm(
        self, users: list[str], version: str, serving: Serving, jobs: RedisJobs
    ) -> None:
        hits = total = queued = 0
        for user in users:
            answer = await self._ranking.rank(RankingQuery(user, _K), timeout_s=5.0)
            facts = {cache_key(serving.fingerprint, r.facts): r.facts for r in answer.items}
            known = await self._cache.get_many(list(facts))
            missing = [
                Job(key, one, monotonic(), monotonic())
                for (key, one), text in zip(facts.items(), known, strict=True)
                if text is None
            ]
            total += len(facts)
            hits += len(facts) - len(missing)
            queued += await jobs.submit_bulk(missing)
        self._metrics.warmed(hits, total)
        log.info(
            "warmed",
            ranker_version=version,
            users=len(users),
            hits=hits,
            explanations=total,
            queued=queued,
        )
