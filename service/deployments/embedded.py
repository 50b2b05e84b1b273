"""The embedded deployment: gateway, ranker and worker in one process, cache and queue in memory."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

import structlog
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from models.prism.engines.choice import open_engine
from models.prism.writer import Writer
from ranker.service import RankingService
from service.admission import Admission
from service.background import background
from service.cache import MemoryCache
from service.deployments.loading import open_ranker
from service.explain import Explainer, Serving
from service.http.gateway import create_app
from service.jobs import LocalJobs
from service.metrics import Metrics
from service.ranker_client.fallback import Fallback
from service.ranker_client.local import LocalRankerClient
from service.rate_limit import local_rate_limit
from service.settings import Settings
from service.worker import Worker

log = structlog.get_logger()


def embedded_app(settings: Settings) -> FastAPI:
    """Compose the whole service from its settings.

    Raises
    ------
    DatasetError, SnapshotError, KeysError
        The data, the snapshot or the API keys cannot be used; the message says why.
    """
    dataset, ranker = open_ranker(settings)
    metrics = Metrics()
    engine = open_engine(settings.model, settings.engines, settings.runtime)
    writer = Writer(engine, settings.policy, metrics.rejected, metrics.stage)
    jobs = LocalJobs(settings.queue_limit, settings.deliveries)
    cache = MemoryCache(settings.cache_bytes, settings.cache_ttl_s)
    worker = Worker(
        jobs, writer, cache, metrics, settings.batch_size, settings.batch_limit_s, jobs.close
    )
    metrics.running(ranker=ranker, model=writer.model)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        # Systems of a few hundred numbers: BLAS threads would only compete with the requests.
        with threadpool_limits(limits=1, user_api="blas"):
            async with (
                background(worker.run, "worker"),
                background(learn, "popular"),
            ):
                yield
            jobs.close()

    def serving() -> Serving:
        # While the engine is in trouble nobody need wait for it, and what is cached is served.
        queue = None if worker.trouble else jobs
        return Serving(writer.model, writer.fingerprint, queue)

    admission = Admission(metrics)
    explainer = Explainer(serving, cache, metrics, lambda: admission.lag_s)

    async def measure_queue() -> None:
        metrics.out_of_fleet(worker.trouble)
        metrics.queue(await jobs.depth(), await jobs.oldest_s())

    ranker_client = LocalRankerClient(RankingService(dataset, ranker))
    log.info(
        "loaded", dataset=dataset.info.name, users=len(dataset.user_ids),
        items=len(dataset.item_ids), ranker=ranker.name, ranker_version=ranker.version,
        model=writer.model,
    )  # fmt: skip
    fallback = Fallback(ranker_client, metrics, settings.last_good_users, settings.last_good_age_s)
    learn = partial(fallback.keep_learning, settings.max_k)
    limit = local_rate_limit(settings)
    return create_app(
        settings, fallback, ranker_client, explainer, admission, metrics, running, measure_queue,
        limit,
    )  # fmt: skip
