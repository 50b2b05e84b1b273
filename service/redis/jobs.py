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
from time import monotonic
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, ResponseError

from catalog.facts import Facts
from models.writer import Written
from service.background import background
from service.jobs import Job, JobFailedError, Result

log = structlog.get_logger()

_GROUP, _DEAD = "prism", "prism:dead"
_DEAD_LENGTH = 10_000  # the oldest are dropped beyond it
_BLOCK_MS = 500

# Queue jobs as long as there is room; returns how many of them found it.
# KEYS the stream. ARGV its limit, then key, facts and milliseconds to live of each job.
_SUBMIT = """
local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local queued = 0
for i = 2, #ARGV, 3 do
  if queued >= room then break end
  redis.call('XADD', KEYS[1], '*', 'key', ARGV[i], 'facts', ARGV[i + 1],
             'created', string.format('%d', now), 'expires', string.format('%d', now + ARGV[i + 2]))
  queued = queued + 1
end
return queued
"""


class DeadLetter(BaseModel):
    """A job that could not be done, and why."""

    id: str
    key: str
    fingerprint: str
    reason: str
    facts: str

    @property
    def item_id(self) -> str:
        """The item that the job is about."""
        return Facts.model_validate_json(self.facts).item.id


class _Done(BaseModel):
    """What the channel carries: the result of one job."""

    key: str
    written: Written | None = None
    failed: str = ""


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
        self._awaited = f"prism:jobs:{fingerprint}:awaited"
        self._bulk = f"prism:jobs:{fingerprint}:bulk"
        self._channel = f"prism:done:{fingerprint}"
        self._add = redis.register_script(_SUBMIT)
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._waiting: dict[str, tuple[asyncio.Future[Written], float]] = {}
        self._in_hand: dict[str, set[str]] = {self._awaited: set(), self._bulk: set()}
        self._claim_at = 0.0

    # ------------------------------------------------------------------ those who wait

    async def submit(self, jobs: Sequence[Job]) -> "dict[str, asyncio.Future[Written]]":
        """Queue jobs or join those in flight; see `Jobs`."""
        futures: dict[str, asyncio.Future[Written]] = {}
        new: list[Job] = []
        for job in jobs:
            known, expires = self._waiting.get(job.key, (None, 0.0))
            if known is None or known.done():
                known = asyncio.get_running_loop().create_future()
                # A failure that nobody waits for any more is no error of the event loop.
                known.add_done_callback(lambda done: done.cancelled() or done.exception())
            # Who waits longer than those before queues the job anew: the first may expire.
            if job.expires > expires:
                self._waiting[job.key] = known, job.expires
                new.append(job)
            futures[job.key] = known
        queued = await self._enqueue(self._awaited, new)
        for job in new[queued:]:
            self._waiting.pop(job.key, None)
            futures.pop(job.key)
        return futures

    async def submit_bulk(self, jobs: Sequence[Job]) -> int:
        """Queue jobs that nobody waits for; return how many found room."""
        return await self._enqueue(self._bulk, jobs)

    async def _enqueue(self, stream: str, jobs: Sequence[Job]) -> int:
        if not jobs:
            return 0
        now = monotonic()
        arguments: list[str | int] = [self._limit]
        for job in jobs:
            left = max(0, int((job.expires - now) * 1000))
            arguments += [job.key, job.facts.model_dump_json(), left]
        return int(await self._add(keys=[stream], args=arguments))

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear of finished jobs; reconnects by itself."""
        async with background(self._listen, "listener"):
            yield

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(self._channel)
            while True:
                message = await channel.get_message(timeout=1.0)
                if message is not None:
                    self._hear(message["data"])
                self._forget()

    def _hear(self, data: str) -> None:
        try:
            done = _Done.model_validate_json(data)
        except ValidationError:
            log.warning("foreign message", channel=self._channel)
            return
        future, _ = self._waiting.pop(done.key, (None, 0.0))
        if future is None or future.done():
            return
        if done.written is not None:
            future.set_result(done.written)
        else:
            future.set_exception(JobFailedError(done.failed))

    def _forget(self) -> None:
        """Forget what nobody waits for any more."""
        now = monotonic()
        for key in [key for key, (_, expires) in self._waiting.items() if expires < now]:
            del self._waiting[key]

    # ------------------------------------------------------------------ those who write

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Keep the jobs in hand from being claimed by others while they are being done."""
        async with background(self._hold, "holder"):
            yield
        with contextlib.suppress(RedisError):
            if not any(self._in_hand.values()):
                for stream in (self._awaited, self._bulk):
                    await self._redis.xgroup_delconsumer(stream, _GROUP, self._consumer)

    async def _hold(self) -> None:
        while True:
            await asyncio.sleep(self._claim_after_s / 3)
            for stream, ids in self._in_hand.items():
                if ids:
                    await self._redis.xclaim(
                        stream, _GROUP, self._consumer, 0, list(ids), justid=True
                    )

    async def take(self, limit: int) -> list[Job]:
        """Wait a moment for work; see `Jobs`. A job that another worker left is returned alone."""
        try:
            if monotonic() >= self._claim_at:
                claimed = await self._claim()
                if claimed:
                    return claimed
                self._claim_at = monotonic() + self._claim_after_s / 4
            for stream in (self._awaited, self._bulk):
                if jobs := await self._read([stream], limit, None):
                    return jobs
            return await self._read([self._awaited, self._bulk], limit, _BLOCK_MS)
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            await self._create_groups()  # Redis is new, or was emptied
            return []

    async def _create_groups(self) -> None:
        for stream in (self._awaited, self._bulk):
            with contextlib.suppress(ResponseError):  # BUSYGROUP: another worker was first
                await self._redis.xgroup_create(stream, _GROUP, id="0", mkstream=True)

    async def _read(self, streams: list[str], limit: int, block: int | None) -> list[Job]:
        answer = await self._redis.xreadgroup(
            _GROUP, self._consumer, dict.fromkeys(streams, ">"), count=limit, block=block
        )
        if not answer:
            return []
        pairs = answer.items() if isinstance(answer, dict) else answer
        jobs: list[Job] = []
        for name, entries in pairs:
            rows = entries[0] if isinstance(answer, dict) else entries
            jobs += await self._parsed(name, rows)
        return jobs

    async def _claim(self) -> list[Job]:
        """Return a job that another worker has left, if there is one."""
        for stream in (self._awaited, self._bulk):
            while True:
                _, entries, *_ = await self._redis.xautoclaim(
                    stream, _GROUP, self._consumer, int(self._claim_after_s * 1000), count=1
                )
                if not entries:
                    break
                [(id_, _)] = entries
                [pending] = await self._redis.xpending_range(stream, _GROUP, id_, id_, 1)
                jobs = await self._parsed(stream, entries)
                if pending["times_delivered"] <= self._deliveries:
                    if jobs:
                        return jobs
                    continue
                reason = f"its worker died {pending['times_delivered'] - 1} times"
                await self.finish([(job, JobFailedError(reason)) for job in jobs])
        return []

    async def _parsed(self, stream: str, entries: Sequence[Any]) -> list[Job]:
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
            if stream == self._awaited and job.expires <= now:
                expired.append(job)
            else:
                self._in_hand[stream].add(id_)
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
        async with self._redis.pipeline() as pipeline:
            for job, result in results:
                done = _Done(key=job.key, written=result if isinstance(result, Written) else None)
                if isinstance(result, JobFailedError):
                    done.failed = str(result)
                    pipeline.xadd(
                        _DEAD,
                        {
                            "key": job.key, "fingerprint": self._fingerprint,
                            "reason": str(result)[:1000], "facts": job.facts.model_dump_json(),
                        },
                        maxlen=_DEAD_LENGTH,
                    )  # fmt: skip
                pipeline.publish(self._channel, done.model_dump_json())
                self._remove(pipeline, job.token)
            await pipeline.execute()
        for job, _ in results:
            stream, _, id_ = job.token.partition(" ")
            self._in_hand[stream].discard(id_)

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

    async def list(self) -> list[DeadLetter]:
        """Return all of them."""
        return [DeadLetter(id=id_, **fields) for id_, fields in await self._redis.xrange(_DEAD)]

    async def replay(self, letter: DeadLetter) -> None:
        """Queue a job anew, in bulk."""
        jobs = RedisJobs(self._redis, letter.fingerprint, sys.maxsize)
        facts = Facts.model_validate_json(letter.facts)
        await jobs.submit_bulk([Job(letter.key, facts, 0.0, 0.0)])
        await self.drop(letter)

    async def drop(self, letter: DeadLetter) -> None:
        """Remove it."""
        await self._redis.xdel(_DEAD, letter.id)
