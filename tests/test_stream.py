"""`/recommend/stream`: items at once, explanations as they come, and no work for who has left."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from fastapi import FastAPI
from service_fixtures import (
    GENEROUS_S,
    ScriptedEngine,
    Service,
    anyio_backend,  # noqa: F401
    facts_about,
    new_service,
    until,
    working,
)
from structlog.testing import capture_logs

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.types import Item
from models.language.grounded import explain
from ranker.popularity import PopularityRanker
from ranker.service import RankingService
from service.admission import Admission
from service.http import events
from service.http.gateway import create_app
from service.ranker_client.fallback import Fallback
from service.ranker_client.local import LocalRankerClient
from service.settings import Settings

pytestmark = pytest.mark.anyio
SCRIPT = "<script>alert(1)</script>"
Event = tuple[str, Any]


class Stream:
    """A request to the app as a server makes it, of which the test reads what was sent so far."""

    def __init__(self, app: FastAPI, path: str, body: object = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()
        target, _, query = path.partition("?")
        scope = {
            "type": "http", "method": "GET" if body is None else "POST", "path": target,
            "query_string": query.encode(), "client": ("a", 1),
            "headers": [(b"content-type", b"application/json")],
        }  # fmt: skip
        sent_body = False

        async def receive() -> dict[str, Any]:
            nonlocal sent_body
            if sent_body:
                await asyncio.Event().wait()
            sent_body = True
            raw = b"" if body is None else json.dumps(body).encode()
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            self.sent.append(message)
            await self.reads.wait()

        self.task = asyncio.create_task(app(scope, receive, send))

    @property
    def events(self) -> list[Event]:
        """What was sent so far, read as server-sent events are."""
        raw = b"".join(message.get("body", b"") for message in self.sent[1:]).decode()
        found = []
        for block in raw.split("\n\n")[:-1]:
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        return found

    async def whole(self) -> list[Event]:
        """Return all events, once it has ended."""
        await asyncio.wait_for(self.task, GENEROUS_S)
        assert self.sent[0]["status"] == 200
        assert self.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        return self.events

    async def gone(self) -> None:
        """Leave: the server ends the task of a request whose client is gone."""
        self.task.cancel()
        await asyncio.wait([self.task], timeout=GENEROUS_S)


@pytest.fixture
def dataset(small_dataset: Callable[..., Dataset]) -> Dataset:
    items = [Item(id=n, title=f"Film {n}") for n in "123"]
    items.append(Item(id="'4\"", title=f"{SCRIPT}\nevent: done\n\ndata: 1"))
    likings = [("ann", "0", 5.0), *(("'b\" o'", item.id, 5.0) for item in items)]
    return small_dataset(likings, items=items)


@asynccontextmanager
async def gateway(
    dataset: Dataset, engine: ScriptedEngine, batch_size: int = 1
) -> AsyncIterator[tuple[FastAPI, Service]]:
    """Yield an app whose worker writes so many texts at a time, and what is behind it."""
    service, worker = new_service(engine, batch_size=batch_size)
    ranking = LocalRankerClient(RankingService(dataset, PopularityRanker(dataset)))

    @asynccontextmanager
    async def background() -> AsyncIterator[None]:
        async with working(service, worker):
            yield

    app = create_app(
        Settings(), Fallback(ranking, service.metrics, users=0, age_s=1), ranking,
        service.explainer, Admission(service.metrics), service.metrics, background,
    )  # fmt: skip
    async with app.router.lifespan_context(app):
        yield app, service


def named(found: Sequence[Event], name: str) -> list[Any]:
    """Return the data of all events of a name."""
    return [data for event, data in found if event == name]


@pytest.mark.parametrize("body", [None, {"history": [{"item_id": "0"}], "k": 4}])
async def test_put_together_it_is_the_answer_of_recommend(dataset: Dataset, body: object) -> None:
    query = "" if body else "?user_id=ann&k=4"
    async with gateway(dataset, ScriptedEngine()) as (app, _):
        found = await Stream(app, f"/recommend/stream{query}", body).whole()
        again = await Stream(app, f"/recommend/stream{query}", body).whole()
        plain = Stream(app, f"/recommend{query}", body)
        await plain.task
    answer = json.loads(plain.sent[1]["body"])
    assert [name for name, _ in found] == ["items", *["explanation"] * 4, "done"]
    [items], [done] = named(found, "items"), named(found, "done")
    assert [item["explanation"] for item in items["items"]] == [None] * 4
    assert done["timings_ms"].keys() == {"rank", "explain", "encode", "total"}
    assert (done["model"], done["degraded"]) == (answer["model"], answer["degraded"])
    for told, cached in ((found, False), (again, True)):
        assert {one["explanation"]["cached"] for one in named(told, "explanation")} == {cached}
        for one in named(told, "explanation"):
            item = items["items"][one["rank"] - 1]
            assert item["item_id"] == one["item_id"]
            item["explanation"] = {**one["explanation"], "cached": True}
        assert items["items"] == answer["items"]


async def test_items_are_there_before_a_text_and_each_text_before_the_next(
    dataset: Dataset,
) -> None:
    engine = ScriptedEngine()
    async with gateway(dataset, engine) as (app, _):
        await Stream(app, "/recommend/stream?user_id=ann&k=1").whole()
        engine.gate.clear()
        stream = Stream(app, "/recommend/stream?user_id=ann&k=4&deadline_ms=30000")
        await until(lambda: len(stream.events) == 2)  # the items, and what is in the cache
        assert [name for name, _ in stream.events] == ["items", "explanation"]
        assert stream.events[1][1]["explanation"]["cached"]
        engine.gate.set()
        assert len(named(await stream.whole(), "explanation")) == 4


async def test_by_the_deadline_something_stands_in(dataset: Dataset) -> None:
    engine = ScriptedEngine()
    engine.gate.clear()
    async with gateway(dataset, engine) as (app, _):
        found = await Stream(app, "/recommend/stream?user_id=ann&k=3&deadline_ms=100").whole()
        engine.gate.set()
    told = [one["explanation"] for one in named(found, "explanation")]
    assert [(one["source"], one["reason"]) for one in told] == [("grounded", "deadline")] * 3
    assert named(found, "done")[0]["degraded"] == ["worker"]


@pytest.mark.parametrize(
    ("style", "sources"), [("prism", {"prism"}), ("grounded", {"grounded"}), ("none", set())]
)
async def test_the_style_says_who_writes(dataset: Dataset, style: str, sources: set[str]) -> None:
    engine = ScriptedEngine()
    async with gateway(dataset, engine) as (app, _):
        found = await Stream(app, f"/recommend/stream?user_id=ann&k=3&style={style}").whole()
        inline = {"history": [{"item_id": "0"}], "k": 3, "style": style}
        plain = Stream(app, "/recommend", inline)
        await plain.task
    told = [one["explanation"] for one in named(found, "explanation")]
    answered = [item["explanation"] for item in json.loads(plain.sent[1]["body"])["items"]]
    for explanations in (told, [one for one in answered if one]):
        assert {(one["source"], one["reason"]) for one in explanations} == {
            (source, None) for source in sources
        }
    assert bool(engine.batches) == (style == "prism")


async def test_nothing_in_a_title_or_an_id_ends_an_event(dataset: Dataset) -> None:
    async with gateway(dataset, ScriptedEngine()) as (app, _):
        found = await Stream(app, "/recommend/stream?user_id=ann&k=4").whole()
        quoted = await Stream(app, "/recommend/stream?user_id='b%22 o'&k=4").whole()
    assert [name for name, _ in found] == ["items", *["explanation"] * 4, "done"]
    [script] = [i for i in named(found, "items")[0]["items"] if i["item_id"] == "'4\""]
    assert script["title"].startswith(SCRIPT)
    [one] = [e for e in named(found, "explanation") if e["item_id"] == "'4\""]
    assert SCRIPT in one["explanation"]["text"]
    assert named(quoted, "items")[0]["user_id"] == "'b\" o'"


# ---------------------------------------------------------------------- what goes wrong


async def test_what_is_wrong_with_the_request_is_a_problem_and_no_stream(dataset: Dataset) -> None:
    async with gateway(dataset, ScriptedEngine()) as (app, _):
        for path, status in (("?user_id=nobody", 404), ("?user_id=ann&k=0", 422), ("", 422)):
            stream = Stream(app, f"/recommend/stream{path}")
            await stream.task
            assert stream.sent[0]["status"] == status
            assert (b"content-type", b"application/problem+json") in stream.sent[0]["headers"]


async def test_a_failure_half_way_is_an_event(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug, met with ann")

    async with gateway(dataset, ScriptedEngine()) as (app, service):
        monkeypatch.setattr(service.explainer, "_known", fail)
        with capture_logs() as logs:
            found = await Stream(app, "/recommend/stream?user_id=ann&k=3").whole()
    assert [name for name, _ in found] == ["items", "error"]
    assert found[1][1]["status"] == 500
    assert "bug" not in json.dumps(found)
    assert [line["event"] for line in logs] == ["stream failed", "request"]


async def test_a_client_that_goes_away_ends_the_work_that_only_it_wanted(dataset: Dataset) -> None:
    engine = ScriptedEngine()
    async with gateway(dataset, engine) as (app, service):
        await Stream(app, "/recommend/stream?user_id=ann&k=1").whole()
        engine.gate.clear()
        leaves = Stream(app, "/recommend/stream?user_id=ann&k=4&deadline_ms=30000")
        await until(lambda: len(engine.batches) == 3)  # the first, and two that are being written
        await leaves.gone()
        later = Stream(app, "/recommend?user_id='b%22 o'&k=1&deadline_ms=30000")
        await until(lambda: service.measured("prism_cache_total", result="miss") == 5)
        engine.gate.set()
        await later.task
        await until(lambda: len(engine.batches) == 5)
    own = json.loads(later.sent[1]["body"])["items"][0]["item_id"]
    # What somebody wants comes before what nobody waits for any more.
    left = named(leaves.events, "items")[0]["items"][3]["item_id"]
    assert engine.batches[3:] == [[own], [left]]


async def test_one_that_leaves_between_two_texts_withdraws_the_rest(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = threading.Event()

    def say(facts: Facts) -> str:
        assert facts.item.id == "1" or more.wait(GENEROUS_S)
        return explain(facts)

    batch = [facts_about(n) for n in "123"]
    withdrawn: list[str] = []
    async with gateway(dataset, ScriptedEngine(say)) as (_, service):
        monkeypatch.setattr(service.jobs, "withdraw", withdrawn.extend)
        explaining = service.explainer.begin(batch, monotonic() + GENEROUS_S)
        assert [place for place, _ in await anext(explaining.ready)] == [0]
        await explaining.ready.aclose()
        more.set()
    assert withdrawn == [service.key(facts) for facts in batch[1:]]


async def test_a_client_that_does_not_read_is_cut_off(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_TAKE_S", 0.05)
    async with gateway(dataset, ScriptedEngine()) as (app, service):
        stream = Stream(app, "/recommend/stream?user_id=ann&k=3")
        stream.reads.clear()
        await asyncio.wait_for(stream.task, GENEROUS_S)
        assert service.measured("prism_refused_total", reason="slow reader") == 1
        assert len(stream.sent) == 1
