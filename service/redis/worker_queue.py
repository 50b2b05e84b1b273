"""The worker's end of the queue in Redis: no job is lost with a worker that dies or hangs.

A worker takes jobs from three streams (`service.redis.queue` says how a job moves between them):

    awaited   jobs that a request waits for: as many as a batch holds
    failed    jobs on which an engine failed: each is done alone
    bulk      jobs that nobody waits for any more: only when there is nothing else

Taking does not remove a job. It stays in its stream, marked as pending with this worker, until it
is finished, failed or given back. While the worker works it renews that mark. If a worker dies or
hangs, it renews nothing, and after `claim_after_s` another worker *claims* the job and does it
alone. A job that failed or was claimed too often becomes a dead letter.
"""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, ResponseError

from models.prism.writer import Written
from service.background import background
from service.jobs import GIVEN_UP_S, Job, JobFailedError, Result
from service.redis.dead_letters import write_letter
from service.redis.queue import (
    GROUP,
    Done,
    Streams,
    entry_of,
    given_up,
    is_wrong_type,
    job_of,
    redis_ms,
    repair,
)
from service.redis.trust import Trust

log = structlog.get_logger()
_BLOCK_MS = 500
_ALONE_IN_A_ROW = 8
"""Jobs done alone before a batch of others: together they take about as long as a batch, so that
neither what a worker has left nor what is new waits for all of the other."""
_TIDY_S = 30.0
_GONE_MS = 60_000
"""Silence after which a consumer without pending entries is that of a worker that is gone."""

# Remove the consumers of workers that are gone. With a consumer its pending entries would be lost,
# too, so nothing may come between looking and removing.
# KEYS the streams. ARGV the group, and the silence in milliseconds.
_TIDY = """
for _, stream in ipairs(KEYS) do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, ARGV[1])
  for _, consumer in ipairs(consumers.err and {} or consumers) do
    local about = {}
    for i = 1, #consumer, 2 do about[consumer[i]] = consumer[i + 1] end
    if about.pending == 0 and about.idle > tonumber(ARGV[2]) then
      redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[1], about.name)
    end
  end
end
"""


class RedisWorkQueue:
    """The queue of one fingerprint, as a worker takes jobs from it; see `WorkQueue`.

    A worker runs `working` around its life, to keep the jobs in its hands. A job whose worker dies,
    or keeps it too long, goes to another after `claim_after_s` and is done alone.

    Parameters
    ----------
    redis : a client that decodes what it reads
    fingerprint : hex digits
    limit : most jobs of a stream
    trust : signs what is told to those who wait
    claim_after_s : silence about a job after which another worker takes it, seconds
    deliveries : attempts after which a job is a dead letter
    """

    def __init__(
        self,
        redis: Redis,
        fingerprint: str,
        limit: int,
        trust: Trust,
        *,
        claim_after_s: float = 5.0,
        deliveries: int = 3,
    ) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are
        self._fingerprint, self._limit, self._trust = fingerprint, limit, trust
        self._claim_after_s, self._deliveries = claim_after_s, deliveries
        self._streams = Streams(fingerprint)
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._tidy_up = redis.register_script(_TIDY)
        self._in_hand: dict[str, set[str]] = {stream: set() for stream in self._streams.all}
        self._claim_at = 0.0
        self._alone_in_a_row = 0
        self._job_s = 0.0

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Keep the jobs in hand from being claimed by others while they are being done."""
        async with background(self._hold, "holder"), background(self._tidy, "tidy"):
            yield
        with contextlib.suppress(RedisError):
            for stream in self._streams.all:
                pending = await self._redis.xpending_range(
                    stream, GROUP, "-", "+", 1, consumername=self._consumer
                )
                if not pending:  # with a consumer its jobs would be gone, too
                    await self._redis.xgroup_delconsumer(stream, GROUP, self._consumer)

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(self._claim_after_s / 3)
            await self._renew()

    async def _renew(self) -> None:
        for stream, ids in self._in_hand.items():
            if ids:
                await self._redis.xclaim(stream, GROUP, self._consumer, 0, list(ids), justid=True)

    async def _tidy(self) -> None:
        while True:
            await self._tidy_up(keys=list(self._streams.all), args=[GROUP, _GONE_MS])
            await asyncio.sleep(_TIDY_S)

    # ------------------------------------------------------------------ taking

    async def take(self, limit: int) -> list[Job]:
        """Wait a moment for work; see `WorkQueue`."""
        try:
            taken = await self._take(limit)
        except ResponseError as error:
            if "NOGROUP" not in str(error) and not is_wrong_type(error):
                raise
            # Redis is new, or was emptied, or somebody has put something else in its place.
            await repair(self._redis, self._streams.all)
            await self._create_groups()
            return []
        for job in taken:
            stream, id_ = _place(job)
            self._in_hand[stream].add(id_)
        return taken

    async def _take(self, limit: int) -> list[Job]:
        if self._alone_in_a_row >= _ALONE_IN_A_ROW:
            self._alone_in_a_row = 0
            if jobs := await self._take_awaited(limit):
                return jobs
        look_for_left_ones = monotonic() >= self._claim_at
        if look_for_left_ones:
            await self._renew()  # or it would claim its own, where the loop was held up
        if jobs := await self._take_alone(look_for_left_ones=look_for_left_ones):
            self._alone_in_a_row += 1  # and look again: seldom is one left without others
            return jobs
        if look_for_left_ones:
            self._claim_at = monotonic() + self._claim_after_s / 4
        if jobs := await self._take_awaited(limit):
            return jobs
        if look_for_left_ones and (jobs := await self._claim(self._streams.bulk)):
            self._claim_at = 0.0  # there may be more; what is awaited goes before
            return jobs
        # Whoever comes meanwhile waits for what nobody waits for: not for long.
        half = max(1, limit // 2)
        jobs, read = await self._read([self._streams.bulk], half, None)
        if not read:
            both = [self._streams.awaited, self._streams.bulk]
            jobs, _ = await self._read(both, half, _BLOCK_MS)
        return jobs

    async def _take_alone(self, *, look_for_left_ones: bool) -> list[Job]:
        """Return a job to be done alone: left by another worker, or failed before."""
        if look_for_left_ones:
            for stream in (self._streams.awaited, self._streams.failed):
                if jobs := await self._claim(stream):
                    return jobs
        jobs, _ = await self._read([self._streams.failed], 1, None)
        return jobs

    async def _take_awaited(self, limit: int) -> list[Job]:
        """Return what is awaited, also from behind a row of expired jobs."""
        jobs, read = list[Job](), True
        while read and not jobs:
            jobs, read = await self._read([self._streams.awaited], limit, None)
        return jobs

    async def _create_groups(self) -> None:
        for stream in self._streams.all:
            with contextlib.suppress(ResponseError):  # BUSYGROUP: another worker was first
                await self._redis.xgroup_create(stream, GROUP, id="0", mkstream=True)

    async def _read(
        self, streams: list[str], limit: int, block: int | None
    ) -> tuple[list[Job], bool]:
        """Return jobs, and whether anything was read: all of it may have expired."""
        answer = await self._redis.xreadgroup(
            GROUP, self._consumer, dict.fromkeys(streams, ">"), count=limit, block=block
        )
        if not answer:
            return [], False
        jobs: list[Job] = []
        for name, entries in answer.items() if isinstance(answer, dict) else answer:
            rows = entries[0] if isinstance(answer, dict) else entries
            jobs += await self._parsed(name, rows)
        return jobs, True

    async def _claim(self, stream: str) -> list[Job]:
        """Return a job that another worker has left, if there is one."""
        start = "0-0"
        while True:
            start, entries, *_ = await self._redis.xautoclaim(
                stream, GROUP, self._consumer, int(self._claim_after_s * 1000),
                start_id=start, count=1,
            )  # fmt: skip
            for id_, _ in entries:
                pending = await self._redis.xpending_range(stream, GROUP, id_, id_, 1)
                # It keeps its place, expired or not: moved, it would be counted anew.
                jobs = await self._parsed(stream, entries, move_expired=False)
                if not pending or not jobs:
                    continue
                left = pending[0]["times_delivered"] - 1
                [job] = [replace(job, attempt=job.attempt + left) for job in jobs]
                is_given_up = await self._redis.exists(given_up(job.key))
                if job.attempt <= self._deliveries and not is_given_up:
                    return [job]
                await self.finish([(job, JobFailedError(f"its worker died {left} times"))])
            if start == "0-0":
                return []

    async def _parsed(
        self, stream: str, entries: Sequence[Any], *, move_expired: bool = True
    ) -> list[Job]:
        """Return jobs; those that expired in the queue are moved to bulk, if there is room."""
        now_ms, now = await redis_ms(self._redis), monotonic()
        fingerprint = bytes.fromhex(self._fingerprint)
        jobs: list[Job] = []
        expired: list[Job] = []
        foreign: list[str] = []
        for id_, fields in entries:
            token = f"{stream} {id_}"
            job = job_of(fields, token, fingerprint, now, now_ms)
            if job is None:
                log.warning("foreign job", stream=stream)
                foreign.append(token)
            elif move_expired and stream == self._streams.awaited and job.expires <= now:
                expired.append(job)
            else:
                jobs.append(job)
        if expired or foreign:
            room = self._limit - int(await self._redis.xlen(self._streams.bulk))
            async with self._redis.pipeline() as pipeline:
                for job in expired[: max(0, room)]:
                    fields = entry_of(job, now, now_ms).fields()
                    pipeline.xadd(self._streams.bulk, fields)
                for token in [*foreign, *(job.token for job in expired)]:
                    self._remove(pipeline, token)
                await pipeline.execute()
        return jobs

    # ------------------------------------------------------------------ what becomes of them

    async def finish(self, results: Sequence[tuple[Job, Result]]) -> None:
        """Hand results to everybody who waits; see `WorkQueue`. A failure is a dead letter."""
        now_ms = await redis_ms(self._redis)
        async with self._redis.pipeline() as pipeline:
            for job, result in results:
                done = Done(key=job.key, worker=self._consumer, job_s=self._job_s)
                if isinstance(result, Written):
                    done.written = result
                else:
                    done.failed = str(result)[:1000]
                    write_letter(pipeline, job, self._fingerprint, done.failed, now_ms)
                    pipeline.set(given_up(job.key), 1, ex=GIVEN_UP_S)
                pipeline.publish(self._streams.done, done.sealed(self._trust, self._streams.done))
                self._remove(pipeline, job.token)
            await pipeline.execute()

    async def give_back(self, jobs: Sequence[Job]) -> None:
        """Queue jobs anew, those that are to be done alone as such; see `WorkQueue`."""
        now_ms, now = await redis_ms(self._redis), monotonic()
        async with self._redis.pipeline() as pipeline:
            for job in jobs:
                is_awaited = job.expires > now
                stream = self._streams.awaited if is_awaited else self._streams.bulk
                pipeline.xadd(
                    self._streams.failed if job.alone else stream,
                    entry_of(job, now, now_ms).fields(),
                )
                self._remove(pipeline, job.token)
            await pipeline.execute()

    async def fail(self, jobs: Sequence[Job], why: str) -> None:
        """Queue jobs anew, to be done alone, or give them up; see `WorkQueue`."""
        await self.give_back(
            [replace(job, attempt=job.attempt + 1) for job in jobs if not self._was_last(job)]
        )
        given = JobFailedError(why)
        await self.finish([(job, given) for job in jobs if self._was_last(job)])

    def _was_last(self, job: Job) -> bool:
        return job.attempt >= self._deliveries

    def leave(self, jobs: Sequence[Job]) -> None:
        """Let go of jobs; see `WorkQueue`. Others claim what is not finished."""
        for job in jobs:
            stream, id_ = _place(job)
            self._in_hand[stream].discard(id_)

    def measured(self, job_s: float) -> None:
        """Learn how long a job takes; see `WorkQueue`. Those who wait are told with each result."""
        self._job_s = job_s

    @staticmethod
    def _remove(pipeline: Pipeline, token: str) -> None:
        stream, _, id_ = token.partition(" ")
        pipeline.xack(stream, GROUP, id_)
        pipeline.xdel(stream, id_)


def _place(job: Job) -> tuple[str, str]:
    """Return the stream of a job and its id there."""
    stream, _, id_ = job.token.partition(" ")
    return stream, id_
