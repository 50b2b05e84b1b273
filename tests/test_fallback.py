"""While ranking or engine are gone: a user's last good answer, what is popular, what is cached."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cluster import wait_for
from service_fixtures import (  # noqa: F401
    GENEROUS_S,
    Clock,
    ScriptedEngine,
    anyio_backend,
    client_of,
)

from catalog.dataset import Dataset
from catalog.facts import Facts
from models.language.grounded import explain
from ranker.popularity import PopularityRanker
from ranker.service import RankingQuery, RankingService, Recommendations, UnknownUserError
from service.deployments.embedded import embedded_app
from service.metrics import Metrics
from service.ranker_client.fallback import Fallback
from service.ranker_client.local import LocalRankerClient
from service.ranker_client.protocol import RankerUnavailableError
from service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.anyio


class Ranking(LocalRankerClient):
    """A real ranking service that can be cut off, and retrained."""

    reachable = True
    version: str | None = None

    async def rank(self, query: RankingQuery, timeout_s: float) -> Recommendations:
        """Answer, or not."""
        if not self.reachable:
            raise RankerUnavailableError("cut off")
        answer = await super().rank(query, timeout_s)
        return Recommendations(answer.ranker, self.version or answer.version, answer.items)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ranking(demo: Dataset) -> Ranking:
    return Ranking(RankingService(demo, PopularityRanker(demo)))


@pytest.fixture
def fallback(ranking: Ranking, clock: Clock) -> Fallback:
    return Fallback(ranking, Metrics(), users=2, age_s=600, clock=clock)


async def ids(fallback: Fallback, user: str, k: int = 5) -> tuple[list[str], bool]:
    """Return the items for a user, and whether they are a fallback."""
    answer, is_fallback = await fallback.rank(RankingQuery(user, k), 5.0)
    return [row.facts.item.id for row in answer.items], is_fallback


async def test_a_user_who_was_erased_does_not_come_back_while_the_ranker_is_gone(
    small_dataset: Callable[..., Dataset], clock: Clock
) -> None:
    before = small_dataset([("ann", "1", 5), ("bob", "2", 5), ("bob", "3", 4)])
    ranking = Ranking(RankingService(before, PopularityRanker(before)))
    fallback = Fallback(ranking, Metrics(), users=2, age_s=600, clock=clock)
    assert await ids(fallback, "ann") == (["2", "3"], False)
    after = small_dataset([("bob", "2", 5), ("bob", "3", 4)])
    ranking.service = RankingService(after, PopularityRanker(after))
    with pytest.raises(UnknownUserError):
        await ids(fallback, "ann")
    ranking.reachable = False
    with pytest.raises(RankerUnavailableError):
        await ids(fallback, "ann")


async def test_a_user_gets_the_last_good_answer(ranking: Ranking, fallback: Fallback) -> None:
    good, _ = await ids(fallback, "42")
    ranking.reachable = False
    assert await ids(fallback, "42") == (good, True)
    assert await ids(fallback, "42", k=2) == (good[:2], True)


async def test_an_answer_with_less_does_not_take_the_place_of_one_with_more(
    ranking: Ranking, fallback: Fallback, clock: Clock
) -> None:
    good, _ = await ids(fallback, "42", k=10)
    clock.now = 500
    await ids(fallback, "42", k=1)
    ranking.reachable, clock.now = False, 1000
    assert await ids(fallback, "42", k=10) == (good, True)


async def test_a_new_version_is_remembered_at_once(ranking: Ranking, fallback: Fallback) -> None:
    await ids(fallback, "42")
    ranking.version = "retrained"
    await ids(fallback, "42")
    ranking.reachable = False
    answer, _ = await fallback.rank(RankingQuery("42", 5), 5.0)
    assert answer.version == "retrained"


async def test_an_answer_that_is_asked_for_again_stays_young(
    ranking: Ranking, fallback: Fallback, clock: Clock
) -> None:
    good, _ = await ids(fallback, "42")
    clock.now = 500
    await ids(fallback, "42")
    ranking.reachable, clock.now = False, 1000
    assert await ids(fallback, "42") == (good, True)
    clock.now = 1200
    with pytest.raises(RankerUnavailableError):
        await ids(fallback, "42")


async def test_of_more_users_than_there_is_room_for_the_longest_unseen_is_forgotten(
    ranking: Ranking, fallback: Fallback
) -> None:
    for user in ("1", "2", "1", "3"):
        await ids(fallback, user)
    ranking.reachable = False
    assert (await ids(fallback, "1"))[1]
    assert (await ids(fallback, "3"))[1]
    with pytest.raises(RankerUnavailableError):
        await ids(fallback, "2")


async def test_what_is_left_out_stays_out(ranking: Ranking, fallback: Fallback) -> None:
    await fallback.learn_what_is_popular(20)
    good, _ = await ids(fallback, "42")
    ranking.reachable = False
    answer, _ = await fallback.rank(RankingQuery("42", 5, frozenset(good[:2])), 5.0)
    assert [row.facts.item.id for row in answer.items] == good[2:]


async def test_a_mistake_is_no_failure(fallback: Fallback) -> None:
    with pytest.raises(UnknownUserError):
        await ids(fallback, "nobody")


def test_an_embedded_service_whose_ranking_hangs_gives_the_last_good_answer_then_the_popular_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = threading.Event()
    right = RankingService.rank

    def rank(self: RankingService, queries: Sequence[RankingQuery]) -> Any:
        assert held.wait(GENEROUS_S)
        return right(self, queries)

    data = ROOT / "data"
    settings = Settings(model="grounded", data=data / "demo", snapshot=data / "ranker")
    with client_of(embedded_app(settings)) as client:
        good = client.get("/recommend?user_id=42").json()
        monkeypatch.setattr(RankingService, "rank", rank)
        try:
            last = client.get("/recommend?user_id=42&deadline_ms=1500")
            popular = client.get("/recommend?user_id=43&deadline_ms=1500")
            more = client.get("/recommend?user_id=42&k=100&deadline_ms=1500").json()
        finally:
            held.set()
    assert last.json()["degraded"] == popular.json()["degraded"] == ["ranker"]
    assert [i["item_id"] for i in last.json()["items"]] == [i["item_id"] for i in good["items"]]
    assert popular.json()["ranker"]["name"] == "popularity"
    assert len(popular.json()["items"]) == 10
    assert (len(more["items"]), more["missing"]) == (10, 90)
    assert (good["missing"], last.json()["missing"]) == (0, 0)


def test_an_embedded_service_whose_engine_breaks_serves_what_is_cached_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = ScriptedEngine()
    monkeypatch.setattr("service.deployments.embedded.open_engine", lambda *_: engine)
    data = ROOT / "data"
    settings = Settings(data=data / "demo", snapshot=data / "ranker")

    def fail(_: Facts) -> str:
        raise RuntimeError("an illegal memory access was encountered")

    with client_of(embedded_app(settings)) as client:
        good = client.get("/recommend?user_id=42").json()
        engine.say = fail
        client.get("/recommend?user_id=43&deadline_ms=10000")
        ready = client.get("/readyz")
        assert ("prism_out_of_fleet", frozenset()) in client.samples()
        asked = len(engine.batches)
        other = client.get("/recommend?user_id=44&deadline_ms=10000").json()
        known = client.get("/recommend?user_id=42").json()
        engine.say = explain
        wait_for(lambda: client.get("/recommend?user_id=45").json()["degraded"] == [])
    assert ready.status_code == 200  # what is missing is told by each answer
    assert good["degraded"] == known["degraded"] == []
    assert all(item["explanation"]["cached"] for item in known["items"])
    assert other["degraded"] == ["worker"]
    assert {item["explanation"]["reason"] for item in other["items"]} == {"unavailable"}
    assert len(engine.batches) - asked < 10


async def test_of_candidates_it_tells_those_it_knows_in_the_order_asked_for(
    ranking: Ranking, fallback: Fallback
) -> None:
    good, _ = await ids(fallback, "42")
    ranking.reachable = False
    query = RankingQuery("42", 3, candidates=["unheard-of", *good[2::-1]])
    answer, is_fallback = await fallback.rank(query, 5.0)
    assert is_fallback
    assert [row.facts.item.id for row in answer.items] == good[2::-1]


async def test_no_answer_about_somebody_elses_items_is_remembered(
    ranking: Ranking, fallback: Fallback
) -> None:
    good, _ = await ids(fallback, "42")
    await fallback.rank(RankingQuery("42", 1, candidates=[good[3]]), 5.0)
    ranking.reachable = False
    assert await ids(fallback, "42") == (good, True)
