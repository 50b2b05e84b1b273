"""The queue between requests and the worker: one job per explanation, the awaited ones first."""

import asyncio
import gc
import math

import pytest
from service_fixtures import GENEROUS_S, anyio_backend, facts_about, written  # noqa: F401

from models.writer import Written
from service.jobs import Job, JobFailedError, LocalJobs, QueueFullError

pytestmark = pytest.mark.anyio

LONG_AGO, NEVER = 0.0, math.inf


def job(key: str, expires: float = NEVER) -> Job:
    """Return a job; all that matters here is its key and its deadline."""
    return Job(key, facts_about(key), LONG_AGO, expires)


async def taken(jobs: LocalJobs, limit: int = 100) -> str:
    """Take jobs, and return their keys in order."""
    return "".join([job.key for job in await jobs.take(limit)])


class TestSingleFlight:
    async def test_who_asks_for_the_same_gets_the_same_result(self) -> None:
        jobs = LocalJobs(10)
        first, second = jobs.submit(job("a")), jobs.submit(job("a"))
        assert jobs.depth() == 1
        assert await taken(jobs) == "a"
        third = jobs.submit(job("a"))  # while it is being written
        assert jobs.depth() == 0
        jobs.finish("a", written("done"))
        assert [await first, await second, await third] == [written("done")] * 3

    async def test_once_finished_it_may_be_asked_for_anew(self) -> None:
        jobs = LocalJobs(10)
        before = jobs.submit(job("a"))
        await taken(jobs)
        jobs.finish("a", written("before"))
        after = jobs.submit(job("a"))
        assert await taken(jobs) == "a"
        jobs.finish("a", written("after"))
        assert (await before, await after) == (written("before"), written("after"))


class TestLimit:
    async def test_a_full_queue_refuses_until_there_is_room(self) -> None:
        jobs = LocalJobs(2)
        jobs.submit(job("a"))
        jobs.submit(job("b"))
        with pytest.raises(QueueFullError):
            jobs.submit(job("c"))
        await taken(jobs, limit=1)
        jobs.submit(job("c"))
        assert await taken(jobs) == "bc"

    async def test_what_nobody_waits_for_any_more_makes_room(self) -> None:
        jobs = LocalJobs(4)
        waiting = {key: jobs.submit(job(key, LONG_AGO)) for key in "ABC"}
        waiting["d"] = jobs.submit(job("d"))
        assert await taken(jobs, limit=1) == "d"  # and A, B and C go behind
        for key in "Fegh":
            waiting[key] = jobs.submit(job(key, LONG_AGO if key.isupper() else NEVER))
        waiting["i"] = jobs.submit(job("i"))  # F, the oldest, gives way, too
        with pytest.raises(QueueFullError):
            jobs.submit(job("j"))
        assert await taken(jobs) == "eghi"
        assert [key for key, result in waiting.items() if result.done()] == [*"ABCF"]
        for key in "ABCF":
            with pytest.raises(JobFailedError, match="full"):
                await waiting[key]

    async def test_joining_needs_no_room(self) -> None:
        jobs = LocalJobs(1)
        assert jobs.submit(job("a")) is jobs.submit(job("a"))

    async def test_a_refused_job_leaves_nothing_behind(self) -> None:
        jobs = LocalJobs(1)
        jobs.submit(job("a"))
        with pytest.raises(QueueFullError):
            jobs.submit(job("b"))
        assert await taken(jobs) == "a"
        waiting = jobs.submit(job("b"))
        assert await taken(jobs) == "b"
        assert not waiting.done()


class TestOrder:
    async def test_first_come_first_served_a_batch_at_a_time(self) -> None:
        jobs = LocalJobs(10)
        for key in "abcde":
            jobs.submit(job(key))
        assert [await taken(jobs, limit=2) for _ in range(3)] == ["ab", "cd", "e"]

    async def test_what_nobody_waits_for_any_more_goes_behind(self) -> None:
        jobs = LocalJobs(10)
        for key in "aBcD":
            jobs.submit(job(key, LONG_AGO if key.isupper() else NEVER))
        assert await taken(jobs) == "acBD"

    async def test_it_stays_behind_those_who_come_later(self) -> None:
        jobs = LocalJobs(10)
        for key in "ABcd":
            jobs.submit(job(key, LONG_AGO if key.isupper() else NEVER))
        assert await taken(jobs, limit=1) == "c"
        jobs.submit(job("e"))
        assert jobs.depth() == 4
        assert await taken(jobs, limit=3) == "deA"
        assert await taken(jobs, limit=3) == "B"

    async def test_the_latest_deadline_of_those_who_wait_counts(self) -> None:
        jobs = LocalJobs(10)
        for key in "ABC":
            jobs.submit(job(key, LONG_AGO))
        jobs.submit(job("B", NEVER))
        jobs.submit(job("B", LONG_AGO))
        assert await taken(jobs) == "BAC"

    async def test_who_joins_a_job_that_was_put_behind_brings_it_back(self) -> None:
        jobs = LocalJobs(10)
        for key in "ABcd":
            jobs.submit(job(key, LONG_AGO if key.isupper() else NEVER))
        assert await taken(jobs, limit=1) == "c"
        jobs.submit(job("B", NEVER))
        assert await taken(jobs) == "dBA"
        assert jobs.depth() == 0


class TestWaiting:
    async def test_a_worker_waits_for_work(self) -> None:
        jobs = LocalJobs(10)
        for key in "ab":  # also after it has been empty once
            worker = asyncio.create_task(taken(jobs))
            await asyncio.sleep(0)
            assert not worker.done()
            jobs.submit(job(key))
            assert await asyncio.wait_for(worker, GENEROUS_S) == key

    async def test_a_failure_reaches_everybody_who_waits(self) -> None:
        jobs = LocalJobs(10)
        waiting = [jobs.submit(job("a")), jobs.submit(job("a"))]
        await taken(jobs)
        jobs.finish("a", JobFailedError("out of ink"))
        for result in waiting:
            with pytest.raises(JobFailedError, match="out of ink"):
                await result

    async def test_a_failure_that_nobody_waits_for_is_no_error_of_the_loop(self) -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
        jobs = LocalJobs(10)
        jobs.submit(job("a"))
        await taken(jobs)
        jobs.finish("a", JobFailedError("out of ink"))
        await asyncio.sleep(0)
        gc.collect()
        assert not complaints

    @pytest.mark.parametrize("result", [written(), JobFailedError("late")])
    async def test_finishing_what_is_unknown_or_finished_does_nothing(
        self, result: Written | JobFailedError
    ) -> None:
        jobs = LocalJobs(10)
        jobs.finish("a", result)
        waiting = jobs.submit(job("a"))
        await taken(jobs)
        jobs.finish("a", written("in time"))
        jobs.finish("a", result)
        assert await waiting == written("in time")


async def test_closing_fails_what_waits_and_what_is_being_written() -> None:
    jobs = LocalJobs(10)
    behind, at_work = jobs.submit(job("A", LONG_AGO)), jobs.submit(job("b"))
    assert await taken(jobs, limit=1) == "b"
    queued = jobs.submit(job("c"))
    assert jobs.depth() == 2
    jobs.close()
    assert jobs.depth() == 0
    for result in (at_work, queued, behind):
        with pytest.raises(JobFailedError, match="stopping"):
            await result
    jobs.finish("b", written("too late"))  # the engine's thread comes back
