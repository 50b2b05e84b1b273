"""The queue between requests and the worker: one job per explanation, the awaited ones first."""

import asyncio
import gc
import math

import pytest
from service_fixtures import GENEROUS_S, Clock, anyio_backend, facts_about, written  # noqa: F401

from models.prism.writer import Written
from service.jobs import GIVEN_UP_S, Job, JobFailedError, LocalJobs

pytestmark = pytest.mark.anyio

LONG_AGO, NEVER = 0.0, math.inf


def job(key: str, expires: float = NEVER) -> Job:
    """Return a job; all that matters here is its key and its deadline."""
    return Job(key, facts_about(key), LONG_AGO, expires)


async def submit(jobs: LocalJobs, one: Job) -> "asyncio.Future[Written]":
    """Queue one job; fail where the queue is full."""
    return (await jobs.submit([one]))[one.key]


async def refused(jobs: LocalJobs, one: Job) -> bool:
    """Queue one job, and say whether the queue was full."""
    return one.key not in await jobs.submit([one])


async def finish(jobs: LocalJobs, key: str, result: Written | JobFailedError) -> None:
    """Finish the job under a key."""
    await jobs.finish([(job(key), result)])


async def taken(jobs: LocalJobs, limit: int = 100) -> str:
    """Take jobs, and return their keys in order."""
    return "".join([job.key for job in await jobs.take(limit)])


class TestSingleFlight:
    async def test_who_asks_for_the_same_gets_the_same_result(self) -> None:
        jobs = LocalJobs(10)
        first, second = await submit(jobs, job("a")), await submit(jobs, job("a"))
        assert await jobs.depth() == 1
        assert await taken(jobs) == "a"
        third = await submit(jobs, job("a"))  # while it is being written
        assert await jobs.depth() == 0
        await finish(jobs, "a", written("done"))
        assert [await first, await second, await third] == [written("done")] * 3

    async def test_once_finished_it_may_be_asked_for_anew(self) -> None:
        jobs = LocalJobs(10)
        before = await submit(jobs, job("a"))
        await taken(jobs)
        await finish(jobs, "a", written("before"))
        after = await submit(jobs, job("a"))
        assert await taken(jobs) == "a"
        await finish(jobs, "a", written("after"))
        assert (await before, await after) == (written("before"), written("after"))


class TestLimit:
    async def test_a_full_queue_refuses_until_there_is_room(self) -> None:
        jobs = LocalJobs(2)
        await submit(jobs, job("a"))
        await submit(jobs, job("b"))
        assert await refused(jobs, job("c"))
        await taken(jobs, limit=1)
        await submit(jobs, job("c"))
        assert await taken(jobs) == "bc"

    async def test_what_nobody_waits_for_any_more_makes_room(self) -> None:
        jobs = LocalJobs(4)
        waiting = {key: await submit(jobs, job(key, LONG_AGO)) for key in "ABC"}
        waiting["d"] = await submit(jobs, job("d"))
        assert await taken(jobs, limit=1) == "d"  # and A, B and C go behind
        for key in "Fegh":
            waiting[key] = await submit(jobs, job(key, LONG_AGO if key.isupper() else NEVER))
        waiting["i"] = await submit(jobs, job("i"))  # F, the oldest, gives way, too
        assert await refused(jobs, job("j"))
        assert await taken(jobs) == "eghi"
        assert [key for key, result in waiting.items() if result.done()] == [*"ABCF"]
        for key in "ABCF":
            with pytest.raises(JobFailedError, match="full"):
                await waiting[key]

    async def test_joining_needs_no_room(self) -> None:
        jobs = LocalJobs(1)
        assert await submit(jobs, job("a")) is await submit(jobs, job("a"))

    async def test_a_refused_job_leaves_nothing_behind(self) -> None:
        jobs = LocalJobs(1)
        await submit(jobs, job("a"))
        assert await refused(jobs, job("b"))
        assert await taken(jobs) == "a"
        waiting = await submit(jobs, job("b"))
        assert await taken(jobs) == "b"
        assert not waiting.done()


class TestOrder:
    async def test_first_come_first_served_a_batch_at_a_time(self) -> None:
        jobs = LocalJobs(10)
        for key in "abcde":
            await submit(jobs, job(key))
        assert [await taken(jobs, limit=2) for _ in range(3)] == ["ab", "cd", "e"]

    async def test_what_nobody_waits_for_any_more_goes_behind(self) -> None:
        jobs = LocalJobs(10)
        for key in "aBcD":
            await submit(jobs, job(key, LONG_AGO if key.isupper() else NEVER))
        assert [await taken(jobs) for _ in range(2)] == ["ac", "BD"]

    async def test_it_fills_no_more_than_half_a_batch(self) -> None:
        jobs = LocalJobs(10)
        for key in "ABCDe":
            await submit(jobs, job(key, LONG_AGO if key.isupper() else NEVER))
        assert [await taken(jobs, limit=4) for _ in range(3)] == ["e", "AB", "CD"]

    async def test_it_stays_behind_those_who_come_later(self) -> None:
        jobs = LocalJobs(10)
        for key in "ABcd":
            await submit(jobs, job(key, LONG_AGO if key.isupper() else NEVER))
        assert await taken(jobs, limit=1) == "c"
        await submit(jobs, job("e"))
        assert await jobs.depth() == 4
        assert [await taken(jobs, limit=3) for _ in range(3)] == ["de", "A", "B"]

    async def test_the_latest_deadline_of_those_who_wait_counts(self) -> None:
        jobs = LocalJobs(10)
        for key in "ABC":
            await submit(jobs, job(key, LONG_AGO))
        await submit(jobs, job("B", NEVER))
        await submit(jobs, job("B", LONG_AGO))
        assert [await taken(jobs) for _ in range(2)] == ["B", "AC"]

    async def test_who_joins_a_job_that_was_put_behind_brings_it_back(self) -> None:
        jobs = LocalJobs(10)
        for key in "ABcd":
            await submit(jobs, job(key, LONG_AGO if key.isupper() else NEVER))
        assert await taken(jobs, limit=1) == "c"
        await submit(jobs, job("B", NEVER))
        assert [await taken(jobs) for _ in range(2)] == ["dB", "A"]
        assert await jobs.depth() == 0


class TestWithdrawing:
    async def test_a_job_whose_only_caller_is_gone_goes_behind_and_is_still_done(self) -> None:
        jobs = LocalJobs(10)
        for key in "abc":
            await submit(jobs, job(key))
        jobs.withdraw(["a", "b"])
        assert [await taken(jobs) for _ in range(2)] == ["c", "ab"]

    async def test_one_that_others_wait_for_stays_where_it_is(self) -> None:
        jobs = LocalJobs(10)
        for key in "aab":
            await submit(jobs, job(key))
        jobs.withdraw(["a"])
        assert await taken(jobs) == "ab"

    async def test_whoever_asks_for_it_again_brings_it_back(self) -> None:
        jobs = LocalJobs(10)
        for key in "abc":
            await submit(jobs, job(key))
        jobs.withdraw(["a"])
        await submit(jobs, job("a"))
        assert await taken(jobs) == "abc"

    async def test_it_gives_way_where_the_queue_is_full(self) -> None:
        jobs = LocalJobs(2)
        gone = await submit(jobs, job("a"))
        await submit(jobs, job("b"))
        jobs.withdraw(["a"])
        await submit(jobs, job("c"))
        assert await taken(jobs) == "bc"
        assert gone.done()

    async def test_of_one_that_is_being_written_or_done_nothing_changes(self) -> None:
        jobs = LocalJobs(10)
        waiting = await submit(jobs, job("a"))
        await taken(jobs)
        jobs.withdraw(["a"])
        await finish(jobs, "a", written("done"))
        assert await waiting == written("done")
        jobs.withdraw(["a"])
        assert await jobs.depth() == 0


class TestWaiting:
    async def test_a_worker_waits_for_work(self) -> None:
        jobs = LocalJobs(10)
        for key in "ab":  # also after it has been empty once
            worker = asyncio.create_task(taken(jobs))
            await asyncio.sleep(0)
            assert not worker.done()
            await submit(jobs, job(key))
            assert await asyncio.wait_for(worker, GENEROUS_S) == key

    async def test_a_failure_reaches_everybody_who_waits(self) -> None:
        jobs = LocalJobs(10)
        waiting = [await submit(jobs, job("a")), await submit(jobs, job("a"))]
        await taken(jobs)
        await finish(jobs, "a", JobFailedError("out of ink"))
        for result in waiting:
            with pytest.raises(JobFailedError, match="out of ink"):
                await result

    async def test_a_failure_that_nobody_waits_for_is_no_error_of_the_loop(self) -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
        jobs = LocalJobs(10)
        await submit(jobs, job("a"))
        await taken(jobs)
        await finish(jobs, "a", JobFailedError("out of ink"))
        await asyncio.sleep(0)
        gc.collect()
        assert not complaints

    @pytest.mark.parametrize("result", [written(), JobFailedError("late")])
    async def test_finishing_what_is_unknown_or_finished_does_nothing(
        self, result: Written | JobFailedError
    ) -> None:
        jobs = LocalJobs(10)
        await finish(jobs, "a", result)
        waiting = await submit(jobs, job("a"))
        await taken(jobs)
        await finish(jobs, "a", written("in time"))
        await finish(jobs, "a", result)
        assert await waiting == written("in time")


class TestFailing:
    async def test_what_an_engine_failed_on_is_tried_alone_in_turns_with_what_is_new(self) -> None:
        jobs = LocalJobs(10)
        for key in "ab":
            await submit(jobs, job(key))
        await jobs.fail(await jobs.take(10), "no ink")
        for key in "cd":
            await submit(jobs, job(key))
        batches = [await jobs.take(10) for _ in range(3)]
        assert ["".join(one.key for one in batch) for batch in batches] == ["a", "cd", "b"]
        assert [batch[0].alone for batch in batches] == [True, False, True]

    async def test_after_some_attempts_it_is_given_up_for_a_while(self) -> None:
        clock = Clock()
        clock.now = 1000.0
        jobs = LocalJobs(10, attempts=3, clock=clock)
        waiting = await submit(jobs, job("a"))
        for attempt in (1, 2, 3):
            [one] = await jobs.take(10)
            assert one.attempt == attempt
            await jobs.fail([one], "no ink")
        with pytest.raises(JobFailedError, match="no ink"):
            await waiting
        with pytest.raises(JobFailedError, match="given up"):
            await (await submit(jobs, job("a")))
        assert await jobs.depth() == 0
        clock.now += GIVEN_UP_S
        await submit(jobs, job("a"))
        assert await taken(jobs) == "a"

    async def test_what_is_given_back_is_where_it_was(self) -> None:
        jobs = LocalJobs(10)
        for key in "abcd":
            await submit(jobs, job(key))
        batch = await jobs.take(2)
        await jobs.give_back(batch)
        assert [one.attempt for one in batch] == [1, 1]
        assert await taken(jobs) == "abcd"

    async def test_what_nobody_waits_for_any_more_is_not_put_back(self) -> None:
        jobs = LocalJobs(10)
        await submit(jobs, job("a"))
        batch = await jobs.take(1)
        jobs.close()
        await jobs.give_back(batch)
        await jobs.fail(batch, "no ink")
        assert await jobs.depth() == 0


async def test_closing_fails_what_waits_and_what_is_being_written() -> None:
    jobs = LocalJobs(10)
    behind, at_work = await submit(jobs, job("A", LONG_AGO)), await submit(jobs, job("b"))
    assert await taken(jobs, limit=1) == "b"
    queued = await submit(jobs, job("c"))
    assert await jobs.depth() == 2
    jobs.close()
    assert await jobs.depth() == 0
    for result in (at_work, queued, behind):
        with pytest.raises(JobFailedError, match="stopping"):
            await result
    await finish(jobs, "b", written("too late"))  # the engine's thread comes back
