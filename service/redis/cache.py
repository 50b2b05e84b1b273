"""The cache in Redis: shared by all gateways and workers, and behind a near cache in each gateway.

A value is the JSON of a `Written`, sealed; see `service.redis.trust`. Whatever else is found counts
as a miss and is replaced.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from catalog.facts import Facts
from models.prism.writer import Written
from service.breaker import Breaker, LeftAloneError
from service.cache import Cache
from service.redis.trust import MOST_BYTES, Trust

_JITTER = 0.1
"""Share by which lifetimes differ, so that texts written together do not expire together."""


class RedisCache:
    """Explanations under `prism:text:<key>`, always with a lifetime.

    Raises LeftAloneError, TimeoutError or RedisError where Redis does not answer.

    Parameters
    ----------
    redis : a client that decodes what it reads
    ttl_s : mean lifetime, seconds
    trust : what is believed of what is read
    breaker : shared by all that this process asks of Redis within a request
    """

    def __init__(self, redis: Redis, ttl_s: float, trust: Trust, breaker: Breaker) -> None:
        self._redis: Any = redis  # its types leave open what decoded answers are
        self._ttl, self._trust, self._breaker = ttl_s, trust, breaker

    async def get_many(self, wanted: Mapping[str, Facts], within_s: float) -> dict[str, Written]:
        """Return what is known under these keys; see `Cache`."""
        if not wanted:
            return {}
        self._breaker.before()
        try:
            async with asyncio.timeout(within_s), self._redis.pipeline(transaction=False) as asked:
                for key in wanted:
                    _read(asked, key)
                found = await asked.execute(raise_on_error=False)
        except TimeoutError:
            self._breaker.timed_out()
            raise
        except RedisError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return await self._believed(dict(zip(wanted, found, strict=True)), wanted)

    async def put_many(
        self, texts: Mapping[str, Written], about: Mapping[str, Facts]
    ) -> dict[str, Written]:
        """Keep texts; see `Cache`."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, written in texts.items():
                self._write(pipeline, key, written, nx=True)
                _read(pipeline, key)
            answers = await pipeline.execute(raise_on_error=False)
        for answer in answers[::2]:  # a write fails only where there is no room
            if isinstance(answer, RedisError):
                raise answer
        kept = await self._believed(dict(zip(texts, answers[1::2], strict=True)), about)
        if len(kept) < len(texts):
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key in texts.keys() - kept.keys():
                    self._write(pipeline, key, texts[key], nx=False)
                await pipeline.execute()
        return {**texts, **kept}

    async def _believed(
        self, found: Mapping[str, object], about: Mapping[str, Facts]
    ) -> dict[str, Written]:
        # An error is what Redis says of a value that is no text.
        read = [
            (_name(key), value if isinstance(value, str) and value else None, about[key])
            for key, value in found.items()
        ]
        texts = await self._trust.texts(read)
        return {key: text for key, text in zip(found, texts, strict=True) if text is not None}

    def _write(self, pipeline: Any, key: str, written: Written, *, nx: bool) -> None:
        sealed = self._trust.seal(_name(key), written.to_json())
        lifetime = self._ttl * 1000 * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
        pipeline.set(_name(key), sealed, px=int(lifetime), nx=nx)


class NearCache:
    """A small cache in this process before a far one: what is asked for often costs no network.

    A far cache that fails costs the texts that are not near.
    """

    def __init__(self, near: Cache, far: Cache, on_failure: Callable[[], None]) -> None:
        self._near, self._far, self._on_failure = near, far, on_failure

    async def get_many(self, wanted: Mapping[str, Facts], within_s: float) -> dict[str, Written]:
        """Return what is known under these keys, near or far; see `Cache`."""
        found = await self._near.get_many(wanted, within_s)
        missing = {key: facts for key, facts in wanted.items() if key not in found}
        if not missing:
            return found
        try:
            fetched = await self._far.get_many(missing, within_s)
        except (RedisError, TimeoutError, LeftAloneError):
            self._on_failure()
            return found
        await self._near.put_many(fetched, missing)
        return found | fetched

    async def put_many(
        self, texts: Mapping[str, Written], about: Mapping[str, Facts]
    ) -> dict[str, Written]:
        """Keep texts far, and near what the far cache kept; see `Cache`."""
        return await self._near.put_many(await self._far.put_many(texts, about), about)


def _name(key: str) -> str:
    return f"prism:text:{key}"


def _read(pipeline: Any, key: str) -> None:
    """Ask for a value, but for no more of it than any of ours has."""
    pipeline.getrange(_name(key), 0, 4 * MOST_BYTES)
