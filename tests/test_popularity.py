"""The popularity ranker: what most users like, and a second black box behind one protocol."""

from collections.abc import Callable

import numpy as np
import pytest

from catalog.dataset import Dataset
from catalog.types import History, Item
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker

SmallDataset = Callable[..., Dataset]

LOG = [
    ("ann", "heat", 5.0),
    ("bob", "heat", 4.0),
    ("cat", "heat", 1.0),
    ("ann", "her", 4.0),
    ("bob", "it", 5.0),
    ("cat", "it", 3.5),
    ("dan", "it", 4.0),
    ("ann", "up", 1.0),
]
NEVER_SEEN = Item(id="new", title="New")


def history_of(*item_ids: str) -> History:
    """Return a history of likings."""
    return History(item_ids, np.full(len(item_ids), 5.0), np.arange(len(item_ids)))


def ids(ranker: Ranker, history: History, k: int, *excluded: str) -> list[str]:
    """Return the ids a ranker recommends."""
    (ranking,) = ranker.rank([history], k, [frozenset(excluded)])
    return [item.item_id for item in ranking.items]


@pytest.fixture
def ranker(small_dataset: SmallDataset) -> PopularityRanker:
    """Return a ranker of five films, one of them hidden."""
    return PopularityRanker(small_dataset(LOG, items=[NEVER_SEEN], hidden={"her"}))


def test_the_most_liked_come_first_and_dislikes_do_not_count(ranker: PopularityRanker) -> None:
    (ranking,) = ranker.rank([history_of()], 10, [frozenset()])
    assert [(item.item_id, item.score) for item in ranking.items] == [
        ("it", 3.0),
        ("heat", 2.0),
        ("new", 0.0),
        ("up", 0.0),
    ]


def test_it_does_not_pretend_to_know_contributions(ranker: PopularityRanker) -> None:
    (ranking,) = ranker.rank([history_of("heat")], 10, [frozenset()])
    assert {item.contributions for item in ranking.items} == {None}
    assert (ranking.ranker, ranking.version) == ("popularity", ranker.version)


def test_the_history_and_the_excluded_are_left_out(ranker: PopularityRanker) -> None:
    assert ids(ranker, history_of("it", "unheard of"), 10, "up", "nor of this") == ["heat", "new"]


def test_hidden_items_never_come_up(ranker: PopularityRanker) -> None:
    assert "her" not in ids(ranker, history_of(), 100)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_no_more_than_k_come_back(ranker: PopularityRanker, k: int) -> None:
    assert ids(ranker, history_of(), k) == ["it", "heat", "new"][:k]


def test_each_user_of_a_batch_gets_an_answer_of_their_own(ranker: PopularityRanker) -> None:
    rankings = ranker.rank(
        [history_of("it"), history_of(), history_of("heat")],
        1,
        [frozenset(), frozenset({"it"}), frozenset()],
    )
    assert [ranking.items[0].item_id for ranking in rankings] == ["heat", "heat", "it"]
    assert ranker.rank([], 5, []) == []


def test_the_version_changes_with_the_answers_only(small_dataset: SmallDataset) -> None:
    same = PopularityRanker(small_dataset(LOG, items=[NEVER_SEEN]))
    assert PopularityRanker(small_dataset(LOG, items=[NEVER_SEEN])).version == same.version
    others = [
        small_dataset([*LOG, ("dan", "up", 5.0)], items=[NEVER_SEEN]),
        small_dataset(LOG, items=[NEVER_SEEN], hidden={"it"}),
        small_dataset(LOG, items=[Item(id="newer", title="New")]),
    ]
    assert same.version not in {PopularityRanker(other).version for other in others}


def test_the_demo_begins_with_films_everybody_likes(demo: Dataset) -> None:
    best = ids(PopularityRanker(demo), history_of(), 3)
    titles = {demo.item(demo.item_index[item_id]).title for item_id in best}
    assert titles == {"Forrest Gump", "Pulp Fiction", "The Shawshank Redemption"}
