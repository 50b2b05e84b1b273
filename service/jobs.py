"""Jobs: explanations to be written, between those who wait for them and those who write them.

The batching of a worker and the waiting of a request meet only here, through futures:

    request                                the queue            worker
    {key: future} = submit([job])    →     job waits      →     [job, …] = take(32)
    await future                     ←     sets future    ←     finish([(job, text)])

In one process `LocalJobs` is all of it. Over Redis the future stays with the gateway that made it
(`service.redis.gateway_queue`), the job travels in a stream to whichever worker takes it
(`service.redis.worker_queue`), and the text comes back on a channel.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from time import monotonic
from typing import Protocol

from catalog.facts import Facts
from models.prism.writer import Written

_FEW, _SURE = 64, 0.8
"""Jobs that may always wait, and the share of the time left that is reckoned with."""
_WEIGHT = 0.3
"""Weight of the latest measurement of speed in their moving average."""
GIVEN_UP_S = 600
"""Time for which a job that could not be done is not tried again."""


class JobFailedError(RuntimeError):
    """The job is not done: its engine fails on it, it expired in a full queue, or all stops."""


@dataclass(frozen=True, slots=True)
class Job:
    """One explanation to be written; `expires` is monotonic seconds, when nobody waits any more.

    `token` is what a queue needs to find the job again once it is done. `attempt` counts from 1.
    """

    key: str
    facts: Facts
    created: float
    expires: float
    token: str = ""
    attempt: int = 1

    @property
    def alone(self) -> bool:
        """Whether it needs a batch of its own, because a batch that it was in has failed."""
        return self.attempt > 1


Result = Written | JobFailedError


class JobQueue(Protocol):
    """The end of a queue where explanations are asked for."""

    async def submit(
        self, jobs: Sequence[Job], within_s: float
    ) -> "dict[str, asyncio.Future[Written]]":
        """Queue jobs, or join those in flight under their keys; return what to wait for, by key.

        A key is missing where the queue is full, or so long that its job would be done too late.
        Raises QueueUnavailableError where the queue is not there within so many seconds.
        """
        ...

    def withdraw(self, keys: Sequence[str]) -> None:
        """Say that one who submitted these jobs is gone, and waits no more.

        A job that nobody else waits for goes behind the others: it still warms the cache, if there
        is nothing else to do.
        """
        ...


class QueueUnavailableError(RuntimeError):
    """The queue does not answer."""


class WorkQueue(Protocol):
    """The end of a queue where explanations are written.

    Whoever takes a job says what has become of it (`finish`, `give_back` or `fail`), and in any
    case calls `leave` in the end: from then on the job is in nobody's hands.
    """

    async def take(self, limit: int) -> list[Job]:
        """Wait for work and return up to `limit` jobs, first those that somebody waits for.

        A job that failed before is returned alone, now and then between the others.
        """
        ...

    async def finish(self, results: Sequence[tuple[Job, Result]]) -> None:
        """Give everybody who waits for the jobs their results."""
        ...

    async def give_back(self, jobs: Sequence[Job]) -> None:
        """Put jobs back as they were: it was no fault of theirs that they were not done."""
        ...

    async def fail(self, jobs: Sequence[Job], why: str) -> None:
        """Put back jobs on which the engine failed, although it can do others; each is done alone.

        One that has failed as often as the queue allows is given up.
        """
        ...

    def leave(self, jobs: Sequence[Job]) -> None:
        """Let go of jobs that were taken, finished or not."""
        ...

    def measured(self, job_s: float) -> None:
        """Learn how long this worker takes for a job while it has enough to do, seconds."""
        ...


def room_for(left_s: float, jobs_per_s: float, limit: int) -> int:
    """Return how long a queue may be for a job that is wanted in so many seconds.

    The queue may hold what workers can surely do in that time: a job behind more than that would
    be done too late. 64 jobs, a batch or two, may always wait: the speed of workers is measured on
    full batches, and says little of a short queue. Before the first measurement (`jobs_per_s` is 0)
    as many as `limit` may wait.
    """
    return limit if not jobs_per_s else min(limit, max(_FEW, int(_SURE * left_s * jobs_per_s)))


def new_result() -> "asyncio.Future[Written]":
    """Return a future for a text. Its failure is not logged where nobody waits for it any more."""
    future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


class LocalJobs:
    """Both ends of a queue inside one process and event loop.

    Jobs that expire while they wait, and have not failed, go behind the others: nobody waits for
    them any more, but they still warm the cache. Whoever joins one brings it back.

    Parameters
    ----------
    limit : most jobs that wait
    attempts : how often a job may fail before it is given up for ten minutes; it is tried in its
        batch first, and alone from then on
    clock : monotonic seconds
    """

    def __init__(
        self, limit: int, attempts: int = 3, clock: Callable[[], float] = monotonic
    ) -> None:
        self._limit, self._attempts, self._clock = limit, attempts, clock
        self._interactive: deque[Job] = deque()
        self._failed: deque[Job] = deque()  # to be tried again, each alone
        self._bulk: dict[str, Job] = {}
        self._results: dict[str, asyncio.Future[Written]] = {}
        self._expires: dict[str, float] = {}  # the latest deadline of those who wait
        self._callers: dict[str, int] = {}  # who submitted it and has not withdrawn
        self._given_up: dict[str, float] = {}  # and when, the longest ago first
        self._work = asyncio.Event()
        self._job_s = 0.0
        self._took_failed = False

    async def submit(
        self, jobs: Sequence[Job], within_s: float = math.inf
    ) -> "dict[str, asyncio.Future[Written]]":
        """Queue jobs or join those in flight, at once; see `JobQueue`."""
        waiting = {job.key: self._submit(job) for job in jobs}
        return {key: future for key, future in waiting.items() if future is not None}

    def _submit(self, job: Job) -> "asyncio.Future[Written] | None":
        known = self._results.get(job.key)
        if known is not None:
            self._callers[job.key] += 1
            self._expires[job.key] = max(self._expires[job.key], job.expires)
            if job.key in self._bulk:
                self._interactive.append(self._bulk.pop(job.key))
            return known
        result = new_result()
        if self._clock() - self._given_up.get(job.key, -math.inf) < GIVEN_UP_S:
            result.set_exception(JobFailedError("given up"))
            return result
        if self._depth() >= self._limit:
            self._drop_expired()
        if self._depth() >= self._limit or self._is_too_late(job):
            return None
        self._results[job.key] = result
        self._expires[job.key] = job.expires
        self._callers[job.key] = 1
        self._interactive.append(job)
        self._work.set()
        return result

    def _is_too_late(self, job: Job) -> bool:
        if not self._job_s:
            return False
        ahead = len(self._results) - len(self._bulk)
        return ahead >= room_for(job.expires - self._clock(), 1 / self._job_s, self._limit)

    def withdraw(self, keys: Sequence[str]) -> None:
        """Let a job that nobody waits for expire at once; see `JobQueue`."""
        for key in keys:
            if key in self._results:
                self._callers[key] -= 1
                if not self._callers[key]:
                    self._expires[key] = -math.inf

    def _drop_expired(self) -> None:
        """Give up what nobody waits for, to make room for what somebody does.

        Only the head of the queue is looked at, where the oldest are: a full queue is no time for
        a long search.
        """
        dropped = list(self._bulk)
        self._bulk.clear()
        now = self._clock()
        while self._interactive and self._expires[self._interactive[0].key] <= now:
            dropped.append(self._interactive.popleft().key)
        for key in dropped:
            self._finish(key, JobFailedError("expired in a full queue"))

    async def take(self, limit: int) -> list[Job]:
        """Wait for work and return it; see `WorkQueue`."""
        while not self._depth():
            self._work.clear()
            await self._work.wait()
        # What failed and what is new take turns: each of the former is a batch of its own.
        self._took_failed = bool(self._failed) and not self._took_failed
        if self._took_failed:
            return [self._failed.popleft()]
        now = self._clock()
        taken: list[Job] = []
        while self._interactive and len(taken) < limit:
            job = self._interactive.popleft()
            if self._expires[job.key] > now:
                taken.append(job)
            else:
                self._bulk[job.key] = job
        if taken:
            return taken
        if self._failed:
            return [self._failed.popleft()]
        # Half a batch: a request that comes meanwhile has to wait until it is written.
        return [self._bulk.pop(key) for key in list(islice(self._bulk, max(1, limit // 2)))]

    async def finish(self, results: Sequence[tuple[Job, Result]]) -> None:
        """Hand results to everybody who waits; see `WorkQueue`."""
        for job, result in results:
            self._finish(job.key, result)

    async def give_back(self, jobs: Sequence[Job]) -> None:
        """Put jobs back where they were, at the head; see `WorkQueue`."""
        for job in reversed([job for job in jobs if job.key in self._results]):
            (self._failed if job.alone else self._interactive).appendleft(job)
        self._work.set()

    async def fail(self, jobs: Sequence[Job], why: str) -> None:
        """Put jobs back to be done alone, or give them up; see `WorkQueue`."""
        for job in jobs:
            if job.attempt >= self._attempts:
                self._give_up(job.key, why)
            elif job.key in self._results:
                self._failed.append(replace(job, attempt=job.attempt + 1))
        self._work.set()

    def _give_up(self, key: str, why: str) -> None:
        self._finish(key, JobFailedError(why))
        self._given_up.pop(key, None)
        self._given_up[key] = self._clock()
        if len(self._given_up) > self._limit:
            del self._given_up[next(iter(self._given_up))]

    def leave(self, jobs: Sequence[Job]) -> None:
        """Do nothing: nobody else is there to do them."""

    def measured(self, job_s: float) -> None:
        """Learn how long a job takes; see `WorkQueue`."""
        self._job_s += (_WEIGHT if self._job_s else 1.0) * (job_s - self._job_s)

    def _finish(self, key: str, result: Result) -> None:
        self._expires.pop(key, None)
        self._callers.pop(key, None)
        waiting = self._results.pop(key, None)
        if waiting is None or waiting.done():
            return
        if isinstance(result, Written):
            waiting.set_result(result)
        else:
            waiting.set_exception(result)

    async def depth(self) -> int:
        """Return the number of jobs waiting."""
        return self._depth()

    async def oldest_s(self) -> float:
        """Return how long the first job of the queue has waited, seconds; not what is in hand."""
        return self._clock() - self._interactive[0].created if self._interactive else 0.0

    def _depth(self) -> int:
        return len(self._interactive) + len(self._failed) + len(self._bulk)

    def close(self, why: str = "the service is stopping") -> None:
        """Fail what is still waiting, so that nobody waits for a worker that takes no jobs."""
        self._interactive.clear()
        self._failed.clear()
        self._bulk.clear()
        for key in list(self._results):
            self._finish(key, JobFailedError(why))
