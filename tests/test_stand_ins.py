"""Stand-ins: pages that all have to do without the Prism get theirs in turn, and in time."""

from contextlib import ExitStack
from itertools import pairwise
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_fixtures import anyio_backend  # noqa: F401

from catalog.facts import Facts
from catalog.types import Item
from service.stand_ins import StandIns

Pages = st.lists(st.tuples(st.integers(1, 50), st.floats(0, 10)), min_size=1, max_size=30)


@given(Pages)
def test_slots_end_in_time_and_never_overlap(pages: list[tuple[int, float]]) -> None:
    stand_ins = StandIns()
    a_text = -_begin(stand_ins, 1, 0.0)
    kept = []
    with ExitStack() as stack:
        for texts, end in pages:
            begin = stack.enter_context(stand_ins.slot(texts, end))
            assert begin + texts * a_text <= end + 1e-9
            kept.append((begin, begin + texts * a_text))
    kept.sort()
    assert all(one[1] <= next_[0] + 1e-9 for one, next_ in pairwise(kept))


def test_pages_of_one_deadline_stop_waiting_one_after_the_other() -> None:
    stand_ins = StandIns()
    with (
        stand_ins.slot(10, 2.0) as first,
        stand_ins.slot(10, 2.0) as second,
        stand_ins.slot(10, 2.0) as third,
    ):
        page_s = 2.0 - first
        assert (first - second, second - third) == pytest.approx((page_s, page_s))


def test_a_slot_whose_texts_came_is_free_again() -> None:
    stand_ins = StandIns()
    alone = _begin(stand_ins, 10, 2.0)
    with stand_ins.slot(10, 2.0):
        assert _begin(stand_ins, 10, 2.0) < alone
    assert _begin(stand_ins, 10, 2.0) == alone


def test_a_page_between_two_others_fits_where_there_is_room() -> None:
    stand_ins = StandIns()
    with stand_ins.slot(10, 1.0) as early, stand_ins.slot(10, 2.0) as late:
        assert early < _begin(stand_ins, 10, 2.0) < late
        assert _begin(stand_ins, 10, 1.0) < early


@pytest.mark.anyio
async def test_how_long_a_text_takes_is_learnt() -> None:
    stand_ins = StandIns()
    believed = -_begin(stand_ins, 1, 0.0)
    facts = {str(n): Facts(item=Item(id=f"{n}", title=f"Heat {n}")) for n in range(20)}
    for _ in range(20):
        made = await stand_ins.make(facts, dict.fromkeys(facts, "deadline"))
    assert {text.reason for text in made.values()} == {"deadline"}
    assert -_begin(stand_ins, 1, 0.0) != believed


def test_the_longest_wait_of_late_is_half_forgotten_a_second_later() -> None:
    stand_ins = StandIns()
    stand_ins.took(0.4)
    stand_ins.took(0.1)
    now = monotonic()
    assert stand_ins.longest_s(now) / stand_ins.longest_s(now + 1) == pytest.approx(2)


def _begin(stand_ins: StandIns, texts: int, end: float) -> float:
    with stand_ins.slot(texts, end) as begin:
        return begin
