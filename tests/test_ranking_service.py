"""The ranking service: who gets which items, and what of their history may explain them."""

import random
from collections.abc import Callable, Sequence, Set
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from service_fixtures import fitted

from catalog.dataset import Dataset
from catalog.tables import DatasetInfo
from catalog.types import History, Interaction, Item, RankedItem, Ranking
from ranker.als import AlsConfig, fit
from ranker.evidence import Recommendation, recommendations, strongest
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker
from ranker.service import (
    RankingQuery,
    RankingService,
    Recommendations,
    UnknownItemError,
    UnknownUserError,
)

SmallDataset = Callable[..., Dataset]

NONE: frozenset[str] = frozenset()
PURCHASES = DatasetInfo(name="purchases")
CRIME, DRAMA = ("Crime",), ("Drama",)
FILMS = [
    Item(id="heat", title="Heat", categories=("Crime", "Thriller")),
    Item(id="ronin", title="Ronin", categories=("Crime", "Thriller")),
    Item(id="fargo", title="Fargo", categories=("Crime", "Comedy")),
    Item(id="her", title="Her", categories=DRAMA),
    Item(id="up", title="Up", categories=("Animation",)),
]
LOG = [
    ("ann", "heat", 5.0),
    ("ann", "up", 4.0),
    ("bob", "heat", 4.0),
    ("bob", "her", 1.0),
    ("cat", "ronin", 5.0),
    ("dan", "her", 2.0),
    ("dan", "up", 1.0),
]


class TellTale:
    """A black box with given shares, the same for every item that it offers."""

    name, version = "telltale", "1"

    def __init__(self, shares: Sequence[float], *offered: str) -> None:
        self.shares: NDArray[np.float64] = np.array(shares)
        self.offered = offered
        self.histories: list[History] = []

    def rank(
        self, histories: Sequence[History], k: int, excluded: Sequence[Set[str]]
    ) -> list[Ranking]:
        self.histories += histories
        score = float(self.shares.sum())
        rows = [RankedItem(item, score, self.shares) for item in self.offered[:k]]
        return [Ranking(self.name, self.version, rows) for _ in histories]


def answered(service: RankingService, query: RankingQuery) -> Recommendations:
    """Ask one question; raise what is wrong with it."""
    [answer] = service.rank([query])
    if isinstance(answer, Exception):
        raise answer
    return answer


def rank_user(service: RankingService, user_id: str, k: int, excluded: Set[str]) -> Recommendations:
    """Rank for a known user."""
    return answered(service, RankingQuery(user_id, k, excluded))


def rank_history(
    service: RankingService, touches: Sequence[Interaction], k: int, excluded: Set[str]
) -> Recommendations:
    """Rank for an inline history."""
    return answered(service, RankingQuery(None, k, excluded, touches))


def ids(answer: Recommendations) -> list[str]:
    """Return the recommended ids, best first."""
    return [r.facts.item.id for r in answer.items]


def evidence(recommendation: Recommendation) -> list[str]:
    """Return the ids of the evidence, in order."""
    return [entry.id for entry in recommendation.facts.evidence]


@pytest.fixture(scope="module")
def service(demo: Dataset) -> RankingService:
    """Return the ranking service of the demo."""
    return RankingService(demo, fitted(demo))


@pytest.fixture
def popular(small_dataset: SmallDataset) -> RankingService:
    """Return a service of five films with a ranker that does not tell contributions."""
    return popular_service(small_dataset(LOG, items=FILMS))


def popular_service(dataset: Dataset) -> RankingService:
    return RankingService(dataset, PopularityRanker(dataset))


class TestKnownUsers:
    def test_they_get_what_they_have_not_touched_with_exact_contributions(
        self, service: RankingService, demo: Dataset
    ) -> None:
        answer = rank_user(service, "42", 10, NONE)
        assert (answer.ranker, answer.version) == ("als", fitted(demo).version)
        assert len(set(ids(answer))) == 10
        assert not set(ids(answer)) & set(demo.history("42").item_ids)
        assert [r.score for r in answer.items] == sorted(r.score for r in answer.items)[::-1]
        for r in answer.items:
            assert r.facts.evidence_kind == "contribution"
            shares = [c.share for c in r.contributions if c.share is not None]
            assert len(shares) == len(r.facts.evidence) == 3
            assert shares == sorted(shares, reverse=True)
            assert 0 < sum(shares) <= r.score * 1.0001

    @pytest.mark.parametrize("user", ["", "nobody", "42 ", "0", "\x00"])
    def test_unknown_ones_are_an_error(self, service: RankingService, user: str) -> None:
        for ask in (lambda: rank_user(service, user, 1, NONE), lambda: service.history(user, 1)):
            with pytest.raises(UnknownUserError) as caught:
                ask()
            assert str(caught.value) == user

    def test_the_excluded_make_room_for_the_next_best(self, service: RankingService) -> None:
        best = ids(rank_user(service, "42", 5, NONE))
        rest = ids(rank_user(service, "42", 3, frozenset({best[0], best[2], "unheard of"})))
        assert rest == [best[1], best[3], best[4]]

    def test_nothing_is_left_where_everything_is_excluded(self, popular: RankingService) -> None:
        assert rank_user(popular, "ann", 5, frozenset(film.id for film in FILMS)).items == []


class TestInlineHistories:
    @pytest.mark.parametrize("user", ["1", "42", "564"])
    def test_one_equal_to_a_known_users_gets_the_same_answer_in_any_order(
        self, service: RankingService, demo: Dataset, user: str
    ) -> None:
        known = demo.history(user)
        assert len(set(known.timestamps.tolist())) > 1
        columns = (known.item_ids, known.values.tolist(), known.timestamps.tolist())
        touches = [Interaction(*row) for row in zip(*columns, strict=True)]
        expected = rank_user(service, user, 10, NONE)
        assert rank_history(service, touches, 10, NONE) == expected
        random.Random(0).shuffle(touches)
        shuffled = rank_history(service, touches, 10, NONE)
        assert [r.facts for r in shuffled.items] == [r.facts for r in expected.items]
        assert [r.score for r in shuffled.items] == pytest.approx([r.score for r in expected.items])

    def test_unknown_items_are_left_out_and_named_once_and_an_error_where_all_are(
        self, service: RankingService
    ) -> None:
        touches = [
            Interaction("nope"),
            Interaction("1"),
            Interaction("also nope"),
            Interaction("nope"),
        ]
        assert rank_history(service, touches, 10, NONE).ignored == ("also nope", "nope")
        del touches[1]
        with pytest.raises(UnknownItemError) as caught:
            rank_history(service, touches, 10, NONE)
        assert caught.value.ids == ["also nope", "nope"]

    def test_one_more_liking_changes_the_answer(self, service: RankingService) -> None:
        before = rank_history(service, [Interaction("1")], 10, NONE)
        after = rank_history(service, [Interaction("1"), Interaction("2571", 5.0)], 10, NONE)
        assert ids(after) != ids(before)
        assert all(evidence(r) == ["1"] for r in before.items)
        assert any("2571" in evidence(r) for r in after.items)

    @pytest.mark.parametrize("touches", [[], [Interaction("heat", 1.0)]])
    def test_without_likings_one_gets_what_most_people_like_and_the_answer_says_so(
        self, small_dataset: SmallDataset, touches: list[Interaction]
    ) -> None:
        service = RankingService(small_dataset(LOG, items=FILMS), TellTale([]))
        answer = rank_history(service, touches, 3, NONE)
        assert answer.ranker == "popularity"
        assert ids(answer)[:2] == (["ronin", "up"] if touches else ["heat", "ronin"])
        for r in answer.items:
            assert (r.facts.evidence_kind, r.facts.evidence, r.contributions) == ("none", (), ())

    def test_a_demo_user_who_only_dislikes_gets_popular_films(
        self, service: RankingService
    ) -> None:
        answer = rank_history(service, [Interaction("318", 0.5), Interaction("1", 1.0)], 10, NONE)
        assert answer.ranker == "popularity"
        assert len(answer.items) == 10
        assert not {"318", "1"} & set(ids(answer))

    def test_one_liking_is_enough(self, service: RankingService) -> None:
        answer = rank_history(service, [Interaction("318")], 10, NONE)
        assert answer.ranker == "als"
        assert len(answer.items) == 10
        for r in answer.items:
            assert evidence(r) == ["318"]
            assert r.contributions[0].share == pytest.approx(r.score)

    @pytest.mark.parametrize("value", [1e9, -1e9, 0.0, 3.5, 1e-300])
    def test_any_value_that_the_api_lets_in_gets_an_answer(
        self, service: RankingService, value: float
    ) -> None:
        answer = rank_history(
            service, [Interaction("1", value), Interaction("318", value)], 10, NONE
        )
        assert len(answer.items) == 10
        assert np.isfinite([r.score for r in answer.items]).all()


class TestReadingAHistory:
    """What the ranker is told of a list of touches."""

    @staticmethod
    def told(dataset: Dataset, *interactions: Interaction) -> list[tuple[Any, ...]]:
        ranker = TellTale([0.0] * len({t.item_id for t in interactions}), "her")
        rank_history(RankingService(dataset, ranker), interactions, 1, NONE)
        [history] = ranker.histories
        columns = (history.item_ids, history.values.tolist(), history.timestamps.tolist())
        return list(zip(*columns, strict=True))

    def test_it_is_told_oldest_first(self, small_dataset: SmallDataset) -> None:
        dataset = small_dataset(LOG, items=FILMS)
        rows = self.told(
            dataset,
            Interaction("up", 4.0, 9),
            Interaction("heat", 5.0, 3),
            Interaction("ronin", 1.0),
        )
        assert rows == [("ronin", 1.0, 0), ("heat", 5.0, 3), ("up", 4.0, 9)]

    def test_of_a_repeat_the_later_counts_wherever_it_stands(
        self, small_dataset: SmallDataset
    ) -> None:
        dataset = small_dataset(LOG, items=FILMS)
        again = [
            Interaction("heat", 1.0, 7),
            Interaction("up", 4.0, 5),
            Interaction("heat", 5.0, 3),
        ]
        assert self.told(dataset, *again) == [("up", 4.0, 5), ("heat", 1.0, 7)]

    def test_of_a_repeat_at_the_same_time_the_last_of_the_list_counts(
        self, small_dataset: SmallDataset
    ) -> None:
        dataset = small_dataset(LOG, items=FILMS)
        again = [Interaction("heat", 5.0), Interaction("up", 4.0), Interaction("heat", 1.0)]
        assert self.told(dataset, *again) == [("up", 4.0, 0), ("heat", 1.0, 0)]

    def test_where_values_are_counts_repeats_add_up_as_in_a_dataset(
        self, small_dataset: SmallDataset
    ) -> None:
        log = [("ann", "heat", 2.0), ("ann", "up", 1.0), ("ann", "heat", 3.0), ("bob", "her", 1.0)]
        dataset = small_dataset(log, items=FILMS, info=PURCHASES)
        touches = [Interaction(item, value, n) for n, (user, item, value) in enumerate(log[:3])]
        known = dataset.history("ann")
        assert self.told(dataset, *touches) == [("up", 1.0, 1), ("heat", 5.0, 2)]
        assert (list(known.item_ids), known.values.tolist()) == (["up", "heat"], [1.0, 5.0])

    def test_the_same_touch_twice_is_one_entry(self, small_dataset: SmallDataset) -> None:
        touch = Interaction("heat", 5.0)
        assert self.told(small_dataset(LOG, items=FILMS), touch, touch) == [("heat", 5.0, 0)]

    @pytest.mark.parametrize(
        ("info", "value"),
        [(DatasetInfo(name="ratings", liking_threshold=3.5), 3.5), (PURCHASES, 1.0)],
    )
    def test_without_a_value_it_is_a_plain_liking(
        self, small_dataset: SmallDataset, info: DatasetInfo, value: float
    ) -> None:
        dataset = small_dataset(LOG, items=FILMS, info=info)
        assert self.told(dataset, Interaction("heat")) == [("heat", value, 0)]
        answer = rank_history(popular_service(dataset), [Interaction("heat")], 3, NONE)
        [entry] = answer.items[0].facts.evidence
        assert (entry.id, entry.liking) == ("heat", "used" if info is PURCHASES else "liked")


class TestEvidenceByContribution:
    """A ranker that tells what carried an item is taken at its word."""

    @staticmethod
    def of(
        dataset: Dataset, shares: Sequence[float], values: Sequence[float], *item_ids: str
    ) -> Recommendation:
        touches = [
            Interaction(i, v, n) for n, (i, v) in enumerate(zip(item_ids, values, strict=True))
        ]
        service = RankingService(dataset, TellTale(shares, "her"))
        [answer] = rank_history(service, touches, 1, NONE).items
        return answer

    @pytest.fixture
    def dataset(self, small_dataset: SmallDataset) -> Dataset:
        return small_dataset([("ann", item, 5.0) for item in "abcdef"], items=FILMS, hidden={"f"})

    def test_the_largest_three_come_in_order(self, dataset: Dataset) -> None:
        r = self.of(dataset, [0.1, 0.4, 0.2, 0.3], [5.0, 4.0, 4.5, 4.4], *"abcd")
        assert evidence(r) == ["b", "d", "c"]
        assert [(c.item_id, c.value, c.share) for c in r.contributions] == [
            ("b", 4.0, 0.4),
            ("d", 4.4, 0.3),
            ("c", 4.5, 0.2),
        ]
        assert [entry.liking for entry in r.facts.evidence] == ["liked", "liked", "loved"]

    def test_equal_shares_come_by_id_and_the_last_place_goes_to_the_smallest_id(
        self, dataset: Dataset
    ) -> None:
        r = self.of(dataset, [0.2, 0.2, 0.5, 0.2, 0.2], [5.0] * 5, *"edcba")
        assert evidence(r) == ["c", "a", "b"]

    def test_dislikes_hidden_items_and_what_spoke_against_are_no_evidence(
        self, dataset: Dataset
    ) -> None:
        r = self.of(dataset, [0.9, 0.8, 0.1, -0.5, 0.0], [5.0, 1.0, 5.0, 5.0, 5.0], *"fabcd")
        assert evidence(r) == ["b"]

    def test_there_may_be_none(self, dataset: Dataset) -> None:
        r = self.of(dataset, [0.9, -0.8], [5.0, 5.0], *"fa")
        assert (r.facts.evidence_kind, r.facts.evidence, r.contributions) == ("none", (), ())

    def test_the_order_is_that_of_sorting_everything(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(300):
            n = int(rng.integers(0, 12))
            shares = rng.integers(-2, 4, n) / 4  # many ties
            eligible = rng.random(n) < 0.7
            names = [str(name) for name in rng.permutation(n)]
            order = sorted(range(n), key=lambda p: (-shares[p], names[p]))
            allowed = [p for p in order if eligible[p] and shares[p] > 0]
            [chosen] = strongest(shares[None], eligible[None], np.zeros(1), names)
            assert chosen == allowed[:3]

    def test_what_weighs_next_to_nothing_is_no_reason(self, dataset: Dataset) -> None:
        few = self.of(dataset, [0.5, 0.06, 0.04], [5.0] * 3, *"abc")
        assert evidence(few) == ["a", "b"]  # c has less than a tenth of the strongest
        lost = self.of(dataset, [0.05, 9.0], [5.0, 5.0], *"af")
        assert evidence(lost) == []  # a has less than 1% of the score, f is hidden

    def test_an_item_far_below_the_best_has_none(self, small_dataset: SmallDataset) -> None:
        dataset = small_dataset([("ann", item, 5.0) for item in "abc"])
        history = History(["a"], np.ones(1) * 5, np.zeros(1, dtype=np.int64))
        rows = [RankedItem("b", 0.5, np.array([0.5])), RankedItem("c", 1e-17, np.array([1e-17]))]
        best, lost = recommendations(dataset, history, rows)
        assert (evidence(best), evidence(lost)) == (["a"], [])


class TestWhereNothingWasLearnt:
    def test_users_whom_nobody_shares_an_item_with_get_what_most_like(
        self, small_dataset: SmallDataset
    ) -> None:
        log = [(f"u{u}", f"i{u}", 5.0) for u in range(6)] + [("fan", "i0", 5.0)]
        dataset = small_dataset(log)
        service = RankingService(dataset, fit(dataset, AlsConfig(factors=4)))
        answer = rank_user(service, "u3", 3, NONE)
        assert answer.ranker == "popularity"
        assert [row.facts.evidence_kind for row in answer.items] == ["recent"] * 3


class TestEvidenceWithoutContributions:
    """Of a ranker that does not tell, nothing is claimed but what the items have in common."""

    def test_likings_that_share_most_categories_are_similar(self, popular: RankingService) -> None:
        touches = [Interaction("heat", 4.0, 1), Interaction("up", 5.0, 2)]
        answer = rank_history(popular, touches, 3, NONE)
        by_id = {r.facts.item.id: r for r in answer.items}
        assert by_id["ronin"].facts.evidence_kind == "similar"
        assert evidence(by_id["ronin"]) == ["heat"]
        assert by_id["ronin"].contributions[0].share is None

    def test_where_none_is_similar_the_latest_likings_are_recent(
        self, popular: RankingService
    ) -> None:
        touches = [
            Interaction("ronin", 1.0, 9),
            Interaction("heat", 4.0, 1),
            Interaction("up", 5.0, 2),
        ]
        answer = rank_history(popular, touches, 3, NONE)
        by_id = {r.facts.item.id: r for r in answer.items}
        assert by_id["her"].facts.evidence_kind == "recent"
        assert evidence(by_id["her"]) == ["up", "heat"]

    def test_the_most_similar_come_first_the_latest_of_equals_before(
        self, small_dataset: SmallDataset
    ) -> None:
        kinds = {"a": CRIME, "b": ("Crime", "Drama"), "c": ("Crime", "Drama"), "d": DRAMA}
        films = [Item(id=i, title=i, categories=kind) for i, kind in kinds.items()]
        new = Item(id="new", title="New", categories=("crime", "DRAMA"))
        log = [("bob", "new", 5.0), *[("cat", i, 5.0) for i in kinds]]
        service = popular_service(small_dataset(log, items=[*films, new]))
        touches = [Interaction(i, 5.0, n) for n, i in enumerate(kinds)]
        [r] = rank_history(service, touches, 1, NONE).items
        assert (r.facts.item.id, r.facts.evidence_kind) == ("new", "similar")
        assert evidence(r) == ["c", "b", "d"]


class TestHiddenItems:
    """They count in a history, and are never named."""

    @pytest.fixture(params=["als", "popularity"])
    def hiding(self, request: pytest.FixtureRequest, demo: Dataset) -> RankingService:
        """Return the demo with a tenth of its films hidden, those everybody likes among them."""
        hidden = np.arange(len(demo.item_ids)) % 10 == 0
        hidden[np.argsort(-demo.liking_counts)[:5]] = True
        columns = {name: getattr(demo, name) for name in Dataset.__dataclass_fields__}
        dataset = Dataset(**{**columns, "hidden": hidden})
        ranker: Ranker = fitted(dataset)
        return RankingService(
            dataset, ranker if request.param == "als" else PopularityRanker(dataset)
        )

    def test_they_are_neither_recommended_nor_evidence(self, hiding: RankingService) -> None:
        dataset = hiding.dataset
        hidden = {dataset.item_ids[i] for i in np.flatnonzero(dataset.hidden)}
        assert hidden & set(dataset.history("42").item_ids)
        for user in dataset.user_ids[:40]:
            for r in rank_user(hiding, user, 10, NONE).items:
                assert not hidden & {r.facts.item.id, *evidence(r)}

    def test_they_are_found_nowhere(self, hiding: RankingService) -> None:
        dataset = hiding.dataset
        position = int(np.flatnonzero(dataset.hidden)[0])
        item = dataset.item(position)
        with pytest.raises(UnknownItemError):
            hiding.item(item.id)
        assert item not in hiding.items(item.title, 1000)
        shown = {entry.item.id for entry in hiding.history("42", 10_000)}
        expected = [i for i in dataset.history("42").item_ids if not _is_hidden(dataset, i)]
        assert shown == set(expected)


def _is_hidden(dataset: Dataset, item_id: str) -> bool:
    return bool(dataset.hidden[dataset.item_index[item_id]])


class TestLookingUp:
    def test_an_item(self, service: RankingService) -> None:
        assert service.item("318").title == "The Shawshank Redemption"
        for item_id in ("nope", ""):
            with pytest.raises(UnknownItemError) as caught:
                service.item(item_id)
            assert caught.value.ids == [item_id]

    def test_the_usual_value_of_each_kind_of_entry(self, small_dataset: SmallDataset) -> None:
        values = [5.0, 4.5, 5.0, 3.5, 4.0, 4.0, 0.5, 2.0]
        log = [("ann", str(n), value) for n, value in enumerate(values)]
        stars = popular_service(small_dataset(log)).summary
        assert (stars.name, stars.noun.one) == ("ratings", "item")
        assert stars.usual == {"loved": 5.0, "liked": 4.0, "disliked": 0.5}
        unloved = small_dataset(log[3:], info=DatasetInfo(name="hearts", liking_threshold=1))
        assert popular_service(unloved).summary.usual == {"liked": 3.5, "disliked": 0.5}
        counts = small_dataset(log, info=DatasetInfo(name="plays"))
        assert popular_service(counts).summary.usual == {"used": 4.0}

    def test_a_history_latest_first_with_what_was_liked(self, popular: RankingService) -> None:
        entries = popular.history("bob", 10)
        assert [(e.item.id, e.value, e.timestamp, e.liking) for e in entries] == [
            ("her", 1.0, 3, None),
            ("heat", 4.0, 2, "liked"),
        ]
        assert popular.history("bob", 1) == entries[:1]

    def test_users_an_equal_id_first_then_those_that_begin_with_it(
        self, service: RankingService, demo: Dataset
    ) -> None:
        found = service.users("42", 1000)
        names = [user for user, _ in found]
        assert names[0] == "42"
        assert set(names) == {user for user in demo.user_ids if "42" in user}
        begins = [name.startswith("42") for name in names]
        assert begins == sorted(begins, reverse=True)
        assert found[0][1] == len(demo.history("42"))
        assert service.users("nobody", 10) == []
        assert len(service.users("", 7)) == 7

    def test_items_an_equal_title_first_then_beginnings_then_the_more_liked(
        self, small_dataset: SmallDataset
    ) -> None:
        titles = ["The Alien", "Alien Nation", "Aliens", "My Alien", "ALIEN", "Heat"]
        items = [Item(id=str(n), title=title) for n, title in enumerate(titles)]
        log = [("ann", "2", 5.0), ("bob", "2", 5.0), ("ann", "3", 5.0), ("bob", "1", 4.0)]
        service = popular_service(small_dataset(log, items=items))
        found = [item.title for item in service.items("alien", 10)]
        assert found == ["ALIEN", "Aliens", "Alien Nation", "My Alien", "The Alien"]
        assert [item.title for item in service.items("alien", 2)] == found[:2]
        assert service.items("nothing like it", 10) == []

    @pytest.mark.parametrize("search", ["“amélie”", '"AMÉLIE"', "ame\u0301lie", "  Amélie "])
    def test_items_however_they_are_typed(self, small_dataset: SmallDataset, search: str) -> None:
        named = Item(id="1", title='"Amélie"')
        service = popular_service(small_dataset([("ann", "1", 5.0)], items=[named]))
        assert service.items(search, 5) == [named]
