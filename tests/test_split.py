"""Temporal splits: the past to learn from, the likings after it to be found."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.dataset import Dataset
from catalog.split import last_fifth, leave_last_out
from catalog.tables import DatasetInfo

Log = list[tuple[str, str, float, int]]
Split = Callable[[Dataset], tuple[Dataset, Dataset]]
SmallDataset = Callable[..., Dataset]

both_splits = pytest.mark.parametrize("split", [leave_last_out, last_fifth])
logs = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from("klmnopqrstuvwxyz"),
        st.sampled_from([1.0, 3.0, 3.5, 5.0]),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=40,
)


def check(whole: Dataset, train: Dataset, test: Dataset) -> None:
    """Check what holds for every split of any dataset."""
    assert train.user_ids == test.user_ids == whole.user_ids
    assert train.item_ids == test.item_ids == whole.item_ids
    assert test.is_liking(test.values).all()
    for user_id in whole.user_ids:
        all_of_it = whole.history(user_id)
        learned, held_out = train.history(user_id), test.history(user_id)
        assert len(learned) > 0
        assert not set(learned.item_ids) & set(held_out.item_ids)
        assert all_of_it.item_ids[: len(learned)] == learned.item_ids
        assert set(held_out.item_ids) <= set(all_of_it.item_ids[len(learned) :])
        if len(held_out):
            assert learned.timestamps.max() <= held_out.timestamps.min()


@both_splits
@given(log=logs, threshold=st.sampled_from([None, 3.5]))
def test_train_is_the_past_and_test_holds_only_later_likings(
    split: Split, small_dataset: SmallDataset, log: Log, threshold: float | None
) -> None:
    whole = small_dataset(log, info=DatasetInfo(name="any", liking_threshold=threshold))
    check(whole, *split(whole))


@both_splits
def test_the_demo_is_split_the_same_way(split: Split, demo: Dataset) -> None:
    train, test = split(demo)
    check(demo, train, test)
    assert (np.diff(test.indptr) > 0).mean() > 0.9


@given(log=logs)
def test_leave_last_out_holds_out_the_last_liking_if_anything_is_earlier(
    small_dataset: SmallDataset, log: Log
) -> None:
    whole = small_dataset(log)
    _, test = leave_last_out(whole)
    for user_id in whole.user_ids:
        history = whole.history(user_id)
        liked = np.flatnonzero(whole.is_liking(history.values))
        expected = [history.item_ids[liked[-1]]] if len(liked) and liked[-1] > 0 else []
        assert test.history(user_id).item_ids == expected


@given(log=logs)
def test_last_fifth_keeps_four_fifths_and_holds_out_at_least_one(
    small_dataset: SmallDataset, log: Log
) -> None:
    whole = small_dataset(log)
    train, _ = last_fifth(whole)
    for user_id in whole.user_ids:
        total = len(whole.history(user_id))
        held_out = max(1, total // 5) if total > 1 else 0
        assert len(train.history(user_id)) == total - held_out


def test_by_example(small_dataset: SmallDataset) -> None:
    stars = [("a", 5.0), ("b", 4.0), ("c", 1.0), ("d", 4.0), ("e", 2.0)]
    whole = small_dataset([("ann", item, value) for item, value in stars])
    train, test = leave_last_out(whole)
    assert train.history("ann").item_ids == ["a", "b", "c"]
    assert test.history("ann").item_ids == ["d"]
    train, test = last_fifth(whole)
    assert train.history("ann").item_ids == ["a", "b", "c", "d"]
    assert test.history("ann").item_ids == []


@both_splits
def test_who_has_one_interaction_or_no_liking_keeps_all_and_is_not_asked(
    split: Split, small_dataset: SmallDataset
) -> None:
    whole = small_dataset([("one", "a", 5.0), ("sour", "a", 1.0), ("sour", "b", 2.0)])
    train, test = split(whole)
    assert train.history("one").item_ids == ["a"]
    assert train.history("sour").item_ids[0] == "a"
    assert len(test.values) == 0
