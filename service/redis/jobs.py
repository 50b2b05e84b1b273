"""Jobs in Redis Streams: many gateways, many workers, and no job lost with a worker that dies.

Under `prism:jobs:<fingerprint>:` there are two streams, `awaited` and `bulk`, with one consumer
group. A job leaves its stream only when its result is there, so that a stream's length is the
number of jobs not done. Who waits is told on the channel `prism:done:<fingerprint>`, which carries
the text. Ages and deadlines on the wire are in the time of Redis: the clocks of hosts may differ.
"""

import asyncio
import contextlib
import os
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import structlog
from pydantic import BaseModel, Field, ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from catalog.facts import Facts
from models.writer import Written
from service.background import background
from service.jobs import Job, JobFailedError, Result, new_result, room_for

log = structlog.get_logger()

_GROUP, _DEAD = "prism", "prism:dead"
_DEAD_LENGTH, _DEAD_S = 10_000, 7 * 86_400  # dead letters beyond are dropped, the oldest first
_GIVEN_UP_S = 600
"""Time for which a job that could not be done is not tried again."""
_SUBSCRIBE_S = 1.0
_HEARD_S = 10.0
"""How long a worker counts that was not heard of."""
_SLACK_S = 2.0
"""How much longer than its first caller a job lives, for those who join it."""
_FULL, _GIVEN_UP = "full", "given up"
_BLOCK_MS = 500

# Queue jobs while there is room; returns the id of each that was queued, "full" where there was
# none, and "given up" for one that was lately.
# KEYS the stream. ARGV its limit, then key, facts and milliseconds to live of each job.
_SUBMIT = """
local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local answers = {}
for i = 2, #ARGV, 3 do
  local answer = 'full'
  if redis.call('EXISTS', 'prism:given-up:' .. ARGV[i]) == 1 then
    answer = 'given up'
  elseif room > 0 then
    answer = redis.call('XADD', KEYS[1], '*', 'key', ARGV[i], 'facts', ARGV[i + 1],
                        'created', string.format('%d', now),
                        'expires', string.format('%d', now + ARGV[i + 2]))
    room = room - 1
  end
  answers[#answers + 1] = answer
end
return answers
"""

# Move jobs that no worker has taken yet to where nobody waits for them, if there is room.
# KEYS the stream, and that of bulk. ARGV the limit of bulk, then the ids.
_WITHDRAW = """
local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[2])
for i = 2, #ARGV do
  local taken = redis.pcall('XPENDING', KEYS[1], 'prism', ARGV[i], ARGV[i], 1)
  local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if entry and (taken.err or #taken == 0) then
    redis.call('XDEL', KEYS[1], ARGV[i])
    if room > 0 then
      redis.call('XADD', KEYS[2], '*', unpack(entry[2]))
      room = room - 1
    end
  end
end
"""


def _oldest_kept(seconds: int) -> str:
    """Return the id from which dead letters are kept, at this time of Redis."""
    return f"{(seconds - _DEAD_S) * 1000}-0"


def queue_names(fingerprint: str) -> tuple[str, str]:
    """Return the streams of a fingerprint: what somebody waits for, and what nobody does."""
    return f"prism:jobs:{fingerprint}:awaited", f"prism:jobs:{fingerprint}:bulk"


class DeadLetter(BaseModel):
    """A job that could not be done, and why."""

    id: str
    key: str
    fingerprint: str
    reason: str
    facts: str

    @property
    def item_id(self) -> str:
        """The item that the job is about, if its Facts can be read."""
        try:
            return Facts.model_validate_json(self.facts).item.id
        except ValidationError:
            return "?"


class _Done(BaseModel):
    """What the channel carries: the result of one job, and how fast the worker is.

    `job_s` is how long the worker takes for a job while it has enough to do, 0 if it never had.
    """

    key: str
    written: Written | None = None
    failed: str = ""
    worker: str = ""
    job_s: float = Field(0.0, ge=0)


@dataclass(slots=True)
class _Awaited:
    """A job that callers of this process wait for.

    `expires` is the latest of its deadlines, monotonic seconds; `ids` are those of its entries.
    """

    result: "asyncio.Future[Written]" = field(default_factory=new_result)
    expires: float = 0.0
    callers: int = 0
    ids: list[str] = field(default_factory=list)


class RedisJobs:
    """The queue of one fingerprint, from either end.

    A gateway runs `listening` around its life, to be woken; a worker `working`, to keep the jobs in
    its hands. A job whose worker dies goes to another after `claim_after_s`. It is done alone then,
    and after `deliveries` attempts it is a dead letter. Each of the two streams holds at most
    `limit` jobs; one that expires in the queue is moved to `bulk`, where it still warms the cache.
    """

    def __init__(
        self,
        redis: Redis,
        fingerprint: str,
        limit: int,
        *,
        claim_after_s: float = 5.0,
        deliveries: int = 3,
    ) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are
        self._fingerprint, self._limit = fingerprint, limit
        self._claim_after_s, self._deliveries = claim_after_s, deliveries
        self._awaited, self._bulk = queue_names(fingerprint)
        self._channel = f"prism:done:{fingerprint}"
        self._add = redis.register_script(_SUBMIT)
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._move = redis.register_script(_WITHDRAW)
        self._waiting: dict[str, _Awaited] = {}
        self._moving: set[asyncio.Task[None]] = set()
        self._in_hand: dict[str, set[str]] = {self._awaited: set(), self._bulk: set()}
        self._claim_at = 0.0
        self._took_left = False
        self._subscribed = asyncio.Event()
        self._job_s = 0.0  # of this worker
        self._heard: dict[str, tuple[float, float]] = {}  # of each worker, and when

    # ------------------------------------------------------------------ those who wait

    async def submit(self, jobs: Sequence[Job]) -> "dict[str, asyncio.Future[Written]]":
        """Queue jobs or join those in flight; see `Jobs`."""
        mine: dict[str, _Awaited] = {}
        new: list[Job] = []
        before: dict[str, float] = {}
        for job in jobs:
            # Before it is queued: its text may be there before the answer to that.
            awaited = mine[job.key] = self._waiting.setdefault(job.key, _Awaited())
            awaited.callers += 1
            if job.expires > awaited.expires:
                before[job.key] = awaited.expires
                # Queued to live a little longer, so that those who come soon join it.
                awaited.expires = job.expires + _SLACK_S
                new.append(replace(job, expires=awaited.expires))

        async def queue() -> set[str]:
            """Queue the new ones; return the keys of those that no queue holds."""
            answers = [_FULL] * len(new)
            try:
                answers = await self._enqueue(self._awaited, new)
            finally:
                refused = set()
                for job, answer in zip(new, answers, strict=True):
                    awaited = mine[job.key]
                    if answer not in {_FULL, _GIVEN_UP}:
                        awaited.ids.append(answer)
                        continue
                    awaited.expires = before[job.key]
                    if not awaited.ids:  # and for nobody who has joined meanwhile, either
                        self._finish(job.key, JobFailedError(answer))
                        refused |= {job.key} if answer == _FULL else set()
            return refused

        # Not broken off half-way: nobody could say then which jobs are queued.
        queueing = asyncio.create_task(queue())
        queueing.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            refused = await asyncio.shield(queueing)
        except BaseException:
            waiting = [key for key, awaited in mine.items() if not awaited.result.done()]
            queueing.add_done_callback(lambda _: self.withdraw(waiting))
            raise
        return {key: awaited.result for key, awaited in mine.items() if key not in refused}

    def withdraw(self, keys: Sequence[str]) -> None:
        """Move jobs that nobody else here waits for, and no worker has, to bulk; see `Jobs`."""
        ids: list[str] = []
        for key in keys:
            awaited = self._waiting.get(key)
            if awaited is not None:
                awaited.callers -= 1
                if not awaited.callers:
                    ids += self._waiting.pop(key).ids
        if ids:
            task = asyncio.create_task(self._move_to_bulk(ids))
            self._moving.add(task)
            task.add_done_callback(self._moving.discard)

    async def _move_to_bulk(self, ids: Sequence[str]) -> None:
        with contextlib.suppress(RedisError):  # then they expire where they are
            await self._move(keys=[self._awaited, self._bulk], args=[self._limit, *ids])

    async def submit_bulk(self, jobs: Sequence[Job]) -> int:
        """Queue jobs that nobody waits for; return how many found room."""
        answers = await self._enqueue(self._bulk, jobs)
        return sum(answer not in {_FULL, _GIVEN_UP} for answer in answers)

    async def _enqueue(self, stream: str, jobs: Sequence[Job]) -> list[str]:
        if not jobs:
            return []
        now, limit = monotonic(), self._limit
        if stream == self._awaited:
            left_s = min(job.expires for job in jobs) - _SLACK_S - now
            limit = room_for(left_s, self._jobs_per_s(), limit)
        arguments: list[str | int] = [limit]
        for job in jobs:
            left = max(0, int((job.expires - now) * 1000))
            arguments += [job.key, job.facts.model_dump_json(), left]
        answers: list[str] = await self._add(keys=[stream], args=arguments)
        return answers

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear of finished jobs; reconnects by itself."""
        async with background(self._listen, "listener"):
            with contextlib.suppress(TimeoutError):  # without Redis it goes on all the same
                async with asyncio.timeout(_SUBSCRIBE_S):
                    await self._subscribed.wait()  # what is published before is not heard
            yield

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(self._channel)
            while True:
                message = await channel.get_message(timeout=1.0)
                self._subscribed.set()  # the first thing read is the confirmation
                if message is not None:
                    self._hear(message["data"])
                self._forget()

    def _hear(self, data: str) -> None:
        try:
            done = _Done.model_validate_json(data)
        except ValidationError:
            log.warning("foreign message", channel=self._channel)
            return
        self._heard[done.worker] = done.job_s, monotonic()
        self._finish(done.key, done.written or JobFailedError(done.failed))

    def _jobs_per_s(self) -> float:
        """Return how fast all workers are together, 0 while one of them does not know."""
        since = monotonic() - _HEARD_S
        self._heard = {name: heard for name, heard in self._heard.items() if heard[1] > since}
        if not all(job_s for job_s, _ in self._heard.values()):
            return 0.0
        return sum(1 / job_s for job_s, _ in self._heard.values())

    def _finish(self, key: str, result: Result) -> None:
        awaited = self._waiting.pop(key, None)
        if awaited is None or awaited.result.done():
            return
        if isinstance(result, Written):
            awaited.result.set_result(result)
        else:
            awaited.result.set_exception(result)

    def _forget(self) -> None:
        """Forget what nobody waits for any more."""
        now = monotonic()
        for key in [key for key, awaited in self._waiting.items() if awaited.expires < now]:
            self._finish(key, JobFailedError("expired"))

    # ------------------------------------------------------------------ those who write

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Keep the jobs in hand from being claimed by others while they are being done."""
        async with background(self._hold, "holder"):
            yield
        with contextlib.suppress(RedisError):
            for stream in (self._awaited, self._bulk):
                pending = await self._redis.xpending_range(
                    stream, _GROUP, "-", "+", 1, consumername=self._consumer
                )
                if not pending:  # with a consumer its jobs would be gone, too
                    await self._redis.xgroup_delconsumer(stream, _GROUP, self._consumer)

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(self._claim_after_s / 3)
            await self._renew()

    async def _renew(self) -> None:
        for stream, ids in self._in_hand.items():
            if ids:
                await self._redis.xclaim(stream, _GROUP, self._consumer, 0, list(ids), justid=True)

    async def take(self, limit: int) -> list[Job]:
        """Wait a moment for work; see `Jobs`. A job that another worker left is returned alone."""
        try:
            taken = await self._take(limit)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            await self._create_groups()  # Redis is new, or was emptied
            return []
        for job in taken:
            stream, _, id_ = job.token.partition(" ")
            self._in_hand[stream].add(id_)
        return taken

    def measured(self, job_s: float) -> None:
        """Learn how long a job takes; see `Jobs`. Those who wait are told with each result."""
        self._job_s = job_s

    def leave(self, jobs: Sequence[Job]) -> None:
        """Let go of jobs; see `Jobs`. Others claim what is not finished."""
        for job in jobs:
            stream, _, id_ = job.token.partition(" ")
            self._in_hand[stream].discard(id_)

    async def _take(self, limit: int) -> list[Job]:
        if self._took_left:  # left ones are old and slow: others take turns with them
            self._took_left = False
            if jobs := await self._take_awaited(limit):
                return jobs
        look_for_left_ones = monotonic() >= self._claim_at
        if look_for_left_ones:
            await self._renew()  # or it would claim its own, where the loop was held up
            if left := await self._claim(self._awaited):
                self._took_left = True  # and soon look again: seldom is one left without others
                return left
            self._claim_at = monotonic() + self._claim_after_s / 4
        if jobs := await self._take_awaited(limit):
            return jobs
        if look_for_left_ones and (left := await self._claim(self._bulk)):
            self._claim_at = 0.0  # there may be more; what is awaited goes before
            return left
        # Whoever comes meanwhile waits for what nobody waits for: not for long.
        half = max(1, limit // 2)
        jobs, read = await self._read([self._bulk], half, None)
        if not read:
            jobs, _ = await self._read([self._awaited, self._bulk], half, _BLOCK_MS)
        return jobs

    async def _take_awaited(self, limit: int) -> list[Job]:
        """Return what is awaited, also from behind a row of expired jobs."""
        jobs, read = list[Job](), True
        while read and not jobs:
            jobs, read = await self._read([self._awaited], limit, None)
        return jobs

    async def _create_groups(self) -> None:
        for stream in (self._awaited, self._bulk):
            with contextlib.suppress(ResponseError):  # BUSYGROUP: another worker was first
                await self._redis.xgroup_create(stream, _GROUP, id="0", mkstream=True)

    async def _read(
        self, streams: list[str], limit: int, block: int | None
    ) -> tuple[list[Job], bool]:
        """Return jobs, and whether anything was read: all of it may have expired."""
        answer = await self._redis.xreadgroup(
            _GROUP, self._consumer, dict.fromkeys(streams, ">"), count=limit, block=block
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
                stream, _GROUP, self._consumer, int(self._claim_after_s * 1000),
                start_id=start, count=1,
            )  # fmt: skip
            for id_, _ in entries:
                pending = await self._redis.xpending_range(stream, _GROUP, id_, id_, 1)
                # It keeps its place, expired or not: moved, it would be counted anew.
                jobs = await self._parsed(stream, entries, move_expired=False)
                if not pending or not jobs:
                    continue
                deliveries = pending[0]["times_delivered"]
                given_up = await self._redis.exists(f"prism:given-up:{jobs[0].key}")
                if deliveries <= self._deliveries and not given_up:
                    return [replace(job, alone=True) for job in jobs]
                reason = f"its worker died {deliveries - 1} times"
                await self.finish([(job, JobFailedError(reason)) for job in jobs])
            if start == "0-0":
                return []

    async def _parsed(
        self, stream: str, entries: Sequence[Any], *, move_expired: bool = True
    ) -> list[Job]:
        """Return jobs; those that expired in the queue are moved to bulk, if there is room."""
        seconds, micros = await self._redis.time()
        now_ms, now = seconds * 1000 + micros // 1000, monotonic()
        jobs: list[Job] = []
        expired: list[Job] = []
        gone: list[str] = []
        for id_, fields in entries:
            token = f"{stream} {id_}"
            try:
                job = Job(
                    fields["key"],
                    Facts.model_validate_json(fields["facts"]),
                    now + (int(fields["created"]) - now_ms) / 1000,
                    now + (int(fields["expires"]) - now_ms) / 1000,
                    token,
                )
            except (ValueError, KeyError):
                log.warning("unreadable job", stream=stream)
                gone.append(token)
                continue
            if move_expired and stream == self._awaited and job.expires <= now:
                expired.append(job)
            else:
                jobs.append(job)
        if expired:
            await self.submit_bulk(expired)
            gone += [job.token for job in expired]
        if gone:
            async with self._redis.pipeline() as pipeline:
                for token in gone:
                    self._remove(pipeline, token)
                await pipeline.execute()
        return jobs

    async def finish(self, results: Sequence[tuple[Job, Result]]) -> None:
        """Hand results to everybody who waits; see `Jobs`. A failure becomes a dead letter."""
        seconds, _ = await self._redis.time()
        async with self._redis.pipeline() as pipeline:
            for job, result in results:
                done = _Done(
                    key=job.key,
                    written=result if isinstance(result, Written) else None,
                    worker=self._consumer,
                    job_s=self._job_s,
                )
                if isinstance(result, JobFailedError):
                    done.failed = str(result)
                    letter = {
                        "key": job.key, "fingerprint": self._fingerprint,
                        "reason": str(result)[:1000], "facts": job.facts.model_dump_json(),
                    }  # fmt: skip
                    pipeline.xadd(_DEAD, letter, maxlen=_DEAD_LENGTH)
                    pipeline.xtrim(_DEAD, minid=_oldest_kept(seconds))
                    pipeline.set(f"prism:given-up:{job.key}", 1, ex=_GIVEN_UP_S)
                pipeline.publish(self._channel, done.model_dump_json())
                self._remove(pipeline, job.token)
            await pipeline.execute()

    @staticmethod
    def _remove(pipeline: Pipeline, job: str) -> None:
        stream, _, id_ = job.partition(" ")
        pipeline.xack(stream, _GROUP, id_)
        pipeline.xdel(stream, id_)

    # ------------------------------------------------------------------ looking at it

    async def depth(self) -> int:
        """Return the number of jobs not done."""
        return int(await self._redis.xlen(self._awaited)) + int(await self._redis.xlen(self._bulk))

    async def oldest_s(self) -> float:
        """Return the age of the oldest awaited job, seconds."""
        entries = await self._redis.xrange(self._awaited, count=1)
        if not entries:
            return 0.0
        seconds, micros = await self._redis.time()
        created = int(entries[0][1]["created"]) / 1000
        return float(max(0.0, seconds + micros / 1e6 - created))


class DeadLetters:
    """Jobs that could not be done, of every fingerprint, oldest first."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def count(self) -> int:
        """Return how many there are; those that are too old are dropped first."""
        seconds, _ = await self._redis.time()
        with contextlib.suppress(ReadOnlyError):
            await self._redis.xtrim(_DEAD, minid=_oldest_kept(seconds))
        return int(await self._redis.xlen(_DEAD))

    async def list(self) -> list[DeadLetter]:
        """Return all of them."""
        return [DeadLetter(id=id_, **fields) for id_, fields in await self._redis.xrange(_DEAD)]

    async def replay(self, letter: DeadLetter) -> None:
        """Queue a job anew, in bulk."""
        await self._redis.delete(f"prism:given-up:{letter.key}")
        jobs = RedisJobs(self._redis, letter.fingerprint, sys.maxsize)
        facts = Facts.model_validate_json(letter.facts)
        await jobs.submit_bulk([Job(letter.key, facts, 0.0, 0.0)])
        await self.drop(letter)

    async def drop(self, letter: DeadLetter) -> None:
        """Remove it."""
        await self._redis.xdel(_DEAD, letter.id)
