"""Jobs: explanations to be written, between those who wait for them and those who write them.

The batching of a worker and the waiting of a request meet only here, through futures.
"""

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Protocol

from catalog.facts import Facts
from models.writer import Written

_FEW, _SURE = 64, 0.8
_WEIGHT = 0.3
"""That of a measurement among those before it."""


class JobFailedError(RuntimeError):
    """The job cannot be done: its engine fails on it, or the service is stopping."""


@dataclass(frozen=True, slots=True)
class Job:
    """One explanation to be written; `expires` is monotonic seconds, when nobody waits any more.

    `token` is what a queue needs to find the job again once it is done. `alone` asks that nothing
    be done beside it: a worker that had it has died, perhaps of it.
    """

    key: str
    facts: Facts
    created: float
    expires: float
    token: str = ""
    alone: bool = False


Result = Written | JobFailedError


class Jobs(Protocol):
    """A queue of jobs with one result each."""

    async def submit(self, jobs: Sequence[Job]) -> "dict[str, asyncio.Future[Written]]":
        """Queue jobs, or join those in flight under their keys; return what to wait for, by key.

        A key that is missing found the queue full, or longer than can be done by its deadline.
        """
        ...

    def withdraw(self, keys: Sequence[str]) -> None:
        """Say that one who submitted these jobs is gone, and waits no more.

        A job that nobody else waits for goes behind all others: it still warms the cache, if there
        is nothing else to do.
        """
        ...

    async def take(self, limit: int) -> list[Job]:
        """Wait for work and return up to `limit` jobs: those that somebody waits for, if any."""
        ...

    async def finish(self, results: Sequence[tuple[Job, Result]]) -> None:
        """Give everybody who waits for the jobs their results."""
        ...

    def leave(self, jobs: Sequence[Job]) -> None:
        """Let go of jobs that were taken, finished or not."""
        ...

    def measured(self, job_s: float) -> None:
        """Learn how long this worker takes for a job while it has enough to do, seconds."""
        ...

    async def depth(self) -> int:
        """Return the number of jobs waiting."""
        ...

    async def oldest_s(self) -> float:
        """Return how long the oldest awaited job has waited, seconds."""
        ...


def room_for(left_s: float, jobs_per_s: float, limit: int) -> int:
    """Return how long a queue may be for a job that is wanted in so many seconds.

    Before the first measurement (0 a second), and for a batch or two, as long as the limit: without
    them there would be none. To queue more than can be done in time would have all of it done too
    late, as first come is first served.
    """
    return limit if not jobs_per_s else min(limit, max(_FEW, int(_SURE * left_s * jobs_per_s)))


def new_result() -> "asyncio.Future[Written]":
    """Return a future for a text; a failure that nobody waits for is no error of the loop."""
    future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


class LocalJobs:
    """Jobs inside one process and event loop.

    Jobs that expire while they wait go behind the others: nobody waits for them any more, but
    they still warm the cache. Whoever joins one brings it back.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._interactive: deque[Job] = deque()
        self._bulk: dict[str, Job] = {}
        self._results: dict[str, asyncio.Future[Written]] = {}
        self._expires: dict[str, float] = {}  # the latest deadline of those who wait
        self._callers: dict[str, int] = {}  # who submitted it and has not withdrawn
        self._work = asyncio.Event()
        self._job_s = 0.0

    async def submit(self, jobs: Sequence[Job]) -> "dict[str, asyncio.Future[Written]]":
        """Queue jobs or join those in flight; see `Jobs`."""
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
        if self._depth() >= self._limit:
            self._drop_expired()
        if self._depth() >= self._limit or self._is_too_late(job):
            return None
        result = new_result()
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
        return ahead >= room_for(job.expires - monotonic(), 1 / self._job_s, self._limit)

    def withdraw(self, keys: Sequence[str]) -> None:
        """Let a job that nobody waits for expire at once; see `Jobs`."""
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
        now = monotonic()
        while self._interactive and self._expires[self._interactive[0].key] <= now:
            dropped.append(self._interactive.popleft().key)
        for key in dropped:
            self._finish(key, JobFailedError("expired in a full queue"))

    async def take(self, limit: int) -> list[Job]:
        """Wait for work and return it; see `Jobs`."""
        while not self._depth():
            self._work.clear()
            await self._work.wait()
        now = monotonic()
        taken: list[Job] = []
        while self._interactive and len(taken) < limit:
            job = self._interactive.popleft()
            if self._expires[job.key] > now:
                taken.append(job)
            else:
                self._bulk[job.key] = job
        if taken:
            return taken
        # Whoever comes meanwhile waits for what nobody waits for: not for long.
        return [self._bulk.pop(key) for key in list(islice(self._bulk, max(1, limit // 2)))]

    async def finish(self, results: Sequence[tuple[Job, Result]]) -> None:
        """Hand results to everybody who waits; see `Jobs`."""
        for job, result in results:
            self._finish(job.key, result)

    def leave(self, jobs: Sequence[Job]) -> None:
        """Do nothing: nobody else is there to do them."""

    def measured(self, job_s: float) -> None:
        """Learn how long a job takes; see `Jobs`."""
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
        """Return the age of the oldest awaited job."""
        return monotonic() - self._interactive[0].created if self._interactive else 0.0

    def _depth(self) -> int:
        return len(self._interactive) + len(self._bulk)

    def close(self) -> None:
        """Fail what is still waiting, so that nobody waits for a stopped worker."""
        self._interactive.clear()
        self._bulk.clear()
        for key in list(self._results):
            self._finish(key, JobFailedError("the service is stopping"))
