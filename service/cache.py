"""Cache of explanations: key to checked text.

A key is a hash of the writer's fingerprint and the canonical Facts, so a changed history, item or
model never meets a stale text, and no key or value holds a user id.
"""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from sys import getsizeof
from time import monotonic
from typing import Protocol

from catalog.facts import Facts
from models.prism.writer import Written

_OVERHEAD, _CLAIM = 220, 160
"""Bytes that CPython needs for an entry beyond its key and text, and for each of its claims,
measured with tracemalloc."""


def cache_key(fingerprint: bytes, facts: Facts) -> str:
    """Return the key of an explanation, 32 hex digits; also its public id."""
    return hashlib.sha256(fingerprint + facts.canonical()).hexdigest()[:32]


class Cache(Protocol):
    """Keeps written texts. A failing cache costs time, never an answer."""

    async def get_many(self, wanted: Mapping[str, Facts], within_s: float) -> dict[str, Written]:
        """Return what is known under these keys within so many seconds.

        It is true of the Facts under the same key, whoever has written it.
        """
        ...

    async def put_many(
        self, texts: Mapping[str, Written], about: Mapping[str, Facts]
    ) -> dict[str, Written]:
        """Keep texts, unless there is one already: the first write wins, and is returned.

        `about` has the Facts under each key.
        """
        ...


class MemoryCache:
    """A cache in this process, bounded in bytes, least recently used out first.

    Parameters
    ----------
    max_bytes : size of all entries, keys and bookkeeping included; 0 keeps nothing
    ttl_s : seconds after which an entry is gone
    clock : monotonic seconds
    """

    def __init__(
        self, max_bytes: int, ttl_s: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._max_bytes, self._ttl, self._clock = max_bytes, ttl_s, clock
        self._entries: OrderedDict[str, tuple[float, Written]] = OrderedDict()
        self.bytes = 0

    async def get_many(
        self, wanted: Iterable[str], within_s: float = math.inf
    ) -> dict[str, Written]:
        """Return what is known under these keys, at once; see `Cache`."""
        found = ((key, self._get(key)) for key in wanted)
        return {key: text for key, text in found if text is not None}

    async def put_many(
        self, texts: Mapping[str, Written], about: Mapping[str, Facts]
    ) -> dict[str, Written]:
        """Keep texts; see `Cache`."""
        return {key: self._put(key, written) for key, written in texts.items()}

    def _put(self, key: str, written: Written) -> Written:
        kept = self._get(key)
        if kept is not None:
            return kept
        if _size(key, written) > self._max_bytes:
            return written
        self._entries[key] = (self._clock() + self._ttl, written)
        self.bytes += _size(key, written)
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))
        return written

    def _get(self, key: str) -> Written | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        expires, written = entry
        if expires <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return written

    def _drop(self, key: str) -> None:
        self.bytes -= _size(key, self._entries.pop(key)[1])


def _size(key: str, written: Written) -> int:
    return getsizeof(key) + getsizeof(written.text) + len(written.claims) * _CLAIM + _OVERHEAD
