"""Ids of impressions: what an answer showed, sealed, so that nothing is kept until feedback comes.

    AWUdp2… = 1 | when | nonce | style | for each item: hash, and who wrote its text and why | seal
    feedback on this id, item 318, "clicked" = {style: prism, source: grounded, reason: deadline}

An id carries what its feedback is counted by: five bytes an item, 0.1 kB of text for ten items. So
gateways need no store that grows with every answer, and any of them understands the ids of all. The
seal is an HMAC-SHA256: an id that was made up or changed is refused. It names no user, and of items
only hashes. Feedback that is sent again is counted once, as far as a bounded memory reaches: who
has a right id can count at most once for each kind, item and gateway.

Without signing keys (`PRISM_SIGNING_KEY_FILE`) a process seals with one that it makes at its start:
then ids are understood by the process that has made them, until it stops.
"""

import hashlib
import hmac
import os
import secrets
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from models.prism.writer import Reason, Source, Written

Style = Literal["prism", "grounded", "none"]
VALID_S = 7 * 86_400
"""Age at which an impression is no more understood, seconds."""
_VERSION = 1
_HEAD = struct.Struct(">BI8sB")
"""Version, Unix seconds, nonce, style."""
_ITEM, _SEAL = 5, 16
_STYLES = get_args(Style)
_SOURCES: list[Source | Literal["none"]] = ["none", *get_args(Source)]
_REASONS: list[Reason | None] = [None, *get_args(Reason)]
"""Who may have written a text, and why; the places here are how an id says so."""
_REMEMBERED = 20_000
"""Feedback that is remembered, so as not to be counted again."""


class UnknownImpressionError(LookupError):
    """No impression of ours, or one too old, or without this item; the message says which."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody saw of an item: the answer (a short id of it), and the explanation."""

    impression: str
    rank: int
    style: Style
    source: Source | Literal["none"]
    reason: Reason | None
    age_s: int


class Impressions:
    """Seals what answers show, and opens it again.

    Parameters
    ----------
    keys : the first seals, each is accepted; with none, one is made
    clock : Unix seconds
    """

    def __init__(self, keys: Sequence[bytes], clock: Callable[[], float] = time.time) -> None:
        self._keys = [
            hmac.digest(key, b"impressions", "sha256") for key in keys or [secrets.token_bytes(32)]
        ]
        self._clock = clock
        self._told: OrderedDict[bytes, None] = OrderedDict()

    def seal(self, style: Style, shown: Sequence[tuple[str, Written | None]]) -> str:
        """Return the id of an answer that showed these items, each with its text."""
        nonce = os.urandom(8)
        parts = [_HEAD.pack(_VERSION, int(self._clock()), nonce, _STYLES.index(style))]
        for item_id, text in shown:
            source = 0 if text is None else _SOURCES.index(text.source)
            reason = 0 if text is None else _REASONS.index(text.reason)
            code = len(_SOURCES) * reason + source
            parts.append(_hash(nonce, item_id) + bytes([code]))
        payload = b"".join(parts)
        sealed = payload + _seal(self._keys[0], payload)
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, impression_id: str, item_id: str) -> Shown:
        """Return what was shown of an item. Raises UnknownImpressionError."""
        payload = self._opened(impression_id)
        _, since, nonce, style = _HEAD.unpack_from(payload)
        age_s = int(self._clock()) - since
        if age_s > VALID_S:
            raise UnknownImpressionError("the impression is too old")
        wanted, rows = _hash(nonce, item_id), payload[_HEAD.size :]
        for start in range(0, len(rows), _ITEM):
            if rows[start : start + _ITEM - 1] == wanted:
                reason, source = divmod(rows[start + _ITEM - 1], len(_SOURCES))
                return Shown(
                    impression=nonce.hex(),
                    rank=start // _ITEM + 1,
                    style=_STYLES[style],
                    source=_SOURCES[source],
                    reason=_REASONS[reason],
                    age_s=age_s,
                )
        raise UnknownImpressionError("the impression has no such item")

    def is_news(self, impression_id: str, item_id: str, kind: str) -> bool:
        """Say whether this was not told before, as far as is remembered."""
        told = hashlib.blake2b(f"{impression_id} {kind} {item_id}".encode(), digest_size=16)
        key = told.digest()
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return True

    def _opened(self, impression_id: str) -> bytes:
        """Return the payload of an id that one of the keys has sealed."""
        try:
            # Strictly, or a changed letter could be the same id once more.
            sealed = urlsafe_b64decode(impression_id + "=" * (-len(impression_id) % 4))
            is_ours = urlsafe_b64encode(sealed).decode().rstrip("=") == impression_id
        except ValueError:
            is_ours = False
        if is_ours:
            payload, seal = sealed[:-_SEAL], sealed[-_SEAL:]
            is_sealed = any(hmac.compare_digest(seal, _seal(key, payload)) for key in self._keys)
            if is_sealed and payload[0] == _VERSION:
                return payload
        raise UnknownImpressionError("no impression of this service, or of before its restart")


def longest(items: int) -> int:
    """Return the length of the id of so many items."""
    return -(-(_HEAD.size + items * _ITEM + _SEAL) * 4 // 3)


def _hash(nonce: bytes, item_id: str) -> bytes:
    raw = item_id.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(raw, digest_size=_ITEM - 1, key=nonce).digest()


def _seal(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:_SEAL]
