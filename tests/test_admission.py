"""Who is let in: everybody, until a queue stands; then no more at once than the loop can do."""

from collections.abc import Sequence

import pytest
from service_fixtures import Clock

from service.admission import TICKET, Admission, Ticket, waiting
from service.metrics import Metrics

QUICK, LATE = 0.002, 0.08
"""Delays of a loop that keeps up, and of one that does not, seconds."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(clock: Clock) -> Admission:
    return Admission(Metrics(), clock)


def pass_by(admission: Admission, clock: Clock, lags: Sequence[float]) -> None:
    """Let the loop be measured at intervals of 50 ms."""
    for lag in lags:
        clock.now += 0.05
        admission.measured(lag)


def enter(admission: Admission, number: int) -> list[Ticket]:
    """Let requests in."""
    return [admission.enter() for _ in range(number)]


def room(admission: Admission) -> int:
    """Return how many more would be let in."""
    tickets = list[Ticket]()
    while not admission.full and len(tickets) < 1000:
        tickets.append(admission.enter())
    for ticket in tickets:
        ticket.leave()
    return len(tickets)


def test_while_the_loop_keeps_up_everybody_is_let_in(admission: Admission, clock: Clock) -> None:
    enter(admission, 500)
    pass_by(admission, clock, [QUICK] * 100)
    assert not admission.full


def test_one_long_pause_is_no_queue(admission: Admission, clock: Clock) -> None:
    enter(admission, 500)
    for _ in range(10):
        pass_by(admission, clock, [QUICK, 0.5, QUICK, QUICK])
    assert not admission.full


def test_a_standing_queue_lets_fewer_in_until_the_loop_keeps_up_again(
    admission: Admission, clock: Clock
) -> None:
    inside = enter(admission, 100)
    pass_by(admission, clock, [LATE] * 3)
    assert admission.full
    for ticket in inside[:21]:
        ticket.leave()
    assert room(admission) == 1  # 80 of the 100


def test_the_longer_it_stands_the_fewer_but_never_none(admission: Admission, clock: Clock) -> None:
    inside = enter(admission, 100)
    pass_by(admission, clock, [LATE] * 200)
    for ticket in inside:
        ticket.leave()
    assert room(admission) == 8


def test_whoever_was_refused_makes_it_let_more_in_once_the_loop_keeps_up(
    admission: Admission, clock: Clock
) -> None:
    inside = enter(admission, 100)
    pass_by(admission, clock, [LATE] * 200)
    for ticket in inside:
        ticket.leave()
    pass_by(admission, clock, [QUICK] * 30)
    assert room(admission) == 8  # nobody came
    rooms = []
    for _ in range(40):
        admission.refused()
        pass_by(admission, clock, [QUICK] * 3)
        rooms.append(room(admission))
    assert rooms == sorted(rooms)
    assert rooms[-1] > 100


def test_who_waits_for_somebody_else_does_not_count(admission: Admission, clock: Clock) -> None:
    inside = enter(admission, 10)
    pass_by(admission, clock, [LATE] * 3)
    assert admission.full
    with inside[0].waiting(), inside[1].waiting(), inside[2].waiting():
        assert room(admission) == 1
    assert admission.full


def test_the_request_at_hand_is_counted_out_wherever_it_waits(admission: Admission) -> None:
    [ticket] = enter(admission, 1)
    token = TICKET.set(ticket)
    try:
        with waiting():
            assert admission.at_work == 0
        assert admission.at_work == 1
    finally:
        TICKET.reset(token)
    with waiting():  # where there is no request, nothing happens
        assert admission.at_work == 1


def test_a_request_leaves_once(admission: Admission) -> None:
    first, _ = enter(admission, 2)
    first.leave()
    first.leave()
    assert admission.at_work == 1


def test_the_delay_of_the_loop_is_a_metric(admission: Admission, clock: Clock) -> None:
    pass_by(admission, clock, [QUICK, LATE, LATE])
    sample = admission.metrics.registry.get_sample_value
    assert sample("prism_loop_lag_seconds_count") == 3
    assert sample("prism_loop_lag_seconds_bucket", {"le": "0.05"}) == 1
    assert admission.lag_s == LATE
