"""The distributed deployment: gateway, ranker and worker as processes of their own, over Redis."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from functools import partial

import structlog
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.exceptions import RedisError
from threadpoolctl import threadpool_limits

from models.engines import open_engine
from models.writer import Writer
from ranker.service import RankingService
from service import collector
from service.admission import Admission
from service.background import background, forever
from service.cache import MemoryCache
from service.deployments.loading import open_ranker
from service.explain import Explainer, Serving
from service.http import errors
from service.http.document import document
from service.http.gateway import create_app
from service.http.health import Readiness, add_health
from service.http.middleware import RequestMiddleware
from service.http.ranker import create_ranker_app
from service.http.rate_limit import local_rate_limit
from service.jobs import Jobs
from service.metrics import Metrics
from service.ranker_client.fallback import Fallback
from service.ranker_client.local import LocalRankerClient
from service.ranker_client.remote import Breaker, RemoteRankerClient
from service.redis.cache import NearCache, RedisCache
from service.redis.connection import connect
from service.redis.jobs import DeadLetters, RedisJobs
from service.redis.models import ModelsRegistry
from service.redis.rate_limit import RedisRateLimit
from service.settings import Settings
from service.stamp import stamp
from service.warmer import Warmer
from service.worker import Worker

log = structlog.get_logger()
_MEASURE_S = 0.5
_NEAR_S = 300
"""Longest life of a text in a gateway's own cache: after it, Redis is asked again."""
_FOLLOW_S = 1.0
"""How often the gateway looks which model is served."""


def ranker_app(settings: Settings) -> FastAPI:
    """Compose `prism ranker`: the owner of Dataset and snapshot.

    Raises DatasetError, SnapshotError.
    """
    metrics = Metrics()
    files = (settings.data / "dataset.json", settings.snapshot / "snapshot.json")
    loaded = [stamp(file) for file in files]
    local = LocalRankerClient(RankingService(*open_ranker(settings)))
    metrics.running(ranker=local.service.ranker)

    async def reload() -> None:
        """Swap to a new snapshot when there is one; requests in flight end with the old one."""
        nonlocal loaded
        while True:
            await asyncio.sleep(settings.reload_s)
            if (now := [stamp(file) for file in files]) != loaded:
                with collector.loading():
                    dataset, ranker = await asyncio.to_thread(open_ranker, settings)
                    local.service = await asyncio.to_thread(RankingService, dataset, ranker)
                metrics.running(ranker=ranker)
                loaded = now
                log.info("reloaded", ranker=ranker.name, ranker_version=ranker.version)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        with threadpool_limits(limits=1, user_api="blas"):
            async with background(reload, "reload"):
                yield

    return create_ranker_app(local, Admission(metrics), metrics, settings, running)


def gateway_app(settings: Settings) -> FastAPI:
    """Compose `prism gateway`: no data, no model; it asks the ranker, Redis and the workers.

    Raises KeysError.
    """
    metrics = Metrics()
    redis = connect(settings)
    ranking = RemoteRankerClient(str(settings.ranker_url), Breaker())
    fallback = Fallback(ranking, metrics, settings.last_good_users, settings.last_good_age_s)
    cache = NearCache(
        MemoryCache(settings.near_cache_bytes, min(_NEAR_S, settings.cache_ttl_s)),
        RedisCache(redis, settings.cache_ttl_s),
        lambda: metrics.failed("cache"),
    )
    registry, queues = ModelsRegistry(redis), dict[str, RedisJobs]()
    followed = asyncio.Event()

    def serving() -> Serving | None:
        chosen = registry.chosen
        if chosen is None or chosen.fingerprint not in queues:
            return None
        return Serving(chosen.model, bytes.fromhex(chosen.fingerprint), queues[chosen.fingerprint])

    async def follow_models() -> None:
        async with contextlib.AsyncExitStack() as listening:
            listening.callback(queues.clear)  # a queue is there as long as somebody listens to it
            while True:
                await registry.choose()
                chosen = registry.chosen
                if chosen is not None and chosen.fingerprint not in queues:
                    jobs = _queue(redis, chosen.fingerprint, settings)
                    await listening.enter_async_context(jobs.listening())
                    queues[chosen.fingerprint] = jobs
                followed.set()
                await asyncio.sleep(_FOLLOW_S)

    async def measure() -> None:
        now = serving()
        if now is not None:
            metrics.running(model=now.model)
            await _measure(redis, now.jobs, metrics)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        warmer = Warmer(ranking, cache, serving, redis, metrics, settings.warm_users)
        async with (
            background(follow_models, "models"),
            background(partial(fallback.keep_learning, settings.max_k), "popular"),
            background(warmer.run, "warmer"),
        ):
            with contextlib.suppress(TimeoutError):  # without Redis it serves all the same
                async with asyncio.timeout(_MEASURE_S):
                    await followed.wait()
            yield
        await ranking.close()
        await redis.aclose()

    admission = Admission(metrics)
    explainer = Explainer(serving, cache, metrics, lambda: admission.lag_s)
    local = local_rate_limit(settings)
    limit = None if local is None else RedisRateLimit(redis, local, metrics)
    return create_app(
        settings, fallback, ranking, explainer, admission, metrics, running, measure, limit
    )


def worker_app(settings: Settings) -> FastAPI:
    """Compose `prism worker`: an engine that takes jobs from Redis.

    Raises ModelError.
    """
    metrics = Metrics()
    redis = connect(settings)
    engine = open_engine(settings.model, settings.engines, settings.runtime)
    writer = Writer(engine, settings.policy, metrics.rejected, metrics.stage)
    fingerprint = writer.fingerprint.hex()
    jobs = _queue(redis, fingerprint, settings)
    cache = RedisCache(redis, settings.cache_ttl_s)
    worker = Worker(jobs, writer, cache, metrics, settings.batch_size)
    registry = ModelsRegistry(redis)
    metrics.running(model=writer.model)

    async def announce() -> None:
        await registry.announce(fingerprint, writer.model)

    async def measure() -> None:
        await _measure(redis, jobs, metrics)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with jobs.working(), background(announce, "announce"):
            task = asyncio.create_task(forever(worker.run, "worker"))
            try:
                yield
            finally:
                worker.stop()
                await task  # what it took, it finishes
        await redis.aclose()

    health = Readiness(running)
    app = FastAPI(title="Prism worker", lifespan=health.lifespan)
    app.state.admission = Admission(metrics)
    app.add_middleware(RequestMiddleware, metrics=metrics, max_body=0, max_values=0)
    errors.install(app)
    add_health(app, metrics, health, measure)
    document(app)
    log.info("loaded", model=writer.model)
    return app


async def _measure(redis: Redis, jobs: Jobs, metrics: Metrics) -> None:
    """Measure the queue, but let no Redis that hangs hold up whoever reads the metrics."""
    try:
        async with asyncio.timeout(_MEASURE_S):
            dead, depth, oldest_s = await asyncio.gather(
                DeadLetters(redis).count(), jobs.depth(), jobs.oldest_s()
            )
            metrics.queue(depth, oldest_s, dead)
    except (TimeoutError, RedisError):
        metrics.queue(math.nan, math.nan, math.nan)


def _queue(redis: Redis, fingerprint: str, settings: Settings) -> RedisJobs:
    return RedisJobs(
        redis,
        fingerprint,
        settings.queue_limit,
        claim_after_s=settings.claim_after_s,
        deliveries=settings.deliveries,
    )
