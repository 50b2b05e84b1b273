"""The embedded deployment: gateway, ranker and worker in one process, cache and queue in memory."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import structlog
import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from catalog import dataset as datasets
from models.grounded import GroundedEngine
from models.writer import Writer
from ranker.als import AlsRanker
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker
from ranker.service import RankingService
from service.cache import MemoryCache
from service.explain import Explainer
from service.gateway import create_app
from service.jobs import LocalJobs
from service.metrics import Metrics
from service.settings import Settings
from service.worker import Worker

log = structlog.get_logger()


class PortInUseError(RuntimeError):
    """Another process listens on the port."""


def embedded_app(settings: Settings) -> FastAPI:
    """Compose the whole service from its settings.

    Raises
    ------
    DatasetError, SnapshotError
        The data or the snapshot cannot be used; the message says why.
    """
    dataset = datasets.load(settings.data)
    ranker: Ranker = PopularityRanker(dataset)
    if settings.ranker == "als":
        ranker = AlsRanker.load(settings.snapshot)
    metrics = Metrics()
    writer = Writer(GroundedEngine(), settings.policy, metrics.rejected, metrics.stage)
    jobs = LocalJobs(settings.queue_limit)
    cache = MemoryCache(settings.cache_bytes, settings.cache_ttl_s)
    worker = Worker(jobs, writer, cache, metrics, settings.batch_size)
    metrics.watch(jobs)
    metrics.running(ranker.name, ranker.version, writer.model)

    @contextlib.asynccontextmanager
    async def background() -> AsyncIterator[None]:
        # Systems of a few hundred numbers: BLAS threads would only compete with the requests.
        with threadpool_limits(limits=1, user_api="blas"):
            task = asyncio.create_task(worker.run(), name="worker")
            try:
                yield
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                jobs.close()

    explainer = Explainer(writer, cache, jobs, metrics)
    ranking = RankingService(dataset, ranker)
    log.info(
        "loaded", dataset=dataset.info.name, users=len(dataset.user_ids),
        items=len(dataset.item_ids), ranker=ranker.name, ranker_version=ranker.version,
        model=writer.model,
    )  # fmt: skip
    return create_app(settings, ranking, explainer, metrics, background)


def listen(host: str, port: int) -> socket.socket:
    """Bind a port before anything slow happens. Raises PortInUseError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise PortInUseError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return sock


def serve(app: FastAPI, sock: socket.socket, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then answer what is in flight and stop."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    uvicorn.Server(config).run(sockets=[sock])
