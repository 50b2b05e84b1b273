"""Who is let in: as many at once as the process has been seen to answer in time, and no more."""

import contextlib
from collections.abc import Iterator
from time import monotonic

import anyio
import pytest
from service_fixtures import GENEROUS_S, Clock, anyio_backend, until  # noqa: F401

from service.admission import TICKET, Admission, Ticket, began, waiting
from service.metrics import Metrics

TARGET_S = 0.2


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(clock: Clock) -> Admission:
    return Admission(Metrics(), clock)


@pytest.fixture
def at_hand(admission: Admission) -> Iterator[Ticket]:
    """The ticket of the request at hand."""
    ticket = admission.enter()
    token = TICKET.set(ticket)
    yield ticket
    TICKET.reset(token)


def burst(admission: Admission) -> list[Ticket]:
    """Let in as many at once as it takes."""
    tickets = []
    while not admission.full:
        tickets.append(admission.enter())
    return tickets


def room(admission: Admission) -> int:
    """Return how many it lets stand."""
    tickets = burst(admission)
    for ticket in tickets:
        ticket.leave(answered=False)
    return len(tickets) // 2


def serve(admission: Admission, clock: Clock, each_s: float, at_once: int, rounds: int) -> None:
    """Let requests share the process, each of which needs it for a while."""
    for _ in range(rounds):
        tickets = [admission.enter() for _ in range(at_once)]
        for ticket in tickets:
            clock.now += each_s
            ticket.leave()


@pytest.mark.parametrize("each_s", [0.001, 0.005, 0.02])
@pytest.mark.parametrize("at_once", [1, 8])
def test_as_many_are_let_in_as_can_be_answered_in_time(
    admission: Admission, clock: Clock, each_s: float, at_once: int
) -> None:
    serve(admission, clock, each_s, at_once, 500)
    assert 0.5 * TARGET_S <= room(admission) * each_s <= 1.1 * TARGET_S


def test_a_burst_may_be_twice_as_large_but_no_queue_that_stands(
    admission: Admission, clock: Clock
) -> None:
    serve(admission, clock, 0.005, 8, 500)
    tickets = burst(admission)
    assert 1.5 * TARGET_S <= len(tickets) * 0.005 <= 2.2 * TARGET_S
    admission.refuse()
    for ticket in tickets[: len(tickets) // 3]:
        ticket.leave(answered=False)
    assert admission.full  # two thirds of the burst are more than may stand
    clock.now += 2
    assert not admission.full


def test_however_slow_it_is_some_are_let_in(admission: Admission, clock: Clock) -> None:
    serve(admission, clock, 5.0, 1, 500)
    assert room(admission) == 8


def test_one_pause_of_the_machine_says_little(admission: Admission, clock: Clock) -> None:
    serve(admission, clock, 0.005, 4, 200)
    before = room(admission)
    serve(admission, clock, 10.0, 1, 1)
    assert room(admission) > 0.8 * before


def test_who_only_waits_is_not_at_work_and_that_time_does_not_count(
    admission: Admission, clock: Clock
) -> None:
    serve(admission, clock, 0.005, 4, 200)
    before = room(admission)
    for _ in range(500):
        ticket = admission.enter()
        with ticket.waiting(2.0):
            assert abs(room(admission) - before) <= 0.2 * before
            clock.now += 2.0
        clock.now += 0.005
        ticket.leave()
    assert room(admission) > 0.8 * before


def test_of_those_who_wait_there_are_no_more_than_can_all_be_answered_when_time_is_up(
    admission: Admission, clock: Clock
) -> None:
    serve(admission, clock, 0.005, 8, 200)
    with contextlib.ExitStack() as stack:
        waiting_now = 0
        while not admission.full:
            stack.enter_context(admission.enter().waiting(granted_s=2.0))
            waiting_now += 1
        assert 0.8 * 2.0 <= waiting_now * 0.005 <= 1.2 * 2.0


def test_time_at_another_service_does_not_count_as_far_as_it_is_usual(
    admission: Admission, clock: Clock
) -> None:
    serve(admission, clock, 0.005, 4, 200)
    before = room(admission)
    for _ in range(500):
        ticket = admission.enter()
        clock.now += 0.305
        ticket.spare(0.3)
        ticket.leave()
    assert abs(room(admission) - before) <= 0.2 * before


def test_who_is_gone_teaches_nothing(admission: Admission, clock: Clock) -> None:
    before = room(admission)
    for _ in range(500):
        ticket = admission.enter()
        clock.now += 5
        ticket.leave(answered=False)
    assert room(admission) == before


def test_the_request_at_hand_is_found_wherever_it_waits(
    admission: Admission, at_hand: Ticket
) -> None:
    with waiting(2.0):
        assert admission.at_work == 0
    assert admission.at_work == 1


def test_where_no_request_is_at_hand_nothing_is_counted(admission: Admission) -> None:
    with waiting(2.0):
        assert admission.at_work == 0


def test_a_deadline_begins_when_the_request_was_there_as_a_whole(
    clock: Clock, at_hand: Ticket
) -> None:
    at_hand.spare(2.0)  # its body was sent slowly
    clock.now += 7.0
    assert began() == at_hand.began == clock.now - 5.0


def test_a_deadline_begins_now_under_a_server_without_tickets() -> None:
    before = monotonic()
    assert before <= began() <= monotonic()


@pytest.mark.anyio
async def test_the_delay_of_the_loop_is_measured() -> None:
    admission = Admission(Metrics())
    sample = admission.metrics.registry.get_sample_value

    def measured() -> bool:
        return (sample("prism_loop_lag_seconds_count") or 0) >= 3

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(admission.measure_lag)
        with anyio.fail_after(GENEROUS_S):
            await until(measured)
        tasks.cancel_scope.cancel()
    assert admission.lag_s >= 0
