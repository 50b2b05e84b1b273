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

from catalog.files import stamp
from models.prism.engines.choice import open_engine
from models.prism.writer import Writer
from ranker.service import RankingService
from service import collector
from service.admission import Admission
from service.background import background, forever
from service.breaker import Breaker
from service.cache import MemoryCache
from service.deployments.loading import open_ranker
from service.deployments.warmer import Warmer
from service.explain import Explainer
from service.http import errors
from service.http.document import document
from service.http.gateway import create_app
from service.http.health import Readiness, add_health
from service.http.middleware import RequestMiddleware
from service.http.ranker import create_ranker_app
from service.metrics import Metrics
from service.ranker_client.fallback import Fallback
from service.ranker_client.local import LocalRankerClient
from service.ranker_client.remote import RemoteRankerClient
from service.rate_limit import local_rate_limit
from service.redis.cache import NearCache, RedisCache
from service.redis.connection import connect
from service.redis.dead_letters import DeadLetters
from service.redis.gateway_queue import RedisJobQueue
from service.redis.queue import QueueState
from service.redis.rate_limit import RedisRateLimit
from service.redis.served import ANNOUNCE_S, Announcements, ServedModel
from service.redis.trust import open_trust
from service.redis.worker_queue import RedisWorkQueue
from service.settings import Settings
from service.worker import Worker

log = structlog.get_logger()
_MEASURE_S = 0.5
_NEAR_S = 300
"""Longest life of a text in a gateway's own cache: after it, Redis is asked again."""
_LEFT_ALONE_S, _FAIR_S = 1.0, 0.25
"""How long Redis is not asked after it did not answer: not every request shall wait for it."""


def ranker_app(settings: Settings) -> FastAPI:
    """Compose `prism ranker`: the owner of Dataset and snapshot.

    Raises DatasetError, SnapshotError.
    """
    metrics = Metrics()
    folders = (settings.data, settings.snapshot)
    tried = [stamp(folder) for folder in folders]  # before loading, to miss no change meanwhile
    local = LocalRankerClient(RankingService(*open_ranker(settings)))
    metrics.running(ranker=local.service.ranker)

    async def reload() -> None:
        """Swap to new data or a new snapshot; requests in flight end with what was before.

        Those that cannot be used are tried again when they have changed again.
        """
        nonlocal tried
        while True:
            await asyncio.sleep(settings.reload_s)
            if (now := [stamp(folder) for folder in folders]) == tried:
                continue
            tried = now
            try:
                with collector.loading():
                    dataset, ranker = await asyncio.to_thread(open_ranker, settings)
                    local.service = await asyncio.to_thread(RankingService, dataset, ranker)
            except Exception as error:  # whatever is wrong with them, requests are answered
                metrics.failed("reload")
                log.warning("not reloaded, what was before stays", error=str(error) or repr(error))
            else:
                metrics.running(ranker=ranker)
                log.info("reloaded", ranker=ranker.name, ranker_version=ranker.version)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        with threadpool_limits(limits=1, user_api="blas"):
            async with background(reload, "reload"):
                yield

    return create_ranker_app(local, Admission(metrics), metrics, running)


def gateway_app(settings: Settings) -> FastAPI:
    """Compose `prism gateway`: no data, no model; it asks the ranker, Redis and the workers.

    Raises KeysError, SigningKeyError.
    """
    metrics = Metrics()
    redis = connect(settings)
    ranker_client = RemoteRankerClient(str(settings.ranker_url), Breaker())
    fallback = Fallback(ranker_client, metrics, settings.last_good_users, settings.last_good_age_s)
    trust, breaker = open_trust(settings), _breaker_of_redis()
    cache = NearCache(
        MemoryCache(settings.near_cache_bytes, min(_NEAR_S, settings.cache_ttl_s)),
        RedisCache(redis, settings.cache_ttl_s, trust, breaker),
        lambda: metrics.failed("cache"),
    )

    def new_queue(fingerprint: str) -> RedisJobQueue:
        return RedisJobQueue(redis, fingerprint, settings.queue_limit, trust, breaker)

    served = ServedModel(Announcements(redis, trust), new_queue)

    async def measure() -> None:
        now = served.serving
        if now is not None:
            metrics.running(model=now.model)
            await _measure(redis, now.fingerprint.hex(), metrics)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        warmer = Warmer(ranker_client, cache, served, redis, metrics, settings.warm_users)
        async with (
            served.released(),
            background(served.follow, "models"),
            background(partial(fallback.keep_learning, settings.max_k), "popular"),
            background(warmer.run, "warmer"),
        ):
            with contextlib.suppress(TimeoutError):  # without Redis it serves all the same
                async with asyncio.timeout(_MEASURE_S):
                    await served.followed.wait()
            yield
        await ranker_client.close()
        await redis.aclose()

    admission = Admission(metrics)
    explainer = Explainer(lambda: served.serving, cache, metrics, lambda: admission.lag_s)
    local = local_rate_limit(settings)
    limit = None if local is None else RedisRateLimit(redis, local, metrics)
    return create_app(
        settings, fallback, ranker_client, explainer, admission, metrics, running, measure, limit,
        lacking=lambda: fallback.lacking,
    )  # fmt: skip


def worker_app(settings: Settings) -> FastAPI:
    """Compose `prism worker`: an engine that takes jobs from Redis.

    Raises ModelError, SigningKeyError.
    """
    metrics = Metrics()
    redis = connect(settings)
    engine = open_engine(settings.model, settings.engines, settings.runtime)
    writer = Writer(engine, settings.policy, metrics.rejected, metrics.stage)
    fingerprint = writer.fingerprint.hex()
    trust = open_trust(settings)
    jobs = RedisWorkQueue(
        redis, fingerprint, settings.queue_limit, trust,
        claim_after_s=settings.claim_after_s, deliveries=settings.deliveries,
    )  # fmt: skip
    cache = RedisCache(redis, settings.cache_ttl_s, trust, _breaker_of_redis())
    worker = Worker(
        jobs, writer, cache, metrics, settings.batch_size, in_hand_s=settings.batch_limit_s
    )
    announcements = Announcements(redis, trust)
    is_known = False
    metrics.running(model=writer.model)

    async def announce() -> None:
        nonlocal is_known
        while True:
            await announcements.announce(
                fingerprint, writer.model, settings.priority, lambda: worker.trouble
            )
            is_known = True
            await asyncio.sleep(ANNOUNCE_S)

    async def measure() -> None:
        metrics.out_of_fleet(worker.trouble)
        await _measure(redis, fingerprint, metrics)

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

    health = Readiness(
        running,
        lacking=lambda: "" if is_known else "Redis has not answered yet",
        trouble=lambda: worker.trouble,
    )
    app = FastAPI(title="Prism worker", lifespan=health.lifespan, docs_url=None, redoc_url=None)
    app.state.admission = Admission(metrics)
    app.add_middleware(RequestMiddleware, metrics=metrics, max_body=0, max_values=0)
    errors.install(app)
    add_health(app, metrics, health, measure)
    document(app)
    log.info("loaded", model=writer.model)
    return app


def _breaker_of_redis() -> Breaker:
    return Breaker(failures=1, open_s=_LEFT_ALONE_S, fair_s=_FAIR_S)


async def _measure(redis: Redis, fingerprint: str, metrics: Metrics) -> None:
    """Measure the queue, but let no Redis that hangs hold up whoever reads the metrics."""
    state = QueueState(redis, fingerprint)
    try:
        async with asyncio.timeout(_MEASURE_S):
            dead, depth, oldest_s = await asyncio.gather(
                DeadLetters(redis).count(), state.depth(), state.oldest_s()
            )
            metrics.queue(depth, oldest_s, dead)
    except (TimeoutError, RedisError):
        metrics.queue(math.nan, math.nan, math.nan)
