"""The cache in Redis: shared by all gateways and workers, and behind a near cache in each gateway.

A value is the JSON of a `Written`. One that is corrupt or foreign counts as a miss and is replaced.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from models.writer import Written
from service.cache import Cache, decode

_JITTER = 0.1
"""Share by which lifetimes differ, so that texts written together do not expire together."""


class RedisCache:
    """Explanations under `prism:text:<key>`, always with a lifetime.

    Parameters
    ----------
    redis : a client that decodes what it reads
    ttl_s : mean lifetime, seconds
    """

    def __init__(self, redis: Redis, ttl_s: float) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are
        self._ttl = ttl_s

    async def get_many(self, keys: Sequence[str]) -> list[Written | None]:
        """Return what is known under each key; see `Cache`."""
        if not keys:
            return []
        found = await self._redis.mget([_name(key) for key in keys])
        return [None if value is None else decode(value) for value in found]

    async def put_many(self, texts: Mapping[str, Written]) -> dict[str, Written]:
        """Keep texts; see `Cache`."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, written in texts.items():
                pipeline.set(
                    _name(key), written.model_dump_json(), px=self._lifetime(), nx=True, get=True
                )
            before = await pipeline.execute()
        kept, broken = dict(texts), []
        for key, value in zip(texts, before, strict=True):
            known = None if value is None else decode(value)
            if known is not None:
                kept[key] = known
            elif value is not None:
                broken.append(key)
        if broken:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key in broken:
                    pipeline.set(_name(key), texts[key].model_dump_json(), px=self._lifetime())
                await pipeline.execute()
        return kept

    def _lifetime(self) -> int:
        return int(self._ttl * 1000 * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311


class NearCache:
    """A small cache in this process before a far one: what is asked for often costs no network."""

    def __init__(self, near: Cache, far: Cache, on_failure: Callable[[], None]) -> None:
        self._near, self._far, self._on_failure = near, far, on_failure

    async def get_many(self, keys: Sequence[str]) -> list[Written | None]:
        """Return what is known under each key, near or far; see `Cache`."""
        found = await self._near.get_many(keys)
        missing = [key for key, known in zip(keys, found, strict=True) if known is None]
        if not missing:
            return found
        try:
            fetched = dict(zip(missing, await self._far.get_many(missing), strict=True))
        except RedisError:
            self._on_failure()
            return found
        await self._near.put_many({k: text for k, text in fetched.items() if text is not None})
        return [
            fetched[key] if known is None else known for key, known in zip(keys, found, strict=True)
        ]

    async def put_many(self, texts: Mapping[str, Written]) -> dict[str, Written]:
        """Keep texts far, and near what the far cache kept; see `Cache`."""
        return await self._near.put_many(await self._far.put_many(texts))


def _name(key: str) -> str:
    return f"prism:text:{key}"
