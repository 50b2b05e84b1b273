"""Which model is served: workers announce theirs in Redis, every gateway chooses by one rule.

Of the models that a worker was heard of within ten seconds, the one of the highest priority
(`PRISM_PRIORITY` of its workers) is served; of equal ones the one that appeared most recently.
While none is heard of, the last choice stays. `prism models` shows it:

    model                 priority   first seen   last seen    served
    prism-base@9f31 fp16         1   2 days ago   1 s ago      yes
    prism-small@8fb0 int8        0   an hour ago  1 s ago      no, of lower priority

So a GPU worker is not pushed aside by the CPU worker beside it that restarts, a new model takes
over where priorities are equal, and one that is withdrawn gives way to the one before.

Times on the wire are those of Redis, and others may have written them, so they are believed within
seconds only: whether a model is heard of is decided by this process's own clock, from whether what
it announces goes on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from time import monotonic
from typing import Annotated, Any

import structlog
from pydantic import BaseModel, Field, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from service.explain import Serving
from service.redis.gateway_queue import RedisJobQueue
from service.redis.queue import Streams, is_wrong_type
from service.redis.trust import Trust

log = structlog.get_logger()
_KEY = "prism:models"
ANNOUNCE_S, ALIVE_S, _FORGOTTEN_S = 2.0, 10.0, 7 * 86_400.0
_FOLLOW_S = 1.0
"""How often a gateway looks."""
_BELIEVED_S = 5.0
"""How far ahead of Redis a time may be."""
_RETIRED_S = 60.0
"""How long a gateway listens for a model that is no longer chosen: for requests under way."""
_MOST, _MOST_CHARACTERS = 100, 2000

# Return what is announced: no more than is reasonable, whatever somebody has put there.
# KEYS the hash. ARGV most fields, most characters of one.
_READ = """
local found, cursor, parts = {}, '0', 0
repeat
  local part = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 100)
  cursor, parts = part[1], parts + 1
  for i = 1, #part[2], 2 do
    if #part[2][i] == 64 and #part[2][i + 1] <= tonumber(ARGV[2]) then
      found[#found + 1] = part[2][i]
      found[#found + 1] = part[2][i + 1]
    end
  end
until cursor == '0' or parts > 50 or #found >= 2 * tonumber(ARGV[1])
return found
"""


class Announced(BaseModel):
    """A model that workers write with; times are seconds of Redis."""

    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    model: Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,198}[!-~])?$")]
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    since: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
    seen: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class Announcements:
    """What is announced in Redis."""

    def __init__(self, redis: Redis, trust: Trust) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are
        self._trust = trust
        self._read = redis.register_script(_READ)

    async def all(self) -> list[Announced]:
        """Return them, but for those that are not to be believed. Raises RedisError."""
        flat: Sequence[str] = await self._read(keys=[_KEY], args=[_MOST, _MOST_CHARACTERS])
        latest, found = await self.now() + _BELIEVED_S, []
        for fingerprint, sealed in zip(flat[::2], flat[1::2], strict=True):
            payload = self._trust.open(f"{_KEY} {fingerprint}", sealed)
            try:
                one = Announced.model_validate_json(payload or "")
            except ValidationError:
                continue  # of another version of Prism, or of somebody else
            if one.fingerprint == fingerprint and one.since <= latest and one.seen <= latest:
                found.append(one)
        return found

    async def announce(
        self, fingerprint: str, model: str, priority: int, trouble: Callable[[], str]
    ) -> None:
        """Announce a model now, unless there is trouble, and forget those long gone.

        Raises RedisError.
        """
        now = await self.now()
        try:
            if await self._redis.hlen(_KEY) > 10 * _MOST:
                await self._redis.unlink(_KEY)  # somebody else's: ours would not be found
            known = {one.fingerprint: one for one in await self.all()}
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            await self._redis.unlink(_KEY)
            return
        if not trouble():
            before = known.get(fingerprint)
            mine = Announced(
                fingerprint=fingerprint,
                model=model,
                priority=priority,
                since=min(before.since, now) if before else now,
                seen=now,
            )
            sealed = self._trust.seal(f"{_KEY} {fingerprint}", mine.model_dump_json())
            await self._redis.hset(_KEY, fingerprint, sealed)
        for retired, one in known.items():  # and with it what was left in its queue
            if now - one.seen > _FORGOTTEN_S:
                await self._redis.unlink(*Streams(retired).all)
                await self._redis.hdel(_KEY, retired)

    async def now(self) -> float:
        """Return the time of Redis, seconds."""
        seconds, micros = await self._redis.time()
        return float(seconds) + float(micros) / 1e6


def chosen(alive: Sequence[Announced]) -> Announced | None:
    """Return which of the models that were heard of is served; see the module."""
    return max(alive, key=lambda one: (one.priority, one.since, one.fingerprint), default=None)


class ServedModel:
    """Follows, for a gateway, which model is served, and listens for its texts.

    What it knows stays while Redis cannot be asked.

    Parameters
    ----------
    announcements : where workers announce their models
    new_queue : makes the queue of a fingerprint
    clock : monotonic seconds
    """

    def __init__(
        self,
        announcements: Announcements,
        new_queue: Callable[[str], RedisJobQueue],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._announcements, self._new_queue, self._clock = announcements, new_queue, clock
        self._heard: dict[str, tuple[float, float]] = {}  # what was announced last, and when
        self._queues: dict[str, tuple[RedisJobQueue, AsyncExitStack]] = {}
        self._left: dict[str, float] = {}  # when it was chosen last
        self._chosen: Announced | None = None
        self.followed = asyncio.Event()

    @property
    def serving(self) -> Serving | None:
        """The model that writes now, None before one was ever heard of."""
        one = self._chosen
        if one is None:
            return None
        queue, _ = self._queues[one.fingerprint]
        return Serving(one.model, bytes.fromhex(one.fingerprint), queue)

    @property
    def queue(self) -> RedisJobQueue | None:
        """The queue of the model that writes now."""
        return None if self._chosen is None else self._queues[self._chosen.fingerprint][0]

    async def follow(self) -> None:
        """Look again and again, for ever."""
        while True:
            try:
                await self.look()
            except (RedisError, TimeoutError) as error:
                log.warning("served model not known anew", error=repr(error))
            self.followed.set()
            await asyncio.sleep(_FOLLOW_S)

    @contextlib.asynccontextmanager
    async def released(self) -> AsyncIterator[None]:
        """Stop listening at the end of the block."""
        try:
            yield
        finally:
            for fingerprint in list(self._queues):
                await self._release(fingerprint)

    async def look(self) -> None:
        """Look now. Raises RedisError."""
        known, now_there = await self._announcements.all(), await self._announcements.now()
        now = self._clock()
        for one in known:
            seen, at = self._heard.get(one.fingerprint, (None, 0.0))
            if seen is None:  # at first sight its own word counts
                self._heard[one.fingerprint] = one.seen, now - max(0.0, now_there - one.seen)
            elif one.seen != seen:
                self._heard[one.fingerprint] = one.seen, now
        self._heard = {one.fingerprint: self._heard[one.fingerprint] for one in known}
        alive = [one for one in known if now - self._heard[one.fingerprint][1] <= ALIVE_S]
        best = chosen(alive)
        if best is None and self._chosen is None:  # the one that may come back
            best = max(known, key=lambda one: (one.seen, one.fingerprint), default=None)
        if best is not None:
            await self._choose(best)
        for fingerprint, at in list(self._left.items()):
            is_chosen = self._chosen is not None and fingerprint == self._chosen.fingerprint
            if not is_chosen and now - at > _RETIRED_S:
                await self._release(fingerprint)

    async def _choose(self, one: Announced) -> None:
        if one.fingerprint not in self._queues:
            queue, stack = self._new_queue(one.fingerprint), AsyncExitStack()
            await stack.enter_async_context(queue.listening())
            self._queues[one.fingerprint] = queue, stack
        if self._chosen is None or self._chosen.fingerprint != one.fingerprint:
            log.info("model served", model=one.model, priority=one.priority)
        self._chosen = one
        self._left[one.fingerprint] = self._clock()

    async def _release(self, fingerprint: str) -> None:
        _, stack = self._queues.pop(fingerprint)
        self._left.pop(fingerprint, None)
        await stack.aclose()
