"""What both ends of the queue in Redis share: its streams, an entry of them, a result on its way.

Under `prism:jobs:<fingerprint>:` there are three streams with one consumer group: `awaited` (jobs
that somebody waits for), `failed` (jobs that an engine failed on, to be tried alone) and `bulk`
(jobs that nobody waits for). A job stays in its stream, taken by a worker or not, until

    its result is there                                 it is removed
    nobody waits any more, and nobody has taken it      it moves from `awaited` to `bulk`
    an engine failed on it                              it moves to `failed`
    its worker gives it back                            it goes to the end, of `bulk` if expired

so that the three lengths together are the number of jobs not done. A full `bulk` takes no more:
what nobody waits for is dropped then. Who waits is told on the channel `prism:done:<fingerprint>`,
which carries the text. Ages and deadlines on the wire are in the time of Redis, as the clocks of
hosts may differ; they are believed within bounds only.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import structlog
from pydantic import BaseModel, Field, ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from catalog.facts import Facts
from models.prism.writer import Written
from service.cache import cache_key
from service.jobs import Job
from service.redis.trust import MOST_BYTES, Trust

log = structlog.get_logger()
GROUP = "prism"
LONGEST_S = 60.0
"""No job is awaited for longer, whatever its entry says: requests set at most half of it."""
_FAR_MS = 3_600_000
_Milliseconds = Annotated[int, Field(ge=0, le=2**53)]


class Streams:
    """The names of everything that belongs to a fingerprint."""

    def __init__(self, fingerprint: str) -> None:
        self.awaited, self.failed, self.bulk = (
            f"prism:jobs:{fingerprint}:{name}" for name in ("awaited", "failed", "bulk")
        )
        self.all = (self.awaited, self.failed, self.bulk)
        self.done = f"prism:done:{fingerprint}"


def given_up(key: str) -> str:
    """Return the name under which it stands that a job was given up, for a while."""
    return f"prism:given-up:{key}"


class Entry(BaseModel):
    """A job in a stream; times are milliseconds of Redis."""

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    facts: Annotated[str, Field(max_length=MOST_BYTES)]
    created: _Milliseconds
    expires: _Milliseconds
    attempt: Annotated[int, Field(ge=1, le=1000)] = 1

    def fields(self) -> dict[str, str | int]:
        """Return the fields of the stream's entry."""
        return dict(self.model_dump())


def entry_of(job: Job, now_s: float, redis_ms: int) -> Entry:
    """Return a job as it goes into a stream, at this time of ours and of Redis."""
    return Entry.model_construct(
        key=job.key,
        facts=job.facts.model_dump_json(),
        created=max(0, redis_ms - int((now_s - job.created) * 1000)),
        expires=max(0, redis_ms + int((job.expires - now_s) * 1000)),
        attempt=job.attempt,
    )


def job_of(
    fields: Mapping[str, str] | None, token: str, fingerprint: bytes, now_s: float, redis_ms: int
) -> Job | None:
    """Return the job of an entry, None for one that is none of ours.

    A job is written under the key of its Facts, or it would be kept under that of others.
    """
    try:
        entry = Entry.model_validate(fields)
        facts = Facts.model_validate_json(entry.facts)
    except ValidationError:
        return None
    if cache_key(fingerprint, facts) != entry.key:
        return None
    age_s = min(max(0, redis_ms - entry.created) / 1000, 2 * LONGEST_S)
    left_s = min(max(-LONGEST_S, (entry.expires - redis_ms) / 1000), LONGEST_S)
    return Job(entry.key, facts, now_s - age_s, now_s + left_s, token, entry.attempt)


class Done(BaseModel):
    """What the channel carries: the result of one job, and how fast the worker is.

    `job_s` is how long the worker takes for a job while it has enough to do, 0 if it never had.
    """

    key: Annotated[str, Field(max_length=32)]
    written: Written | None = None
    failed: Annotated[str, Field(max_length=1000)] = ""
    worker: Annotated[str, Field(max_length=300)] = ""
    job_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.0

    def sealed(self, trust: Trust, channel: str) -> str:
        """Return the message."""
        return trust.seal(channel, self.model_dump_json())

    @classmethod
    def opened(cls, trust: Trust, channel: str, message: object) -> "Done | None":
        """Return what a message says, None if it is not to be believed."""
        payload = trust.open(channel, message) if isinstance(message, str) else None
        try:
            return None if payload is None else cls.model_validate_json(payload)
        except ValidationError:
            return None


async def redis_ms(redis: Any) -> int:
    """Return the time of Redis, milliseconds."""
    seconds, micros = await redis.time()
    return int(seconds) * 1000 + int(micros) // 1000


class QueueState:
    """How long the queue of a fingerprint is, and how old."""

    def __init__(self, redis: Redis, fingerprint: str) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are
        self._streams = Streams(fingerprint)

    async def depth(self) -> int:
        """Return the number of jobs not done."""
        return sum([int(await self._redis.xlen(stream)) for stream in self._streams.all])

    async def oldest_s(self) -> float:
        """Return the age of the oldest awaited job, seconds."""
        # By its id, which Redis has given it: its fields may be anything.
        entries: Sequence[Any] = await self._redis.xrange(self._streams.awaited, count=1)
        if not entries:
            return 0.0
        created, _, _ = str(entries[0][0]).partition("-")
        return max(0.0, (await redis_ms(self._redis) - int(created)) / 1000)


async def requeue(redis: Any, fingerprint: str, job: Job) -> None:
    """Queue a job that nobody waits for, and that was given up before."""
    now_ms = await redis_ms(redis)
    await redis.delete(given_up(job.key))
    await redis.xadd(Streams(fingerprint).bulk, entry_of(job, job.created, now_ms).fields())


async def repair(redis: Any, streams: Sequence[str]) -> None:
    """Remove what nothing can be queued in: another kind of value, a stream of ids from a far day.

    Only somebody else can have put it there; what it held is lost.
    """
    for name in streams:
        kind = await redis.type(name)
        broken = kind not in {"stream", "none"}
        if kind == "stream":
            last, _, _ = str((await redis.xinfo_stream(name))["last-generated-id"]).partition("-")
            broken = int(last) > await redis_ms(redis) + _FAR_MS
        if broken:
            log.warning("removed what was no queue", name=name)
            await redis.unlink(name)


def is_wrong_type(error: ResponseError) -> bool:
    """Say whether Redis holds something else under a name than what was expected."""
    return str(error).startswith("WRONGTYPE")
