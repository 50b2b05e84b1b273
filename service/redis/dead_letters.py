"""Dead letters: jobs that could not be done, kept for a week for somebody to look at."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ReadOnlyError, ResponseError

from catalog.facts import Facts
from catalog.text import clean_text
from service.jobs import Job
from service.redis.queue import given_up, is_wrong_type, redis_ms, repair

_DEAD = "prism:dead"
_MOST, _KEPT_MS = 10_000, 7 * 86_400_000
"""How many there are and for how long they are kept; the oldest go first."""
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that could not be done, and why; `facts` is None where nobody can read them.

    What is told of it may come from anybody: it is cleaned, and cut.
    """

    id: str
    key: str
    fingerprint: str
    reason: str
    facts: Facts | None

    @property
    def item_id(self) -> str:
        """The item that the job is about, if its Facts can be read."""
        return "?" if self.facts is None else self.facts.item.id


def write_letter(pipeline: Pipeline, job: Job, fingerprint: str, reason: str, now_ms: int) -> None:
    """Write a dead letter; `now_ms` is the time of Redis."""
    letter: dict[Any, Any] = {
        "key": job.key, "fingerprint": fingerprint, "reason": reason[:_LONGEST],
        "facts": job.facts.model_dump_json(),
    }  # fmt: skip
    pipeline.xadd(_DEAD, letter, maxlen=_MOST)
    pipeline.xtrim(_DEAD, minid=_oldest_kept(now_ms))


class DeadLetters:
    """Jobs that could not be done, of every fingerprint, oldest first."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are

    async def count(self) -> int:
        """Return how many there are; those that are too old are dropped first."""
        now_ms = await redis_ms(self._redis)
        with contextlib.suppress(ReadOnlyError):
            try:
                await self._redis.xtrim(_DEAD, minid=_oldest_kept(now_ms))
            except ResponseError as error:
                if not is_wrong_type(error):
                    raise
                await repair(self._redis, [_DEAD])
        return int(await self._redis.xlen(_DEAD))

    async def list(self) -> list[DeadLetter]:
        """Return all of them."""
        await self.count()
        return [_letter(id_, fields or {}) for id_, fields in await self._redis.xrange(_DEAD)]

    async def drop(self, letter: DeadLetter) -> None:
        """Remove it, and what keeps the job from being tried again."""
        await self._redis.delete(given_up(letter.key))
        await self._redis.xdel(_DEAD, letter.id)


def _letter(id_: str, fields: Mapping[str, str]) -> DeadLetter:
    try:
        facts = Facts.model_validate_json(fields.get("facts", ""))
    except ValidationError:
        facts = None
    key, fingerprint, reason = (
        clean_text(fields.get(name, "")[:_LONGEST], _LONGEST) or "?"
        for name in ("key", "fingerprint", "reason")
    )
    return DeadLetter(id_, key, fingerprint, reason, facts)


def _oldest_kept(now_ms: int) -> str:
    """Return the id from which dead letters are kept, at this time of Redis."""
    return f"{max(0, now_ms - _KEPT_MS)}-0"
