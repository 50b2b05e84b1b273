"""The gateway's end of the queue in Redis: jobs go in, and texts are heard of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from catalog.facts import Facts
from models.prism.writer import Written
from service.background import background
from service.breaker import Breaker, LeftAloneError
from service.jobs import Job, JobFailedError, QueueUnavailableError, Result, new_result, room_for
from service.redis.queue import Done, Streams, repair
from service.redis.trust import Trust

log = structlog.get_logger()
_SUBSCRIBE_S = 1.0
_HEARD_S, _MOST_WORKERS = 10.0, 1000
"""How long a worker counts that was not heard of; and how many may count."""
_SLACK_S = 2.0
"""How much longer than its first caller a job lives, for those who join it."""
_FULL, _GIVEN_UP = "full", "given up"

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


@dataclass(slots=True)
class _Awaited:
    """A job that callers of this process wait for.

    `expires` is the latest of its deadlines, monotonic seconds; `ids` are those of its entries.
    """

    facts: Facts
    result: "asyncio.Future[Written]" = field(default_factory=new_result)
    expires: float = 0.0
    callers: int = 0
    ids: list[str] = field(default_factory=list)


class RedisJobQueue:
    """The queue of one fingerprint, as a gateway asks for explanations; see `JobQueue`.

    A gateway runs `listening` around its life, to be woken. Each stream holds at most `limit` jobs.

    Parameters
    ----------
    redis : a client that decodes what it reads
    fingerprint : hex digits
    limit : most jobs of a stream
    trust : what is believed of what is heard
    breaker : shared by all that this process asks of Redis within a request
    """

    def __init__(
        self, redis: Redis, fingerprint: str, limit: int, trust: Trust, breaker: Breaker
    ) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are
        self._limit, self._trust, self._breaker = limit, trust, breaker
        self._streams = Streams(fingerprint)
        self._add = redis.register_script(_SUBMIT)
        self._move = redis.register_script(_WITHDRAW)
        self._waiting: dict[str, _Awaited] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._subscribed = asyncio.Event()
        self._heard: dict[str, tuple[float, float]] = {}  # of each worker: seconds a job, and when

    # ------------------------------------------------------------------ asking

    async def submit(
        self, jobs: Sequence[Job], within_s: float
    ) -> "dict[str, asyncio.Future[Written]]":
        """Queue jobs or join those in flight; see `JobQueue`."""
        mine: dict[str, _Awaited] = {}
        new: list[Job] = []
        before: dict[str, float] = {}
        for job in jobs:
            # Before it is queued: its text may be there before the answer to that.
            awaited = mine[job.key] = self._waiting.setdefault(job.key, _Awaited(job.facts))
            awaited.callers += 1
            if job.expires > awaited.expires:
                before[job.key] = awaited.expires
                # Queued to live a little longer, so that those who come soon join it.
                awaited.expires = job.expires + _SLACK_S
                new.append(replace(job, expires=awaited.expires))
        queueing = self._start(self._queue(new, mine, before))
        try:
            # Not broken off half-way: nobody could say then which jobs are queued.
            async with asyncio.timeout(within_s):
                refused = await asyncio.shield(queueing)
        except BaseException as error:
            waiting = [key for key, awaited in mine.items() if not awaited.result.done()]
            queueing.add_done_callback(lambda _: self.withdraw(waiting))
            if isinstance(error, TimeoutError):
                self._breaker.timed_out()
                raise QueueUnavailableError("Redis does not answer") from error
            raise
        return {key: awaited.result for key, awaited in mine.items() if key not in refused}

    async def _queue(
        self, jobs: Sequence[Job], mine: dict[str, _Awaited], before: dict[str, float]
    ) -> set[str]:
        """Queue jobs; return the keys of those that no queue holds."""
        answers = [_FULL] * len(jobs)
        try:
            answers = await self._enqueue(jobs)
        finally:
            refused = set()
            for job, answer in zip(jobs, answers, strict=True):
                awaited = mine[job.key]
                if answer not in {_FULL, _GIVEN_UP}:
                    awaited.ids.append(answer)
                    continue
                awaited.expires = before[job.key]
                if not awaited.ids:  # and for nobody who has joined meanwhile, either
                    self._finish(job.key, JobFailedError(answer))
                    refused |= {job.key} if answer == _FULL else set()
        return refused

    async def _enqueue(self, jobs: Sequence[Job]) -> list[str]:
        if not jobs:
            return []
        now = monotonic()
        left_s = min(job.expires for job in jobs) - _SLACK_S - now
        arguments: list[str | int] = [room_for(left_s, self._jobs_per_s(), self._limit)]
        for job in jobs:
            left = max(0, int((job.expires - now) * 1000))
            arguments += [job.key, job.facts.model_dump_json(), left]
        try:
            self._breaker.before()
            answers: list[str] = await self._add(keys=[self._streams.awaited], args=arguments)
        except LeftAloneError as error:
            raise QueueUnavailableError(f"Redis: {error}") from error
        except ResponseError as error:  # it is there, but not as it should be
            self._start(repair(self._redis, self._streams.all))
            raise QueueUnavailableError(f"Redis: {error}") from error
        except RedisError as error:
            self._breaker.failed()
            raise QueueUnavailableError(f"Redis: {error}") from error
        self._breaker.succeeded()
        return answers

    def withdraw(self, keys: Sequence[str]) -> None:
        """Move jobs that nobody else here waits for, and no worker has, to bulk; see `JobQueue`."""
        ids: list[str] = []
        for key in keys:
            awaited = self._waiting.get(key)
            if awaited is not None:
                awaited.callers -= 1
                if not awaited.callers:
                    ids += self._waiting.pop(key).ids
        if ids:
            self._start(self._move_to_bulk(ids))

    async def _move_to_bulk(self, ids: Sequence[str]) -> None:
        with contextlib.suppress(RedisError):  # then they expire where they are
            streams = [self._streams.awaited, self._streams.bulk]
            await self._move(keys=streams, args=[self._limit, *ids])

    async def submit_bulk(self, jobs: Sequence[Job]) -> int:
        """Queue jobs that nobody waits for; return how many found room. Raises RedisError."""
        arguments: list[str | int] = [self._limit]
        for job in jobs:
            arguments += [job.key, job.facts.model_dump_json(), 0]
        if not jobs:
            return 0
        answers: list[str] = await self._add(keys=[self._streams.bulk], args=arguments)
        return sum(answer not in {_FULL, _GIVEN_UP} for answer in answers)

    def _start(self, work: Any) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    # ------------------------------------------------------------------ hearing

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear of finished jobs; reconnects by itself."""
        async with background(self._listen, "listener"):
            with contextlib.suppress(TimeoutError):  # without Redis it goes on all the same
                async with asyncio.timeout(_SUBSCRIBE_S):
                    await self._subscribed.wait()  # what is published before is not heard
            yield
        for key in list(self._waiting):
            self._finish(key, JobFailedError("nobody listens any more"))

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(self._streams.done)
            while True:
                message = await channel.get_message(timeout=1.0)
                self._subscribed.set()  # the first thing read is the confirmation
                if message is not None:
                    await self._hear(message["data"])
                self._forget()

    async def _hear(self, message: object) -> None:
        done = Done.opened(self._trust, self._streams.done, message)
        if done is None:
            log.warning("foreign message", channel=self._streams.done)
            return
        awaited = self._waiting.get(done.key)
        if done.written is not None and awaited is not None:
            text = await self._trust.believed(done.written, awaited.facts)
            if text is None:
                log.warning("false text", channel=self._streams.done)
                return
            self._finish(done.key, text)
        elif done.written is None:
            self._finish(done.key, JobFailedError(done.failed))
        if len(self._heard) >= _MOST_WORKERS:
            self._heard.clear()
        self._heard[done.worker] = done.job_s, monotonic()

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
