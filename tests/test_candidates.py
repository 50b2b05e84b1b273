"""`POST /recommend` of somebody else's items, and of a known user with what happened since."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from service_fixtures import Client, client_of, problem_of

from catalog.dataset import Dataset
from catalog.tables import DatasetInfo
from catalog.types import Interaction
from models.faithfulness import check
from ranker.als import AlsRanker
from ranker.popularity import PopularityRanker
from ranker.protocol import Scorer
from ranker.service import RankingQuery, RankingService, Recommendations
from service.deployments.embedded import embedded_app
from service.ranker_client.wire import RankQuery
from service.settings import Settings

DATA = Path(__file__).parent.parent / "data"
CHOSEN = ["50", "318", "1", "2571", "1200"]


@pytest.fixture(scope="module")
def client(demo: Dataset) -> Iterator[Client]:
    """Return a client of the embedded service over the demo."""
    options = Settings(data=DATA / "demo", snapshot=DATA / "ranker", model="grounded")
    with client_of(embedded_app(options)) as made:
        yield made


@pytest.fixture(scope="module")
def service(demo: Dataset) -> RankingService:
    """Return the ranking service of the demo."""
    return RankingService(demo, AlsRanker.load(DATA / "ranker"))


def asked(client: Client, **body: object) -> dict[str, Any]:
    """Return the answer to a body, which must be right."""
    answer = client.post("/recommend", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def ids(answer: dict[str, Any]) -> list[str]:
    """Return the items of an answer."""
    return [item["item_id"] for item in answer["items"]]


class TestCandidates:
    def test_all_of_them_come_back_in_their_order_with_their_scores(self, client: Client) -> None:
        candidates = [{"item_id": item, "score": -n} for n, item in enumerate(CHOSEN[:3])]
        answer = asked(client, user_id="42", candidates=[*candidates, *CHOSEN[3:]])
        assert ids(answer) == CHOSEN
        assert [item.get("their_score") for item in answer["items"]] == [0, -1, -2, None, None]
        assert "their_score" not in asked(client, user_id="42")["items"][0]

    def test_in_our_order_the_best_come_first_with_the_scores_of_a_ranking_of_ours(
        self, client: Client
    ) -> None:
        ranked = asked(client, user_id="42", k=50)["items"]
        chosen = [item["item_id"] for item in ranked[::7]]
        answer = asked(client, user_id="42", candidates=chosen[::-1], order="ours")
        assert ids(answer) == chosen
        expected = {item["item_id"]: item for item in ranked}
        for item in answer["items"]:
            known = expected[item["item_id"]]
            assert item["score"] == pytest.approx(known["score"])
            assert item["explanation"]["text"] == known["explanation"]["text"]
            pairs = zip(
                item["explanation"]["evidence"], known["explanation"]["evidence"], strict=True
            )
            for entry, other in pairs:
                # A product of other shape may round the last digit in another way.
                assert entry == other | {"contribution": pytest.approx(other["contribution"])}

    def test_k_and_exclude_hold_and_each_counts_once(self, client: Client) -> None:
        twice = [*CHOSEN, *CHOSEN]
        assert ids(asked(client, user_id="42", candidates=twice)) == CHOSEN
        assert ids(asked(client, user_id="42", candidates=twice, k=2)) == CHOSEN[:2]
        assert ids(asked(client, user_id="42", candidates=CHOSEN, exclude=CHOSEN[1:])) == ["50"]
        none = asked(client, user_id="42", candidates=CHOSEN, exclude=CHOSEN)
        assert (none["items"], none["ranker"]["name"]) == ([], "als")

    def test_what_was_touched_is_explained_by_the_rest(self, client: Client, demo: Dataset) -> None:
        touched = list(demo.history("42").item_ids)[:20]
        for item in asked(client, user_id="42", candidates=touched)["items"]:
            named = [entry["item_id"] for entry in item["explanation"]["evidence"]]
            assert item["item_id"] not in named

    def test_without_a_history_they_are_ranked_by_popularity(self, client: Client) -> None:
        answer = asked(client, history=[], candidates=CHOSEN, order="ours")
        assert answer["ranker"]["name"] == "popularity"
        popular = ids(asked(client, history=[], k=100))
        assert ids(answer) == sorted(CHOSEN, key=popular.index)

    def test_unknown_ones_are_named(self, client: Client) -> None:
        body = {"user_id": "42", "candidates": ["1", "'nope\"", "<b>"]}
        problem = problem_of(client.post("/recommend", json=body), 404)
        assert problem["type"] == "urn:prism:unknown-item"
        assert "'<b>'" in problem["detail"]

    def test_a_black_box_that_cannot_score_them_is_not_asked_to(self, demo: Dataset) -> None:
        class BlackBox:
            name, version = "box", "1"
            rank = PopularityRanker(demo).rank

        service = RankingService(demo, BlackBox())
        [answer] = service.rank([RankingQuery("42", 5, candidates=CHOSEN)])
        assert isinstance(answer, Recommendations)
        assert [row.facts.item.id for row in answer.items] == CHOSEN
        assert answer.ranker == "popularity"
        assert all(row.facts.evidence for row in answer.items)

    def test_a_hidden_item_is_unknown(self, small_dataset: Callable[..., Dataset]) -> None:
        dataset = small_dataset([("ann", "pen", 5.0), ("bob", "ink", 5.0)], hidden=["ink"])
        service = RankingService(dataset, PopularityRanker(dataset))
        [error] = service.rank([RankingQuery("ann", 5, candidates=["pen", "ink"])])
        assert str(error) == "ink"

    def test_the_shares_add_up_to_the_score(self, service: RankingService) -> None:
        assert isinstance(service.ranker, Scorer)
        [ranking] = service.ranker.score([service.dataset.history("42")], [CHOSEN])
        assert len(ranking.items) == len(CHOSEN)
        for row in ranking.items:
            assert row.contributions is not None
            assert row.contributions.sum() == pytest.approx(row.score)


class TestWhatHappenedSince:
    def test_it_is_the_history_as_a_whole_given_inline(self, client: Client, demo: Dataset) -> None:
        known = demo.history("42")
        rows = [
            {"item_id": item, "value": value}
            for item, value in zip(known.item_ids, known.values.tolist(), strict=True)
        ]
        gone, changed, new = rows[3]["item_id"], rows[7]["item_id"], {"item_id": "2", "value": 5.0}
        since = [{"item_id": gone, "value": None}, {"item_id": changed, "value": 1.0}, new]
        whole = [row for row in rows if row["item_id"] not in {gone, changed, "2"}] + since[1:]
        merged = asked(client, user_id="42", history=since, k=20)
        inline = asked(client, history=whole, k=20)
        assert merged["user_id"] == "42"
        assert ids(merged) == ids(inline)
        for one, other in zip(merged["items"], inline["items"], strict=True):
            assert one["score"] == pytest.approx(other["score"])
            assert one["explanation"]["evidence"] == other["explanation"]["evidence"]

    def test_nothing_since_changes_nothing(self, client: Client) -> None:
        expected = client.get("/recommend?user_id=42&k=5").json()
        answer = asked(client, user_id="42", history=[], k=5)
        assert ids(answer) == ids(expected)

    def test_what_is_taken_away_and_touched_again_counts_as_touched(
        self, demo: Dataset, service: RankingService
    ) -> None:
        item = demo.history("42").item_ids[0]
        since = [Interaction(item, 1.0, 5), Interaction(item, None, 7), Interaction(item, 4.0, 9)]
        history = service._history_of(RankingQuery("42", 5, history=since, removed={1}))
        assert (history.item_ids[-1], history.values[-1]) == (item, 4.0)
        assert len(history) == len(demo.history("42"))
        taken = service._history_of(RankingQuery("42", 5, history=since[:2], removed={1}))
        assert item not in taken.item_ids

    def test_where_values_are_counts_they_add_up(
        self, small_dataset: Callable[..., Dataset]
    ) -> None:
        bought = small_dataset([("ann", "pen", 2.0)], info=DatasetInfo(name="purchases"))
        service = RankingService(bought, PopularityRanker(bought))
        since = [Interaction("pen", 3.0)]
        assert service._history_of(RankingQuery("ann", 1, history=since)).values[0] == 5.0

    def test_null_is_a_plain_liking_where_nothing_was_before(self, client: Client) -> None:
        null, left_out = (
            asked(client, history=[{"item_id": "1", **value}], k=3)
            for value in ({"value": None}, {})
        )
        assert ids(null) == ids(left_out)

    def test_an_unknown_user_is_not_found(self, client: Client) -> None:
        body = {"user_id": "o'\"nobody", "history": [{"item_id": "1"}]}
        assert problem_of(client.post("/recommend", json=body), 404)["type"].endswith("user")


_touches = st.builds(
    Interaction,
    st.sampled_from(CHOSEN),
    st.none() | st.floats(0.5, 5),
    st.integers(-5, 5),
)


@settings(max_examples=25)
@given(
    history=st.lists(_touches, max_size=6),
    removed=st.sets(st.integers(0, 7)),
    candidates=st.lists(st.sampled_from([*CHOSEN, "3"]), max_size=6),
    order=st.sampled_from(["ours", "theirs"]),
    user=st.sampled_from([None, "42"]),
    excluded=st.frozensets(st.sampled_from(CHOSEN)),
)
def test_any_query_is_answered_alike_over_the_wire_and_with_true_facts(
    service: RankingService, excluded: frozenset[str], user: str | None, **asked: Any
) -> None:
    query = RankingQuery(user, 5, excluded, **asked)
    sent = RankQuery.of(query).model_dump_json(exclude_defaults=True)
    [here, there] = service.rank([query, RankQuery.model_validate_json(sent).query()])
    assert isinstance(here, Recommendations)
    assert here == there
    for row in here.items:
        assert row.facts.item.id not in excluded
        assert check(f"We suggest “{row.facts.item.title}”.", row.facts).passed
    if query.candidates:
        assert {row.facts.item.id for row in here.items} <= {*query.candidates}
