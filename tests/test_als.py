"""The ALS ranker: its scores are the model's, and contributions explain them fully."""

import json
import os
import pickle
import resource
import shutil
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import implicit.als
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from catalog.dataset import Dataset
from catalog.tables import DatasetInfo
from catalog.types import History, RankedItem, Ranking
from ranker.als import AlsConfig, AlsRanker, Scale, SnapshotError, SolvedUser, fit, version_of

Floats = NDArray[np.float64]
SmallDataset = Callable[..., Dataset]

NOBODY: frozenset[str] = frozenset()
STARS = Scale(liking_threshold=3.5, mean_liking=4.0)
SMALL = AlsConfig(factors=8, iterations=5, regularization=0.5)


def history_of(item_ids: Sequence[str], values: Sequence[float]) -> History:
    """Return a history, as one given inline."""
    return History(item_ids, np.array(values, dtype=np.float64), np.arange(len(item_ids)))


def top(ranker: AlsRanker, history: History, k: int = 10, exclude: Collection[str] = ()) -> Ranking:
    """Return one user's ranking."""
    (ranking,) = ranker.rank([history], k, [frozenset(exclude)])
    return ranking


def ids(ranking: Ranking) -> list[str]:
    """Return the recommended ids, best first."""
    return [item.item_id for item in ranking.items]


def contributions(item: RankedItem) -> Floats:
    """Return an item's contributions, which ALS always knows."""
    assert item.contributions is not None
    return item.contributions


def assert_adds_up(score: float, shares: Floats) -> None:
    """Check the bound that design.md promises."""
    assert abs(shares.sum() - score) <= 1e-4 * max(abs(score), np.abs(shares).sum())


def assert_same(one: Ranking, other: Ranking) -> None:
    """Check that two rankings agree in items, scores and contributions, but for rounding."""
    assert (one.ranker, one.version) == (other.ranker, other.version)
    assert ids(one) == ids(other)
    for mine, theirs in zip(one.items, other.items, strict=True):
        assert mine.score == pytest.approx(theirs.score, rel=1e-9, abs=1e-12)
        np.testing.assert_allclose(
            contributions(mine), contributions(theirs), rtol=1e-9, atol=1e-12
        )


def solved_densely(factors: Floats, confidences: dict[int, float], regularization: float) -> Floats:
    """Return the factors of a user, from the paper's equation written out in full."""
    weight = np.ones(len(factors))
    preference = np.zeros(len(factors))
    for item, confidence in confidences.items():
        weight[item] = abs(confidence)
        preference[item] = confidence > 0
    system = factors.T @ np.diag(weight) @ factors + regularization * np.eye(factors.shape[1])
    return np.linalg.solve(system, factors.T @ np.diag(weight) @ preference).astype(np.float64)


def random_ranker(
    seed: int, *, items: int = 60, factors: int = 8, hidden: Sequence[int] = ()
) -> AlsRanker:
    """Return a ranker with random factors; its items are called "0", "1", ..."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(items, dtype=np.bool_)
    mask[list(hidden)] = True
    matrix = rng.normal(0, 0.5, (items, factors)).astype(np.float32)
    config = SMALL.model_copy(update={"factors": factors})
    return AlsRanker(config, STARS, [str(i) for i in range(items)], matrix, mask)


def random_history(seed: int, items: int = 60, length: int = 12) -> History:
    """Return a history of likings and dislikes among the items of `random_ranker`."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(items, length, replace=False)
    return history_of([str(i) for i in chosen], (rng.integers(1, 11, length) / 2).tolist())


@pytest.fixture(scope="module")
def demo_ranker(demo: Dataset) -> AlsRanker:
    """Return the ranker of the demo as it is shipped."""
    return fit(demo, AlsConfig())


class TestContributions:
    def test_they_add_up_to_the_score_for_every_demo_user(
        self, demo: Dataset, demo_ranker: AlsRanker
    ) -> None:
        histories = [demo.history(user_id) for user_id in demo.user_ids]
        rankings = demo_ranker.rank(histories, 10, [NOBODY] * len(histories))
        for history, ranking in zip(histories, rankings, strict=True):
            assert len(ranking.items) == 10
            assert not set(ids(ranking)) & set(history.item_ids)
            liked = demo.is_liking(history.values)
            for item in ranking.items:
                assert_adds_up(item.score, contributions(item))
                assert not contributions(item)[~liked].any()

    @given(st.data())
    def test_they_add_up_over_random_data(self, data: st.DataObject) -> None:
        shape = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 6)), "items, factors")
        factors = data.draw(
            hnp.arrays(np.float64, shape, elements=st.floats(-2, 2, width=32)), "factors"
        )
        confidences = data.draw(
            st.dictionaries(
                st.integers(0, shape[0] - 1),
                st.floats(-50, 50).filter(lambda c: abs(c) > 1e-3),
            ),
            "confidences",
        )
        regularization = data.draw(st.floats(0.01, 100), "regularization")
        own = factors[list(confidences)]
        confidence = np.array(list(confidences.values()), dtype=np.float64)
        user = SolvedUser(own, factors.T @ factors, regularization, confidence)

        expected = solved_densely(factors, confidences, regularization)
        np.testing.assert_allclose(user.factors, expected, rtol=1e-6, atol=1e-9)
        shares = user.shares(factors)
        assert shares.shape == (len(factors), len(own))
        for item, score in zip(shares, factors @ user.factors, strict=True):
            assert_adds_up(score, item)
        assert not shares[:, confidence < 0].any()

    @given(
        seed=st.integers(0, 2**32 - 1),
        factors=st.integers(1, 40),
        length=st.integers(0, 30),
        k=st.integers(1, 30),
    )
    def test_they_add_up_in_rankings_of_random_users(
        self, seed: int, factors: int, length: int, k: int
    ) -> None:
        ranker = random_ranker(seed, factors=factors)
        for item in top(ranker, random_history(seed, length=length), k).items:
            assert_adds_up(item.score, contributions(item))

    def test_what_pulls_an_item_down_has_a_negative_share(self) -> None:
        factors = np.array([[1, 0], [-1, 0.3], [1, 0]], dtype=np.float32)
        config = AlsConfig(factors=2, regularization=100)
        ranker = AlsRanker(config, STARS, ["near", "far", "it"], factors, np.zeros(3, np.bool_))
        (item,) = top(ranker, history_of(["near", "far"], [5, 4])).items
        near, far = contributions(item)
        assert near > 0 > far


class TestScores:
    @pytest.mark.parametrize("seed", range(5))
    def test_they_solve_the_equation_of_the_paper(self, seed: int) -> None:
        ranker, history = random_ranker(seed), random_history(seed)
        wide = ranker.factors.astype(np.float64)
        confidence = STARS.confidence(history.values, SMALL)
        user = solved_densely(
            wide,
            dict(zip(map(int, history.item_ids), confidence.tolist(), strict=True)),
            SMALL.regularization,
        )
        scores = wide @ user
        ranking = top(ranker, history, k=100)
        unseen = [i for i in np.argsort(-scores).tolist() if str(i) not in history.item_ids]
        assert ids(ranking) == [str(i) for i in unseen]
        np.testing.assert_allclose([item.score for item in ranking.items], scores[unseen])

    @pytest.mark.parametrize("seed", range(5))
    def test_ranking_and_contributions_are_those_of_implicit(self, seed: int) -> None:
        ranker, history = random_ranker(seed), random_history(seed)
        columns = [int(item_id) for item_id in history.item_ids]
        confidence = STARS.confidence(history.values, SMALL).astype(np.float32)
        row = csr_matrix((confidence, ([0] * len(columns), columns)), shape=(1, 60))
        with threadpool_limits(limits=1, user_api="blas"):
            model = implicit.als.AlternatingLeastSquares(
                factors=SMALL.factors, regularization=SMALL.regularization, use_gpu=False
            )
            model.item_factors = ranker.factors
            found, scores = model.recommend(0, row, N=10, recalculate_user=True)
            ranking = top(ranker, history)
            assert ids(ranking) == [str(i) for i in found]
            for item, score in zip(ranking.items, scores, strict=True):
                assert item.score == pytest.approx(float(score), rel=1e-3)
                total, explained, _ = model.explain(0, row, int(item.item_id), N=len(columns))
                shares = contributions(item)
                scale = np.abs(shares).sum()
                assert total == pytest.approx(item.score, abs=1e-4 * scale)
                of = dict(zip(columns, shares.tolist(), strict=True))
                assert {i for i, share in of.items() if share} == {int(i) for i, _ in explained}
                for i, share in explained:
                    assert share == pytest.approx(of[int(i)], abs=1e-4 * scale)

    @pytest.mark.parametrize("k", [1, 10, 90])
    def test_the_best_k_are_the_best_of_all(self, k: int) -> None:
        ranker, history = random_ranker(7, items=1000), random_history(7)
        assert ids(top(ranker, history, k)) == ids(top(ranker, history, 1000))[:k]

    def test_scores_that_single_precision_cannot_tell_apart_are_ordered_exactly(self) -> None:
        rng = np.random.default_rng(0)
        twins = np.tile(rng.normal(0, 1, 32).astype(np.float32), (61, 1))
        twins[1:] = np.nextafter(twins[1:], rng.choice([-9, 9], (60, 32)).astype(np.float32))
        names = [str(i) for i in range(61)]
        ranker = AlsRanker(AlsConfig(), STARS, names, twins, np.zeros(61, np.bool_))
        history = history_of(["0"], [5])
        assert ids(top(ranker, history, 10)) == ids(top(ranker, history, 60))[:10]

    def test_equal_items_come_in_the_order_of_the_catalogue(self) -> None:
        factors = np.repeat(
            np.array([[0.1, 0.2], [1, 2], [0.5, 1]], np.float32), [1, 300, 3], axis=0
        )
        names = ["seen", *(f"best {i}" for i in range(300)), "a", "b", "c"]
        ranker = AlsRanker(SMALL, STARS, names, factors, np.zeros(304, np.bool_))
        history = history_of(["seen"], [5])
        assert ids(top(ranker, history, 5)) == [f"best {i}" for i in range(5)]
        assert ids(top(ranker, history, 400)) == names[1:]


class TestHistories:
    def test_an_inline_history_gets_the_answer_of_the_known_user(
        self, demo: Dataset, demo_ranker: AlsRanker
    ) -> None:
        for user_id in demo.user_ids[:40]:
            known = demo.history(user_id)
            sent = json.dumps([list(known.item_ids), known.values.tolist()])
            inline = history_of(*json.loads(sent))
            assert_same(top(demo_ranker, inline), top(demo_ranker, known))

    def test_its_order_does_not_matter(self) -> None:
        ranker, history = random_ranker(1), random_history(1)
        order = np.random.default_rng(0).permutation(len(history))
        shuffled = history_of([history.item_ids[i] for i in order], history.values[order].tolist())
        one, other = top(ranker, history), top(ranker, shuffled)
        assert ids(one) == ids(other)
        for mine, theirs in zip(one.items, other.items, strict=True):
            np.testing.assert_allclose(
                contributions(mine)[order], contributions(theirs), rtol=1e-9, atol=1e-12
            )

    def test_who_only_dislikes_gets_nothing_rather_than_anything(self) -> None:
        assert top(random_ranker(2), history_of(["1", "2"], [1.0, 3.0])).items == []

    def test_an_empty_history_gets_nothing(self) -> None:
        assert top(random_ranker(2), history_of([], [])).items == []

    def test_a_history_of_unknown_items_gets_nothing(self) -> None:
        assert top(random_ranker(2), history_of(["new", "newer"], [5, 5])).items == []

    def test_one_liking_carries_everything(self) -> None:
        ranking = top(random_ranker(2), history_of(["3"], [4.0]))
        assert len(ranking.items) == 10
        for item in ranking.items:
            np.testing.assert_allclose(contributions(item), [item.score])

    def test_a_dislike_changes_the_scores_but_carries_nothing(self) -> None:
        ranker = random_ranker(2)
        without = top(ranker, history_of(["3"], [4.0]), k=60)
        disliked = ids(without)[0]
        with_it = top(ranker, history_of(["3", disliked], [4.0, 0.5]), k=60)
        assert disliked not in ids(with_it)
        assert [item.score for item in with_it.items] != [item.score for item in without.items[1:]]
        assert all(contributions(item)[1] == 0 for item in with_it.items)

    @given(seed=st.integers(0, 999), places=st.lists(st.integers(0, 12), max_size=5))
    def test_unknown_items_carry_nothing_and_change_nothing(
        self, seed: int, places: list[int]
    ) -> None:
        ranker, history = random_ranker(seed), random_history(seed)
        item_ids, values = list(history.item_ids), history.values.tolist()
        for number, place in enumerate(places):
            item_ids.insert(place, f"unknown {number}")
            values.insert(place, 5.0 if number % 2 else 1.0)
        known = np.array([not item_id.startswith("unknown") for item_id in item_ids])
        with_unknown = top(ranker, history_of(item_ids, values))
        plain = top(ranker, history)
        assert ids(with_unknown) == ids(plain)
        for mine, theirs in zip(with_unknown.items, plain.items, strict=True):
            assert not contributions(mine)[~known].any()
            np.testing.assert_allclose(contributions(mine)[known], contributions(theirs))


class TestWhatIsLeftOut:
    def test_the_excluded_make_room_for_the_next_best(self) -> None:
        ranker, history = random_ranker(3), random_history(3)
        best = ids(top(ranker, history, 12))
        exclude = {best[0], best[2], "unknown"}
        assert ids(top(ranker, history, 10, exclude)) == [best[1], *best[3:]]

    def test_everything_excluded_leaves_nothing(self) -> None:
        ranker = random_ranker(3)
        assert top(ranker, random_history(3), 10, ranker.item_ids).items == []

    def test_hidden_items_are_never_ranked_but_count_in_a_history(self) -> None:
        hidden = list(range(0, 60, 2))
        ranker = random_ranker(4, hidden=hidden)
        history = history_of(["0", "1"], [5, 5])
        ranking = top(ranker, history, 60)
        assert len(ranking.items) == 29
        assert not set(map(int, ids(ranking))) & set(hidden)
        assert all(contributions(item)[0] != 0 for item in ranking.items)

    def test_fewer_come_back_where_fewer_are_left(self) -> None:
        ranker, history = random_ranker(5), random_history(5)
        ranking = top(ranker, history, 1_000_000)
        assert set(ids(ranking)) == set(ranker.item_ids) - set(history.item_ids)
        assert top(ranker, history, 0).items == []


class TestBatches:
    def test_a_batch_answers_as_one_by_one(self, demo: Dataset, demo_ranker: AlsRanker) -> None:
        histories = [demo.history(user_id) for user_id in demo.user_ids[:130]]
        histories[3] = history_of([], [])
        histories[70] = history_of(["318", "no such film"], [5, 5])
        excluded = [frozenset({"318"}) if n % 3 else NOBODY for n in range(len(histories))]
        together = demo_ranker.rank(histories, 10, excluded)
        assert len(together) == len(histories)
        for history, left_out, ranking in zip(histories, excluded, together, strict=True):
            assert_same(top(demo_ranker, history, 10, left_out), ranking)

    def test_no_users_get_no_answers(self) -> None:
        assert random_ranker(0).rank([], 10, []) == []


class TestScale:
    def test_a_liking_of_mean_strength_has_alpha_more_confidence_than_none(self) -> None:
        confidence = STARS.confidence(np.array([4.0, 5.0, 3.5, 3.0, 0.5]), AlsConfig(alpha=8))
        assert confidence.tolist() == [9, 11, 8, -2, -2]

    def test_dislikes_weigh_what_the_configuration_says(self) -> None:
        assert STARS.confidence(np.array([1.0]), AlsConfig(dislike=4)).tolist() == [-5]

    def test_without_a_threshold_everything_is_liked(self) -> None:
        counts = Scale(liking_threshold=None, mean_liking=2.0)
        assert counts.confidence(np.array([1.0, 4.0]), AlsConfig(alpha=2)).tolist() == [2, 5]

    def test_a_liking_may_be_worth_less_than_nothing(self) -> None:
        loose = Scale(liking_threshold=-1.0, mean_liking=1.0)
        assert loose.confidence(np.array([-1.0, -2.0]), AlsConfig()).tolist() == [1, -2]


class Trap:
    """An object whose pickle touches a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


LOG = [(f"u{u}", f"i{i}", float(1 + (u * i) % 5)) for u in range(12) for i in range(u % 5, 20, 2)]


class TestFitting:
    def test_the_same_seed_gives_the_same_version_and_another_seed_another(
        self, small_dataset: SmallDataset
    ) -> None:
        dataset = small_dataset(LOG)
        first, again = fit(dataset, SMALL), fit(dataset, SMALL)
        assert first.version == again.version
        np.testing.assert_array_equal(first.factors, again.factors)
        assert fit(dataset, SMALL.model_copy(update={"seed": 1})).version != first.version

    def test_the_demo_is_fitted_alike_every_time(
        self, demo: Dataset, demo_ranker: AlsRanker
    ) -> None:
        assert fit(demo, AlsConfig()).version == demo_ranker.version

    def test_the_version_changes_whenever_the_answers_may(
        self, small_dataset: SmallDataset
    ) -> None:
        ranker = fit(small_dataset(LOG), SMALL)
        config, scale, names, hidden = ranker.config, ranker.scale, ranker.item_ids, ranker.hidden
        others = [
            AlsRanker(
                SMALL.model_copy(update={"alpha": 6.0}), scale, names, ranker.factors, hidden
            ),
            AlsRanker(config, Scale(3.0, scale.mean_liking), names, ranker.factors, hidden),
            AlsRanker(config, Scale(3.5, 1.0), names, ranker.factors, hidden),
            AlsRanker(config, scale, names[::-1], ranker.factors, hidden),
            AlsRanker(config, scale, names, ranker.factors * np.float32(2), hidden),
            AlsRanker(config, scale, names, ranker.factors, ~hidden),
        ]
        versions = {ranker.version, *(other.version for other in others)}
        assert len(versions) == 1 + len(others)

    def test_progress_is_told_once_an_iteration(self, small_dataset: SmallDataset) -> None:
        ticks: list[None] = []
        fit(small_dataset(LOG), SMALL, lambda: ticks.append(None))
        assert len(ticks) == SMALL.iterations

    def test_likings_alone_set_the_scale(self, small_dataset: SmallDataset) -> None:
        log = [("ann", "a", 5.0), ("ann", "b", 4.0), ("bob", "a", 1.0), ("bob", "c", 3.0)]
        assert fit(small_dataset(log), SMALL).scale == Scale(3.5, 4.5)
        purchases = DatasetInfo(name="purchases")
        scale = fit(small_dataset(log, info=purchases), SMALL).scale
        assert scale.epsilon == 3.5  # the median
        assert scale.mean_liking == pytest.approx(np.log1p(np.array([5, 4, 1, 3]) / 3.5).mean())
        assert scale.confidence(np.array([0.0]), SMALL).tolist() == [1.0]

    def test_hidden_items_of_the_dataset_are_hidden(self, small_dataset: SmallDataset) -> None:
        ranker = fit(small_dataset(LOG, hidden={"i3", "i4"}), SMALL)
        ranking = top(ranker, history_of(["i0", "i4"], [5, 5]), 100)
        assert set(ids(ranking)) == set(ranker.item_ids) - {"i0", "i3", "i4"}

    def test_where_nobody_likes_anything_nothing_is_recommended(
        self, small_dataset: SmallDataset
    ) -> None:
        dataset = small_dataset([("ann", "a", 1.0), ("bob", "b", 2.0)])
        ranker = fit(dataset, SMALL)
        assert top(ranker, dataset.history("ann")).items == []
        assert np.isfinite(ranker.factors).all()

    def test_people_of_one_taste_get_what_the_others_liked(
        self, small_dataset: SmallDataset
    ) -> None:
        groups = {
            "crime": ["heat", "fargo", "seven", "casino"],
            "space": ["alien", "dune", "solaris"],
        }
        log = [
            (f"{taste}{u}", item, 5.0)
            for taste, items in groups.items()
            for u in range(8)
            for n, item in enumerate(items)
            if u % len(items) != n
        ]
        ranker = fit(small_dataset(log), SMALL)
        ranking = top(ranker, history_of(["heat", "alien", "fargo"], [5, 1, 5]), 2)
        assert set(ids(ranking)) == {"seven", "casino"}


class TestSnapshots:
    @pytest.fixture
    def ranker(self) -> AlsRanker:
        return random_ranker(6, hidden=[5, 6])

    @pytest.fixture
    def folder(self, ranker: AlsRanker, tmp_path: Path) -> Path:
        ranker.save(tmp_path / "als", {"dataset": "random"})
        return tmp_path / "als"

    def test_a_loaded_ranker_answers_as_the_saved_one(
        self, ranker: AlsRanker, folder: Path
    ) -> None:
        loaded = AlsRanker.load(folder)
        assert (loaded.config, loaded.scale) == (ranker.config, ranker.scale)
        histories = [random_history(seed) for seed in range(20)]
        none_excluded = [NOBODY] * len(histories)
        for mine, theirs in zip(
            ranker.rank(histories, 10, none_excluded),
            loaded.rank(histories, 10, none_excluded),
            strict=True,
        ):
            assert_same(mine, theirs)

    def test_the_demo_survives_the_way_to_disk(
        self, demo: Dataset, demo_ranker: AlsRanker, tmp_path: Path
    ) -> None:
        demo_ranker.save(tmp_path / "als", {})
        loaded = AlsRanker.load(tmp_path / "als")
        for user_id in demo.user_ids[:20]:
            history = demo.history(user_id)
            assert_same(top(loaded, history), top(demo_ranker, history))

    @pytest.fixture(params=["small", "large"])
    def size(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
        """Take the factors for small ones, that are kept in memory, or for large ones."""
        if request.param == "large":
            monkeypatch.setattr("ranker.als._IN_MEMORY", 100)
        return str(request.param)

    def test_large_factors_are_mapped_from_a_copy_that_has_no_name(
        self, folder: Path, size: str
    ) -> None:
        factors = AlsRanker.load(folder).factors
        assert isinstance(factors, np.memmap) == (size == "large")
        assert list(folder.parent.iterdir()) == [folder]

    @pytest.mark.parametrize("change", ["cut short", "emptied", "overwritten", "deleted", "other"])
    def test_what_happens_to_its_files_later_does_not_change_it(
        self, folder: Path, size: str, change: str
    ) -> None:
        """To read beyond the end of a mapped file would end this process."""
        loaded = AlsRanker.load(folder)
        histories = [random_history(seed) for seed in range(20)]
        before = loaded.rank(histories, 10, [NOBODY] * len(histories))
        for file in folder.iterdir():
            length = file.stat().st_size
            match change:
                case "cut short" | "emptied":
                    os.truncate(file, length // 2 if change == "cut short" else 0)
                case "overwritten":
                    with file.open("r+b") as inside:
                        inside.write(np.full(length // 4, 7, dtype=np.float32).tobytes())
                case "deleted":
                    file.unlink()
        if change == "other":
            random_ranker(7).save(folder, {})
        after = loaded.rank(histories, 10, [NOBODY] * len(histories))
        for mine, theirs in zip(before, after, strict=True):
            assert_same(mine, theirs)

    def test_without_a_place_for_a_copy_large_factors_are_kept_in_memory(
        self, ranker: AlsRanker, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A disk that is full, here from the first KiB of a file on."""
        monkeypatch.setattr("ranker.als._IN_MEMORY", 100)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
        try:
            loaded = AlsRanker.load(folder)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not isinstance(loaded.factors, np.memmap)
        assert_same(top(loaded, random_history(1)), top(ranker, random_history(1)))

    def test_it_is_read_of_one_state_while_others_take_its_place(
        self, folder: Path, size: str
    ) -> None:
        rankers = [random_ranker(seed, items=500) for seed in (6, 7)]
        rankers[0].save(folder, {})
        stop = threading.Event()

        def write_on() -> None:
            while not stop.is_set():
                for ranker in rankers:
                    ranker.save(folder, {})

        writer = threading.Thread(target=write_on)
        writer.start()
        try:
            versions = {AlsRanker.load(folder).version for _ in range(60)}
        finally:
            stop.set()
            writer.join()
        assert versions <= {ranker.version for ranker in rankers}

    def test_one_whose_replacement_was_killed_half_way_is_found_again(
        self, ranker: AlsRanker, folder: Path
    ) -> None:
        work = folder.with_name(".als.abcdefgh.work")
        work.mkdir()
        folder.rename(work / "old")
        assert AlsRanker.load(folder).version == ranker.version

    def test_large_factors_are_widened_in_parts(
        self, ranker: AlsRanker, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ranker.als._BLOCK", 7)
        assert_same(top(AlsRanker.load(folder), random_history(1)), top(ranker, random_history(1)))

    def test_a_snapshot_says_where_it_comes_from_and_holds_no_pickle(self, folder: Path) -> None:
        assert sorted(path.name for path in folder.iterdir()) == [
            "hidden.npy",
            "item_factors.npy",
            "item_ids.json",
            "snapshot.json",
        ]
        manifest = json.loads((folder / "snapshot.json").read_text())
        assert manifest["ranker"] == "als"
        assert manifest["about"] == {"dataset": "random"}

    def test_saving_a_loaded_ranker_over_itself_is_safe(self, folder: Path) -> None:
        loaded = AlsRanker.load(folder)
        loaded.save(folder, {"dataset": "again"})
        assert_same(top(AlsRanker.load(folder), random_history(1)), top(loaded, random_history(1)))

    def test_a_save_that_fails_half_way_leaves_the_old_snapshot_as_it_was(
        self, folder: Path
    ) -> None:
        version = AlsRanker.load(folder).version
        with pytest.raises(ValueError, match="serialize"):
            random_ranker(7).save(folder, {"dataset": object()})
        assert AlsRanker.load(folder).version == version
        assert list(folder.parent.iterdir()) == [folder]

    def refusal(self, folder: Path) -> str:
        with pytest.raises(SnapshotError) as refused:
            AlsRanker.load(folder)
        assert str(folder) in str(refused.value)
        return str(refused.value)

    FILES = ("snapshot.json", "item_ids.json", "item_factors.npy", "hidden.npy")

    def test_no_snapshot_at_all(self, tmp_path: Path) -> None:
        assert "snapshot.json" in self.refusal(tmp_path / "nowhere")

    @pytest.mark.parametrize("file", FILES)
    def test_a_missing_file(self, folder: Path, file: str) -> None:
        (folder / file).unlink()
        assert file in self.refusal(folder)

    @pytest.mark.parametrize("file", FILES)
    @pytest.mark.parametrize("share", [0, 0.05, 0.5, 0.9])
    def test_a_file_cut_short(self, folder: Path, file: str, share: float) -> None:
        path = folder / file
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        assert file in self.refusal(folder)

    @pytest.mark.parametrize("file", ["item_factors.npy", "hidden.npy"])
    @pytest.mark.parametrize("form", ["array", "bare"])
    def test_a_pickle_is_refused_before_it_runs(self, folder: Path, file: str, form: str) -> None:
        trap = Trap(folder.parent / "sprung")
        if form == "array":
            np.save(folder / file, np.array([trap], dtype=object), allow_pickle=True)
        else:
            (folder / file).write_bytes(pickle.dumps(trap))
        assert file in self.refusal(folder)
        assert not trap.path.exists()

    @pytest.mark.parametrize(
        "factors",
        [
            np.zeros((60, 8), dtype=np.float64),
            np.zeros(60, dtype=np.float32),
            np.zeros((59, 8), dtype=np.float32),
            np.zeros((120, 4), dtype=np.float32),
            np.zeros((), dtype=np.float32),
            np.zeros((60, 8), dtype=np.float32),
        ],
        ids=["float64", "vector", "too few", "too many", "scalar", "others"],
    )
    def test_factors_that_do_not_fit(self, folder: Path, factors: NDArray[np.generic]) -> None:
        np.save(folder / "item_factors.npy", factors)
        assert "factors" in self.refusal(folder)

    @pytest.mark.parametrize("file", FILES)
    def test_any_flipped_byte_that_would_change_what_is_read(
        self, ranker: AlsRanker, folder: Path, size: str, file: str
    ) -> None:
        whole = (folder / file).read_bytes()
        for position in [*range(min(128, len(whole))), *range(128, len(whole), 29)]:
            flipped = bytes([whole[position] ^ 0xFF])
            (folder / file).write_bytes(whole[:position] + flipped + whole[position + 1 :])
            try:
                assert AlsRanker.load(folder).version == ranker.version
            except SnapshotError as refused:
                assert str(folder) in str(refused)

    @pytest.mark.parametrize("copied", [1, 2, 3])
    def test_a_mixture_of_two_snapshots(self, folder: Path, copied: int) -> None:
        """Some files of another are there already, as when they are copied one by one."""
        other = folder.with_name("other")
        random_ranker(7, items=61, hidden=[1]).save(other, {})
        for name in self.FILES[:copied]:
            shutil.copyfile(other / name, folder / name)
        self.refusal(folder)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_factors_that_are_no_numbers(
        self, ranker: AlsRanker, tmp_path: Path, value: float
    ) -> None:
        """Of a fit that came to nothing: the version is right, and no user could be solved."""
        factors = ranker.factors.copy()
        ranker.factors = factors
        factors[3, 3] = value
        ranker.version = version_of(
            ranker.config, ranker.scale, ranker.item_ids, factors, ranker.hidden
        )
        ranker.save(tmp_path / "als", {})
        assert "not all of the factors are numbers" in self.refusal(tmp_path / "als")

    def test_other_hidden_items(self, folder: Path) -> None:
        np.save(folder / "hidden.npy", np.zeros(60, dtype=np.bool_))
        self.refusal(folder)

    def test_the_items_of_another_catalogue(self, folder: Path) -> None:
        path = folder / "item_ids.json"
        path.write_text(json.dumps(json.loads(path.read_text())[::-1]))
        self.refusal(folder)

    @pytest.mark.parametrize(
        "change",
        [
            {"version": "000000000000"},
            {"config": {"factors": 0}},
            {"config": {}},
            {"config": None},
            {"ranker": "popularity"},
            {"mean_liking": "much"},
            {"mean_liking": 2.0},
            {"liking_threshold": None},
        ],
        ids=str,
    )
    def test_a_manifest_of_something_else(self, folder: Path, change: dict[str, object]) -> None:
        path = folder / "snapshot.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
        self.refusal(folder)

    @pytest.mark.parametrize("text", ["[]", "null", "{}", '"als"', "\ufeff{}"])
    def test_a_manifest_that_is_none(self, folder: Path, text: str) -> None:
        (folder / "snapshot.json").write_text(text)
        self.refusal(folder)
