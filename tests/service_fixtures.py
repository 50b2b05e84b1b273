"""What tests of the online path share: engines that fail in one way each, a small service."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from catalog.dataset import Dataset
from catalog.facts import Evidence, Facts
from catalog.types import Item
from models.faithfulness import Policy
from models.language.grounded import explain
from models.prism.writer import Writer, Written
from ranker.als import AlsConfig, AlsRanker, fit
from service.cache import Cache, MemoryCache, cache_key
from service.explain import Explained, Explainer, Serving
from service.jobs import LocalJobs
from service.metrics import Metrics
from service.worker import Worker

GENEROUS_S = 20.0
"""Time for anything that must happen in the end, on a machine that is busy with other things."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, as the service does."""
    return "asyncio"


# ---------------------------------------------------------------------- Facts and texts


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def facts_about(item_id: str = "1") -> Facts:
    """Return Facts that differ from others in their item."""
    return Facts(
        item=Item(id=item_id, title=f"Film {item_id}", year=1995),
        evidence=(Evidence(id="heat", title="Heat", categories=("Crime",), liking="loved"),),
        evidence_kind="contribution",
    )


def written(text: str = "Watch “Heat”.") -> Written:
    """Return a text as a Prism would have written it."""
    return Written(text=text, source="prism")


def a_lie(facts: Facts) -> str:
    """Return a text that is false of any Facts."""
    return f"You hated “{facts.item.title}” and its gripping plot."


# ---------------------------------------------------------------------- engines


class ScriptedEngine:
    """An engine that says what the test tells it to, and remembers the batches it was given.

    While `gate` is clear it writes nothing: as slow as the test needs.
    """

    name = "scripted"
    version = "1"

    def __init__(self, say: Callable[[Facts], str] = explain) -> None:
        self.say = say
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[list[str]] = []

    def write(self, batch: Sequence[Facts]) -> list[str]:
        """Write one text per Facts; see `Engine`."""
        self.batches.append([facts.item.id for facts in batch])
        assert self.gate.wait(GENEROUS_S), "the test never opened the gate"
        return [self.say(facts) for facts in batch]


class BrokenCache:
    """A cache that is gone."""

    async def get_many(self, wanted: Mapping[str, Facts], within_s: float) -> dict[str, Written]:
        """Fail; see `Cache`."""
        raise ConnectionError("the cache is gone")

    async def put_many(
        self, texts: Mapping[str, Written], about: Mapping[str, Facts]
    ) -> dict[str, Written]:
        """Fail; see `Cache`."""
        raise ConnectionError("the cache is gone")


# ---------------------------------------------------------------------- the explaining half


@dataclass(frozen=True)
class Service:
    """Everything behind the gateway that explains, put together as embedded."""

    engine: ScriptedEngine
    writer: Writer
    cache: Cache
    jobs: LocalJobs
    metrics: Metrics
    explainer: Explainer

    def key(self, facts: Facts) -> str:
        """Return the cache key of what the engine writes of the Facts."""
        return cache_key(self.writer.fingerprint, facts)

    async def cached(self, facts: Facts) -> Written | None:
        """Look into the cache."""
        found = await self.cache.get_many({self.key(facts): facts}, GENEROUS_S)
        return found.get(self.key(facts))

    async def explain(self, *facts: Facts, within_s: float = GENEROUS_S) -> list[Explained]:
        """Ask for explanations, as one request does."""
        return (await self.explainer.explain(facts, monotonic() + within_s)).items

    def measured(self, name: str, **labels: str) -> float:
        """Return a metric, 0 where nothing was counted yet."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def new_service(
    engine: ScriptedEngine,
    *,
    cache: Cache | None = None,
    queue_limit: int = 1000,
    batch_size: int = 32,
    policy: Policy = "strict",
    in_hand_s: float = GENEROUS_S,
    on_trouble: Callable[[str], None] | None = None,
) -> tuple[Service, Worker]:
    """Return a service whose worker does not run yet."""
    metrics = Metrics()
    writer = Writer(engine, policy, metrics.rejected, metrics.stage)
    jobs = LocalJobs(queue_limit)
    cache = MemoryCache(10**6, ttl_s=3600) if cache is None else cache
    worker = Worker(
        jobs, writer, cache, metrics, batch_size, in_hand_s, on_trouble or jobs.close, 0.01
    )
    serving = Serving(writer.model, writer.fingerprint, jobs)
    explainer = Explainer(lambda: serving, cache, metrics)
    return Service(engine, writer, cache, jobs, metrics, explainer), worker


@asynccontextmanager
async def working(service: Service, worker: Worker) -> AsyncIterator[Service]:
    """Run the worker for a while."""
    task = asyncio.create_task(worker.run())
    try:
        yield service
    finally:
        service.engine.gate.set()  # an engine's thread cannot be cancelled
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        service.jobs.close()


@asynccontextmanager
async def running(
    engine: ScriptedEngine,
    *,
    cache: Cache | None = None,
    queue_limit: int = 1000,
    batch_size: int = 32,
) -> AsyncIterator[Service]:
    """Yield a service with a worker at work."""
    service, worker = new_service(
        engine, cache=cache, queue_limit=queue_limit, batch_size=batch_size
    )
    async with working(service, worker):
        yield service


async def until(happened: Callable[[], bool]) -> None:
    """Wait for something that must happen in the end."""
    async with asyncio.timeout(GENEROUS_S):
        while not happened():
            await asyncio.sleep(0.001)


# ---------------------------------------------------------------------- the demo, and HTTP


@cache
def fitted(dataset: Dataset) -> AlsRanker:
    """Return the ALS ranker that `prism train-ranker` fits, fitted once for all tests."""
    return fit(dataset, AlsConfig())


def save_snapshot(dataset: Dataset, folder: Path) -> Path:
    """Write the snapshot folder that `prism train-ranker` leaves."""
    fitted(dataset).save(folder, {"dataset": dataset.info.name})
    return folder


class Client:
    """An HTTP client of an app in this process."""

    def __init__(self, request: Callable[..., httpx.Response]) -> None:
        self.request = request

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET request."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST request."""
        return self.request("POST", path, **options)

    def samples(self) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
        """Return what `/metrics` says, by name and labels."""
        return samples_of(self.get("/metrics").text)


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """Check that an answer is a problem document (RFC 9457), and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem.keys() <= {"type", "title", "status", "detail", "errors"}
    return problem


def wrong_fields(response: httpx.Response) -> list[str]:
    """Check that an answer says that the input is wrong, and return which fields."""
    problem = problem_of(response, 422)
    assert problem["type"] == "urn:prism:invalid-request"
    fields: list[str] = [error["field"] for error in problem["errors"]]
    assert fields
    assert all(error["message"] for error in problem["errors"])
    assert fields[0] in problem["detail"]
    return fields


def samples_of(exposition: str) -> Mapping[tuple[str, frozenset[tuple[str, str]]], float]:
    """Read a Prometheus exposition."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


@contextmanager
def client_of(app: FastAPI) -> Iterator[Client]:
    """Yield a client of an app that lives, its background included, while the client does."""
    transport = httpx.ASGITransport(app)
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        portal.wrap_async_context_manager(
            httpx.AsyncClient(transport=transport, base_url="http://prism", timeout=GENEROUS_S)
        ) as client,
    ):
        yield Client(lambda *where, **what: portal.call(partial(client.request, *where, **what)))
