"""Offline quality: the measures by hand, their intervals, and ALS against popularity."""

import math
from collections.abc import Callable, Sequence, Set

import numpy as np
import pytest

from catalog.dataset import Dataset
from catalog.split import last_fifth, leave_last_out
from catalog.types import History, RankedItem, Ranking
from ranker.als import AlsConfig, fit
from ranker.evaluate import Interval, Quality, evaluate, interval
from ranker.popularity import PopularityRanker
from ranker.tune import candidates, tune

SmallDataset = Callable[..., Dataset]
Split = Callable[[Dataset], tuple[Dataset, Dataset]]


class Scripted:
    """A black box that answers by the first item of a history."""

    name = "scripted"
    version = "1"

    def __init__(self, answers: dict[str, Sequence[str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def rank(
        self, histories: Sequence[History], k: int, excluded: Sequence[Set[str]]
    ) -> list[Ranking]:
        assert len(histories) == len(excluded)
        self.asked += [history.item_ids[0] for history in histories]
        return [
            Ranking(
                self.name,
                self.version,
                [RankedItem(item, -n) for n, item in enumerate(self.answers[h.item_ids[0]][:k])],
            )
            for h in histories
        ]


@pytest.fixture
def judged(small_dataset: SmallDataset) -> Callable[..., Quality]:
    """Return a function that judges one answer per user against that user's later likings."""

    def judge(*users: tuple[Sequence[str], Sequence[str]], hidden: Sequence[str] = ()) -> Quality:
        first = [(f"u{u}", f"seen{u}", 5.0) for u in range(len(users))]
        later = [(f"u{u}", item, 5.0) for u, (wanted, _) in enumerate(users) for item in wanted]
        offered = [("other", item, 5.0) for _, answer in users for item in answer]
        whole = small_dataset([*first, *later, *offered], hidden=hidden)
        of_judged = np.repeat(np.array(whole.user_ids) != "other", np.diff(whole.indptr))
        is_first = np.isin(np.arange(len(whole.items)), whole.indptr[:-1])
        train, test = whole.keep(is_first | ~of_judged), whole.keep(~is_first & of_judged)
        ranker = Scripted({f"seen{u}": answer for u, (_, answer) in enumerate(users)})
        quality = evaluate(ranker, train, test)
        assert ranker.asked == [f"seen{u}" for u, (wanted, _) in enumerate(users) if wanted]
        return quality

    return judge


def gain(rank: int) -> float:
    """Return what a hit at a rank, counted from 1, is worth."""
    return 1 / math.log2(rank + 1)


def filler(count: int) -> list[str]:
    """Return items that nobody wants."""
    return [f"filler{n}" for n in range(count)]


class TestMeasures:
    def test_a_perfect_answer_scores_one(self, judged: Callable[..., Quality]) -> None:
        quality = judged((["a", "b"], ["b", "a", "x"]))
        assert quality.ndcg.tolist() == [1.0]
        assert quality.recall.tolist() == [1.0]
        assert quality.ranker == "scripted"

    def test_a_useless_answer_scores_zero(self, judged: Callable[..., Quality]) -> None:
        quality = judged((["a"], ["x", "y"]), (["a"], []))
        assert quality.ndcg.tolist() == quality.recall.tolist() == [0.0, 0.0]

    def test_hits_further_down_are_worth_less(self, judged: Callable[..., Quality]) -> None:
        quality = judged((["a", "b"], ["a", "x", "b"]))
        assert quality.ndcg[0] == pytest.approx((1 + 1 / 2) / (1 + 1 / math.log2(3)))
        assert quality.ndcg[0] == pytest.approx(0.91972, abs=1e-5)

    def test_ndcg_looks_at_ten_and_recall_at_twenty(self, judged: Callable[..., Quality]) -> None:
        quality = judged(
            (["a"], [*filler(9), "a"]),
            (["a"], [*filler(10), "a"]),
            (["a"], [*filler(19), "a"]),
            (["a"], [*filler(20), "a"]),
        )
        assert quality.ndcg.tolist() == pytest.approx([gain(10), 0, 0, 0])
        assert quality.recall.tolist() == [1, 1, 1, 0]

    def test_who_wants_more_than_ten_can_still_score_one(
        self, judged: Callable[..., Quality]
    ) -> None:
        wanted = [f"w{n}" for n in range(25)]
        quality = judged((wanted, wanted))
        assert quality.ndcg.tolist() == pytest.approx([1.0])
        assert quality.recall.tolist() == [20 / 25]

    def test_one_of_several_is_a_part(self, judged: Callable[..., Quality]) -> None:
        quality = judged((["a", "b", "c"], ["x", "c"]))
        assert quality.ndcg[0] == pytest.approx(gain(2) / (gain(1) + gain(2) + gain(3)))
        assert quality.recall[0] == pytest.approx(1 / 3)

    def test_who_has_nothing_held_out_is_not_asked(self, judged: Callable[..., Quality]) -> None:
        quality = judged((["a"], ["a"]), ([], ["a"]), (["b"], ["a"]))
        assert quality.recall.tolist() == [1.0, 0.0]

    def test_many_users_are_judged_each_by_their_own_answer(
        self, judged: Callable[..., Quality]
    ) -> None:
        users = [([f"w{n}"], [f"w{n}" if n % 3 else "x"]) for n in range(150)]
        assert judged(*users).recall.tolist() == [float(n % 3 > 0) for n in range(150)]

    def test_coverage_is_the_share_of_visible_items_in_some_first_ten(
        self, judged: Callable[..., Quality]
    ) -> None:
        quality = judged((["a"], ["a", "b"]), (["a"], ["b", "c"]), hidden=["seen0"])
        assert quality.coverage == pytest.approx(3 / 4)
        assert judged((["a"], ["a", *filler(18)])).coverage == pytest.approx(10 / 20)


class TestIntervals:
    def test_it_holds_the_mean_and_is_as_wide_as_theory_says(self) -> None:
        coins = np.tile([0.0, 1.0], 500)
        found = interval(coins)
        width = 1.96 * 0.5 / math.sqrt(1000)
        assert found.mean == 0.5
        assert found.low == pytest.approx(0.5 - width, abs=0.005)
        assert found.high == pytest.approx(0.5 + width, abs=0.005)

    def test_more_users_make_it_narrower(self) -> None:
        few, many = interval(np.arange(20.0) % 7), interval(np.arange(2000.0) % 7)
        assert few.high - few.low > 5 * (many.high - many.low)

    def test_the_same_seed_gives_the_same_interval(self) -> None:
        values = np.random.default_rng(0).exponential(size=100)
        assert interval(values, seed=3) == interval(values, seed=3)
        assert interval(values, seed=3) != interval(values, seed=4)

    @pytest.mark.parametrize("users", [1, 5])
    def test_equal_values_leave_no_doubt(self, users: int) -> None:
        assert interval(np.full(users, 0.25)) == Interval(0.25, 0.25, 0.25)

    def test_it_prints_its_mean_and_its_ends(self) -> None:
        assert str(Interval(0.12345, 0.1, 0.2)) == "0.1235 [0.1000, 0.2000]"


@pytest.mark.slow
@pytest.mark.parametrize("split", [leave_last_out, last_fifth])
def test_als_finds_more_of_what_people_go_on_to_like_than_popularity_does(
    split: Split, demo: Dataset
) -> None:
    train, test = split(demo)
    als = evaluate(fit(train, AlsConfig()), train, test)
    popularity = evaluate(PopularityRanker(train), train, test)
    assert len(als.ndcg) == len(popularity.ndcg) > 600
    for difference in (als.ndcg - popularity.ndcg, als.recall - popularity.recall):
        assert interval(difference).low > 0
    assert als.coverage > popularity.coverage


class TestTuning:
    def test_settings_are_compared_on_what_comes_before_the_test(
        self, small_dataset: SmallDataset
    ) -> None:
        log = [(f"u{u}", f"i{(u + n) % 7}", 5.0) for u in range(20) for n in range(5)]
        found = tune(small_dataset(log), AlsConfig(factors=2, iterations=2), 3)
        assert len(found) == 3
        means = [ndcg.mean for _, ndcg in found]
        assert means == sorted(means, reverse=True)
        assert AlsConfig(factors=2, iterations=2) in [config for config, _ in found]

    def test_the_same_seed_draws_the_same_settings(self) -> None:
        drawn = candidates(AlsConfig(), 5)
        assert drawn[0] == AlsConfig()
        assert drawn == candidates(AlsConfig(), 5)
        assert len({config.model_dump_json() for config in drawn}) == 5

    def test_nothing_is_found_where_nothing_can_be_held_out(
        self, small_dataset: SmallDataset
    ) -> None:
        assert tune(small_dataset([("ann", "a", 5.0)]), AlsConfig(), 3) == []
