"""Contribution fidelity: what is measured where the truth is known, and of the demo."""

from collections.abc import Callable, Sequence, Set
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_fixtures import fitted

from catalog.dataset import Dataset, save
from catalog.tables import DatasetInfo
from catalog.types import History, Item, RankedItem, Ranking
from ranker.als import AlsConfig, fit
from ranker.evaluate import interval
from ranker.fidelity import DEPTH, Effect, Fall, by_length, falls, left, lost, share

SmallDataset = Callable[..., Dataset]
Tables = Callable[..., tuple[pa.Table, pa.Table]]

RATINGS = DatasetInfo(name="books", liking_threshold=3.5)


class Additive:
    """A ranker whose scores are sums over the history: what an entry contributes, it takes along.

    `weights[i]` is what item i of a history gives to the score of "target"; all else that was not
    touched scores `rest`. `told` is what it says of contributions, the truth by default.
    """

    name, version = "additive", "1"

    def __init__(
        self,
        weights: dict[str, float],
        others: Sequence[str],
        rest: float = 0.0,
        told: dict[str, float] | None = None,
    ) -> None:
        self.weights, self.others, self.rest, self.told = weights, others, rest, told or weights

    def score(
        self, histories: Sequence[History], candidates: Sequence[Sequence[str]]
    ) -> list[Ranking]:
        """Return the candidates with their scores; see `Scorer`."""
        return [
            Ranking(self.name, self.version, [self._row(history, item) for item in chosen])
            for history, chosen in zip(histories, candidates, strict=True)
        ]

    def rank(
        self, histories: Sequence[History], k: int, excluded: Sequence[Set[str]]
    ) -> list[Ranking]:
        """Return the target and the others, the best first; see `Ranker`."""
        rankings = []
        for history, left_out in zip(histories, excluded, strict=True):
            gone = {*history.item_ids, *left_out}
            offered = [i for i in ("target", *self.others, *self.weights) if i not in gone]
            rows = [self._row(history, item) for item in offered]
            rows.sort(key=lambda row: -row.score)
            rankings.append(Ranking(self.name, self.version, rows[:k]))
        return rankings

    def _row(self, history: History, item: str) -> RankedItem:
        if item != "target":
            return RankedItem(item, self.rest, np.zeros(len(history)))
        score = sum(self.weights[entry] for entry in history.item_ids)
        return RankedItem(item, score, np.array([self.told[e] for e in history.item_ids]))


def measured(
    small_dataset: SmallDataset, weights: Sequence[float], rest: float = 0.0, others: int = 0,
    told: Sequence[float] | None = None,
) -> list[Fall]:  # fmt: skip
    """Return the falls of the target of a user who likes as many items as there are weights."""
    ids = [f"i{n}" for n in range(len(weights))]
    fillers = [f"o{n}" for n in range(others)]
    items = [Item(id=name, title=name) for name in ["target", *fillers]]
    dataset = small_dataset([("ann", name, 5.0) for name in ids], items=items)
    ranker = Additive(
        dict(zip(ids, weights, strict=True)), fillers, rest,
        dict(zip(ids, told, strict=True)) if told else None,
    )  # fmt: skip
    return falls(dataset, ranker, "ann", np.random.default_rng(0))


class TestWhereTheTruthIsKnown:
    def test_an_item_loses_what_its_entries_gave(self, small_dataset: SmallDataset) -> None:
        [fall] = measured(small_dataset, [0.4, 0.1, 0.2, 0.1, 0.1, 0.1])
        assert fall.share == pytest.approx(0.7)
        assert fall.effects["named"].lost == pytest.approx(0.7)
        assert fall.effects["random"].lost == pytest.approx(0.3)
        assert fall.effects["latest"].lost == pytest.approx(0.3)
        alone = [fall.effects[part].lost for part in ("first", "second", "third", "first two")]
        assert alone == pytest.approx([0.4, 0.2, 0.1, 0.6])

    def test_what_is_told_and_not_true_is_found_out(self, small_dataset: SmallDataset) -> None:
        true, told = [0.0, 0.0, 0.0, 0.4, 0.3, 0.3], [0.4, 0.3, 0.3, 0.0, 0.0, 0.0]
        [fall] = measured(small_dataset, true, told=told)
        assert fall.share == pytest.approx(1.0)
        assert fall.effects["named"].lost == pytest.approx(0.0)
        assert fall.effects["random"].lost == pytest.approx(1.0)

    def test_it_leaves_the_first_ten_where_ten_others_are_better_then(
        self, small_dataset: SmallDataset
    ) -> None:
        weights = [0.4, 0.3, 0.2, 0.05, 0.05, 0.05]
        [fall] = measured(small_dataset, weights, rest=0.5, others=12)
        assert (fall.effects["named"].left, fall.effects["named"].rank) == (1.0, 13)
        assert (fall.effects["random"].left, fall.effects["random"].rank) == (0.0, 1)
        [fall] = measured(small_dataset, weights, rest=0.5, others=DEPTH + 9)
        assert fall.effects["named"].rank == DEPTH + 1

    def test_what_is_removed_does_not_come_back_to_take_a_place(
        self, small_dataset: SmallDataset
    ) -> None:
        # If the three could be recommended, they would stand before it, too.
        [fall] = measured(small_dataset, [0.4, 0.3, 0.2, 0.1, 0.1, 0.1], rest=0.5, others=9)
        assert fall.effects["named"].rank == 10

    def test_the_most_similar_are_told_by_their_categories(
        self, small_dataset: SmallDataset
    ) -> None:
        kinds = {"a": "Crime", "b": "Crime", "c": "Drama", "d": "Drama", "target": "Drama"}
        items = [Item(id=name, title=name, categories=(kind,)) for name, kind in kinds.items()]
        dataset = small_dataset([("ann", name, 5.0) for name in "cdab"], items=items)
        ranker = Additive({"a": 0.94, "b": 0.03, "c": 0.02, "d": 0.01}, [])
        [fall] = falls(dataset, ranker, "ann", np.random.default_rng(0))
        assert fall.effects["named"].lost == pytest.approx(0.94)
        assert fall.effects["similar"].lost == pytest.approx(0.01)  # of two equals the latest
        assert "first" not in fall.effects

    def test_nothing_is_measured_where_nothing_else_could_be_removed(
        self, small_dataset: SmallDataset
    ) -> None:
        assert measured(small_dataset, [0.4, 0.3, 0.2, 0.1, 0.1]) == []

    @given(
        weights=st.lists(st.floats(0, 1), min_size=6, max_size=12).filter(lambda w: sum(w) > 0.01)
    )
    def test_entries_that_give_nothing_take_nothing_and_none_takes_more_than_is_named(
        self, small_dataset: SmallDataset, weights: list[float]
    ) -> None:
        for fall in measured(small_dataset, weights):
            assert fall.effects["named"].lost == pytest.approx(fall.share)
            for effect in fall.effects.values():
                assert -1e-9 < effect.lost <= fall.share + 1e-9
            if not any(weights[-3:]):
                assert fall.effects["latest"].lost == pytest.approx(0)


class TestOverUsers:
    def test_each_user_counts_once_however_many_their_items(self) -> None:
        one = measured_fall("ann", 0.6)
        two = [measured_fall("bob", 0.1), measured_fall("bob", 0.3)]
        assert lost([two[0], one, two[1]], "named").tolist() == pytest.approx([0.6, 0.2])
        assert left([one, *two], "named").tolist() == [1.0, 1.0]
        assert share([one, *two]).tolist() == pytest.approx([0.5, 0.5])

    def test_histories_are_grouped_by_their_length(self) -> None:
        found = [measured_fall(f"u{n}", 0.5, likings=n) for n in range(1, 10)]
        groups = [[fall.likings for fall in group] for group in by_length(found)]
        assert groups == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def measured_fall(user_id: str, named: float, likings: int = 9) -> Fall:
    """Return a fall of which only what the named entries do is of interest."""
    return Fall(user_id, likings, 0.5, {"named": Effect(named, 1.0, 11.0)})


def test_the_entries_that_the_demo_names_carry_its_items(demo: Dataset) -> None:
    found: list[Fall] = []
    for user in demo.user_ids[:6]:
        found += falls(demo, fitted(demo), user, np.random.default_rng(0))
    assert len(found) == 50  # user 1 likes too few films
    for other in ("random", "similar", "latest"):
        assert interval(lost(found, "named") - lost(found, other)).low > 0


class TestCommand:
    """Two tastes, and readers of the one who dislike the other."""

    @pytest.fixture
    def folders(self, tables: Tables, tmp_path: Path) -> tuple[Path, Path]:
        items = [
            Item(id=f"{n}", title=f"Book {n}", categories=(("Crime", "Poetry")[n % 2],))
            for n in range(24)
        ]
        rng = np.random.default_rng(0)
        log = [
            (f"u{u}", item.id, 5.0 if u % 2 == n % 2 else 1.0)
            for u in range(30)
            for n, item in enumerate(items)
            if rng.random() < 0.6
        ]
        dataset = save(tmp_path / "books", RATINGS, *tables(log, items=items), card="")
        fit(dataset, AlsConfig(factors=4)).save(tmp_path / "ranker", {})
        return tmp_path / "books", tmp_path / "ranker"

    def test_it_says_what_the_named_entries_carry_and_what_is_not_told(
        self, prism: Callable[..., tuple[str, str]], folders: tuple[Path, Path]
    ) -> None:
        data, snapshot = folders
        command = ("evaluate-evidence", "--data", data, "--snapshot", snapshot, "--users", "9")
        _, told = prism(*command)
        for row in ("as many at random", "named less random", "the first two", "such items"):
            assert row in told
        assert prism(*command)[1] == told

    def test_without_other_likings_there_is_nothing_to_compare(
        self, prism: Callable[..., tuple[str, str]], tables: Tables, tmp_path: Path
    ) -> None:
        log = [(f"u{u}", f"i{u}", 5.0) for u in range(5)]
        dataset = save(tmp_path / "few", RATINGS, *tables(log), card="")
        fit(dataset, AlsConfig(factors=2)).save(tmp_path / "ranker", {})
        _, told = prism(
            "evaluate-evidence", "--data", tmp_path / "few", "--snapshot", tmp_path / "ranker"
        )
        assert "too few likings to compare" in told
