"""The embedded deployment: gateway, ranker and worker in one process, cache and queue in memory."""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import numpy as np
import structlog
import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits

from catalog import dataset as datasets
from catalog.dataset import Dataset
from models.engines import open_engine
from models.writer import Writer
from ranker.als import AlsRanker, SnapshotError
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker
from ranker.service import RankingService
from service.background import background
from service.cache import MemoryCache
from service.explain import Explainer, Serving
from service.gateway import create_app
from service.jobs import LocalJobs
from service.metrics import Metrics
from service.ranking.fallback import Fallback
from service.ranking.protocol import LocalRanking
from service.rate_limit import local_rate_limit
from service.settings import Settings
from service.worker import Worker

log = structlog.get_logger()


_ON_ITS_WAY_S = 0.2
"""At shutdown, how long a request may take to follow its connection."""


class ListenError(RuntimeError):
    """The address cannot be bound; the message says why and how to go on."""


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
    jobs = LocalJobs(settings.queue_limit)
    cache = MemoryCache(settings.cache_bytes, settings.cache_ttl_s)
    worker = Worker(jobs, writer, cache, metrics, settings.batch_size)
    metrics.running(ranker=ranker, model=writer.model)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        # Systems of a few hundred numbers: BLAS threads would only compete with the requests.
        with threadpool_limits(limits=1, user_api="blas"):
            async with background(worker.run, "worker"):
                yield
            jobs.close()

    serving = Serving(writer.model, writer.fingerprint, jobs)
    explainer = Explainer(lambda: serving, cache, metrics)

    async def measure_queue() -> None:
        metrics.queue(await jobs.depth(), await jobs.oldest_s())

    ranking = LocalRanking(RankingService(dataset, ranker))
    log.info(
        "loaded", dataset=dataset.info.name, users=len(dataset.user_ids),
        items=len(dataset.item_ids), ranker=ranker.name, ranker_version=ranker.version,
        model=writer.model,
    )  # fmt: skip
    fallback = Fallback(ranking, metrics, 0, 1)
    limit = local_rate_limit(settings)
    return create_app(
        settings, fallback, ranking, explainer, metrics, running, measure_queue, limit
    )


def open_ranker(settings: Settings) -> tuple[Dataset, Ranker]:
    """Return the Dataset and the ranker of the settings. Raises DatasetError, SnapshotError."""
    dataset = datasets.load(settings.data)
    ranker: Ranker = PopularityRanker(dataset)
    if settings.ranker == "als":
        fitted = ranker = AlsRanker.load(settings.snapshot)
        same_items = list(fitted.item_ids) == dataset.item_ids
        if not same_items or not np.array_equal(fitted.hidden, dataset.hidden):
            raise SnapshotError(
                f"{settings.snapshot} was fitted to other items than {settings.data}"
            )
    return dataset, ranker


def listen(host: str, port: int) -> socket.socket:
    """Listen before anything slow happens, so that requests wait until the service is up.

    Raises ListenError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen()  # until then a second process could bind the port, too
    except OSError as error:
        sock.close()
        hint = ""
        if error.errno == errno.EADDRINUSE:
            hint = (
                "\nStop the other process, or choose another port: "
                "PRISM_PORT=8001 make run, or prism serve --port 8001"
            )
        raise ListenError(f"cannot listen on {host}:{port}: {error.strerror}{hint}") from None
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
    # Once it has stopped in good order, uvicorn raises the signal again: that is no failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    _Server(config).run(sockets=[sock])


class _Server(uvicorn.Server):
    """Answers every request that has come in before it stops.

    Uvicorn alone drops connections that wait to be accepted, and those whose request follows late.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept what waits, listen no more, wait for the requests, go on as uvicorn does."""
        self.server_state.default_headers.append((b"connection", b"close"))
        waiting = [connection for sock in sockets or [] for connection in _waiting(sock)]
        for server in self.servers:
            server.close()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        await asyncio.sleep(_ON_ITS_WAY_S)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _waiting(sock: socket.socket) -> Iterator[socket.socket]:
    """Yield the connections that wait to be accepted."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield sock.accept()[0]
