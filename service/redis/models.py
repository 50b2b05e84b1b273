"""Which models are being served: workers announce theirs in Redis, gateways choose the newest.

So a gateway needs no weights, and while an old and a new model run side by side all its answers are
of one of them. Times are those of Redis.
"""

import asyncio
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError
from redis.asyncio import Redis

from service.redis.jobs import queue_names

_KEY = "prism:models"
_EVERY_S, _ALIVE_S, _FORGOTTEN_S = 2.0, 10.0, 7 * 86_400.0


class Announced(BaseModel):
    """A model that workers write with: since when, and when one was last seen."""

    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    model: str
    since: float
    seen: float


class ModelsRegistry:
    """The announced models in Redis, and the one that this process chose last."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are
        self.chosen: Announced | None = None

    async def announce(self, fingerprint: str, model: str) -> None:
        """Announce a model again and again, for ever."""
        while True:
            now = await self._now()
            known = await self._read()
            before = known.get(fingerprint)
            since = before.since if before and now - before.seen <= _ALIVE_S else now
            mine = Announced(fingerprint=fingerprint, model=model, since=since, seen=now)
            await self._redis.hset(_KEY, fingerprint, mine.model_dump_json())
            forgotten = [f for f, one in known.items() if now - one.seen > _FORGOTTEN_S]
            for retired in forgotten:  # and with it what was left in its queue
                await self._redis.unlink(*queue_names(retired))
                await self._redis.hdel(_KEY, retired)
            await asyncio.sleep(_EVERY_S)

    async def choose(self) -> None:
        """Choose now."""
        now, known = await self._now(), list((await self._read()).values())
        alive = [one for one in known if now - one.seen <= _ALIVE_S]
        if alive:
            self.chosen = max(alive, key=lambda one: (one.since, one.fingerprint))
        elif known:
            self.chosen = max(known, key=lambda one: (one.seen, one.fingerprint))

    async def _read(self) -> dict[str, Announced]:
        found = {}
        for name, value in (await self._redis.hgetall(_KEY)).items():
            try:
                found[name] = Announced.model_validate_json(value)
            except ValidationError:
                continue  # of another version of Prism
        return found

    async def _now(self) -> float:
        seconds, micros = await self._redis.time()
        return float(seconds) + float(micros) / 1e6
