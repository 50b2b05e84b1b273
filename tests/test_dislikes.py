"""What a user's own dislikes speak against: found by counting, and told of nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.dataset import Dataset
from catalog.tables import DatasetInfo
from catalog.traits import trait
from catalog.types import Interaction, Item
from models.faithfulness import check
from models.language.grounded import STYLES, explain
from ranker.consistency import borne_out, untold
from ranker.dislikes import disliked_traits, without
from ranker.popularity import PopularityRanker
from ranker.service import RankingQuery, RankingService, Recommendations

SmallDataset = Callable[..., Dataset]

WESTERN = ("", "western")
LIKED, DISLIKED = 5.0, 1.0


def film(name: str, *categories: str, **attributes: Any) -> Item:
    """Return a film that is called by its id."""
    return Item(id=name, title=name.title(), categories=categories, attributes=attributes)


def against(
    small_dataset: SmallDataset, likes: Sequence[Item], dislikes: Sequence[Item]
) -> set[tuple[str, str]]:
    """Return what a user's history of these speaks against."""
    log = [
        *(("ann", item.id, LIKED) for item in likes),
        *(("ann", item.id, DISLIKED) for item in dislikes),
    ]
    dataset = small_dataset(log, items=[*likes, *dislikes])
    history = dataset.history("ann")
    positions = np.array([dataset.item_index[item_id] for item_id in history.item_ids])
    return set(disliked_traits(dataset, positions, dataset.is_liking(history.values)))


def films(name: str, count: int, *categories: str, **attributes: Any) -> list[Item]:
    """Return so many films of a kind."""
    return [film(f"{name} {n}", *categories, **attributes) for n in range(count)]


class TestWhatIsDisliked:
    @pytest.mark.parametrize("case", ["western", "Western"])
    def test_three_disliked_westerns_and_none_liked(
        self, small_dataset: SmallDataset, case: str
    ) -> None:
        dislikes = [*films("w", 2, "Western", "Drama"), film("last", case)]
        assert against(small_dataset, films("c", 5, "Comedy"), dislikes) == {WESTERN}

    def test_two_may_be_an_accident(self, small_dataset: SmallDataset) -> None:
        likes, dislikes = films("c", 5, "Comedy"), films("w", 2, "Western")
        assert not against(small_dataset, likes, dislikes)

    def test_what_is_liked_about_as_often_as_anything_is_not_disliked(
        self, small_dataset: SmallDataset
    ) -> None:
        likes = [*films("liked", 2, "Western"), *films("c", 4, "Comedy")]
        assert not against(small_dataset, likes, films("w", 3, "Western"))

    def test_what_is_liked_far_less_than_anything_else_is(
        self, small_dataset: SmallDataset
    ) -> None:
        likes = [*films("liked", 2, "Western"), *films("c", 20, "Comedy")]
        assert against(small_dataset, likes, films("w", 6, "Western")) == {WESTERN}

    def test_what_is_liked_more_often_than_not_never_is(self, small_dataset: SmallDataset) -> None:
        likes = [*films("liked", 30, "Western"), *films("c", 200, "Comedy")]
        assert not against(small_dataset, likes, films("w", 29, "Western"))

    def test_who_likes_nothing_dislikes_what_they_dislike(
        self, small_dataset: SmallDataset
    ) -> None:
        assert against(small_dataset, [], films("w", 3, "Western")) == {WESTERN}

    def test_one_of_several_people_is_told_from_the_others(
        self, small_dataset: SmallDataset
    ) -> None:
        likes = films("c", 4, writer=("Ann", "Bob"), length=90)
        dislikes = films("d", 3, writer=("Bob", "Cat"), director="Ann", length=90)
        assert against(small_dataset, likes, dislikes) == {("writer", "cat"), ("director", "ann")}


class TestWhatIsLeft:
    def test_the_rest_stands_as_in_an_item_that_never_had_it(self) -> None:
        item = film("f", "Drama", "Western", cast=("Ann", "Bob", "Cat"), writer=("Ann", "Bob"))
        left = without(item, {WESTERN, ("cast", "bob"), ("writer", "ann")})
        assert left == film("f", "Drama", cast=("Ann", "Cat"), writer="Bob")
        assert Item.model_validate(left.model_dump()) == left

    def test_an_attribute_without_a_value_is_gone_and_a_zero_is_a_value(self) -> None:
        left = without(film("f", director="Ann", length=0), {("director", "ann")})
        assert left.attributes == {"length": 0}

    @given(
        categories=st.lists(st.sampled_from("ABCab"), max_size=4),
        cast=st.lists(st.sampled_from(["Ann", "ann", 1, "1", "Bob"]), max_size=4),
        against=st.frozensets(
            st.tuples(st.sampled_from(["", "cast"]), st.sampled_from(["a", "b", "ann", "1"]))
        ),
    )
    def test_it_is_a_valid_item_with_all_but_what_is_disliked(
        self, categories: list[str], cast: list[Any], against: frozenset[tuple[str, str]]
    ) -> None:
        attributes = {"cast": tuple(cast)} if cast else {}
        item = Item(id="f", title="F", categories=tuple(categories), attributes=attributes)
        left = without(item, against)
        assert Item.model_validate(left.model_dump()) == left
        of = [("", c) for c in item.categories] + item.pairs()
        of_left = [("", c) for c in left.categories] + left.pairs()
        assert of_left == [one for one in of if trait(*one) not in against]


# ---------------------------------------------------------------------- in answers


@pytest.fixture
def westerns(small_dataset: SmallDataset) -> RankingService:
    """Return a service of somebody who dislikes westerns, but liked one."""
    items = [
        *films("w", 4, "Western"),
        *films("c", 6, "Comedy"),
        film("loved", "Western", "Drama"),
        film("next", "Western", "Drama"),
        film("plain", "Western"),
    ]
    log = [("bob", item.id, LIKED) for item in items]
    log += [("ann", f"w {n}", DISLIKED) for n in range(4)]
    log += [("ann", f"c {n}", LIKED) for n in range(6)]
    log += [("ann", "loved", LIKED)]
    dataset = small_dataset(log, items=items)
    return RankingService(dataset, PopularityRanker(dataset))


def answer(service: RankingService, query: RankingQuery) -> Recommendations:
    """Return the answer to one question."""
    [found] = service.rank([query])
    assert isinstance(found, Recommendations)
    return found


class TestAnswers:
    def test_it_is_told_neither_of_the_item_nor_of_the_evidence(
        self, westerns: RankingService
    ) -> None:
        [row, plain] = answer(westerns, RankingQuery("ann", 2)).items
        assert (row.facts.item.id, row.facts.item.categories) == ("next", ("Drama",))
        assert [(e.id, e.categories) for e in row.facts.evidence] == [("loved", ("Drama",))]
        assert (plain.facts.item.id, plain.facts.item.categories) == ("plain", ())

    def test_what_is_alike_only_in_it_is_not_called_similar(self, westerns: RankingService) -> None:
        kinds = [row.facts.evidence_kind for row in answer(westerns, RankingQuery("ann", 2)).items]
        assert kinds == ["similar", "recent"]

    def test_to_others_all_is_told(self, westerns: RankingService) -> None:
        query = RankingQuery(None, 1, history=[Interaction("loved", LIKED)], candidates=["next"])
        [row] = answer(westerns, query).items
        assert row.facts.item.categories == ("Western", "Drama")

    def test_an_inline_history_and_candidates_are_told_the_same(
        self, westerns: RankingService
    ) -> None:
        known = westerns.dataset.history("ann")
        touches = [
            Interaction(*row)
            for row in zip(
                known.item_ids, known.values.tolist(), known.timestamps.tolist(), strict=True
            )
        ]
        expected = [row.facts for row in answer(westerns, RankingQuery("ann", 2)).items]
        for query in (
            RankingQuery(None, 2, history=touches),
            RankingQuery("ann", 2, candidates=["next", "plain"]),
        ):
            assert [row.facts for row in answer(westerns, query).items] == expected

    def test_what_is_left_without_a_category_is_still_told_well(
        self, westerns: RankingService
    ) -> None:
        [_, row] = answer(westerns, RankingQuery("ann", 2)).items
        for style in range(STYLES):
            text = explain(row.facts, style)
            assert "western" not in text.lower()
            assert check(text, row.facts).passed

    def test_where_all_are_likings_nothing_is_counted(self, small_dataset: SmallDataset) -> None:
        log = [("ann", f"w {n}", 1.0) for n in range(4)]
        dataset = small_dataset(
            log, items=films("w", 5, "Western"), info=DatasetInfo(name="purchases")
        )
        service = RankingService(dataset, PopularityRanker(dataset))
        [row] = answer(service, RankingQuery("ann", 1)).items
        assert row.facts.item.categories == ("Western",)
        assert "traits" not in dataset.__dict__


class TestConsistency:
    def test_it_counts_what_is_untold(self, westerns: RankingService) -> None:
        found = untold(westerns.dataset, westerns.ranker, "ann")
        assert found is not None
        assert (found.of_item, found.shared, found.everything) == (1.0, 1.0, 0.5)
        assert untold(westerns.dataset, westerns.ranker, "bob") is None

    def test_it_looks_at_what_came_later(self, small_dataset: SmallDataset) -> None:
        items = [*films("w", 4, "Western"), *films("c", 6, "Comedy")]
        log = [("ann", f"w {n}", DISLIKED) for n in range(3)]
        log += [("ann", f"c {n}", LIKED) for n in range(5)]
        log += [("ann", "w 3", DISLIKED), ("ann", "c 5", LIKED)]
        those, others = borne_out(small_dataset(log, items=items))
        assert (those.tolist(), others.tolist()) == ([0.0], [1.0])
