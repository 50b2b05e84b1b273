"""What is believed of what is read from Redis, where others may write, too.

With a signing key (`PRISM_SIGNING_KEY_FILE`) gateways and workers sign what they write, together
with where it belongs, so that nothing can be made up or put in another's place:

    prism:text:4f0c…   {"text":"We suggest …"}             before
    prism:text:4f0c…   9be1…c7 {"text":"We suggest …"}     after: HMAC-SHA256, then the same

Without one a text is checked against its Facts again, which takes about 25 times as long for a
page of ten (`bench.trust`), and what else is read is bounded but believed.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Sequence

from pydantic import ValidationError

from catalog.facts import Facts
from models.faithfulness import Policy
from models.prism.writer import Written, checked_again
from service.settings import Settings
from service.signing import signing_keys

MOST_BYTES = 64 * 2**10
"""Of a value or message: the longest text of ours, with its claims, has a tenth of it."""
_SIGNATURE = 64  # hex digits


class Trust:
    """Signs what is written to Redis, and opens what is read from it.

    Parameters
    ----------
    keys : the first signs, each is accepted; none where nothing is signed
    policy : what an unsigned text is checked by
    """

    def __init__(self, keys: Sequence[bytes], policy: Policy) -> None:
        self._keys, self._policy = list(keys), policy

    def seal(self, place: str, payload: str) -> str:
        """Return a payload as it is written to a place: signed, where there is a key."""
        if not self._keys:
            return payload
        return f"{_signature(self._keys[0], place, payload)} {payload}"

    def open(self, place: str, sealed: str) -> str | None:
        """Return the payload of what was read from a place, None if it is not to be believed."""
        if len(sealed) > MOST_BYTES:
            return None
        signature, space, payload = sealed[:_SIGNATURE], sealed[_SIGNATURE:][:1], sealed[65:]
        is_signed = space == " " and not signature.startswith("{")
        if not self._keys:  # others may have one: a new key reaches one process before another
            return payload if is_signed else sealed
        if not is_signed or not signature.isascii():
            return None
        for key in self._keys:
            if hmac.compare_digest(signature, _signature(key, place, payload)):
                return payload
        return None

    async def believed(self, written: Written, facts: Facts) -> Written | None:
        """Return a text that came in what was opened, None if it is not to be believed."""
        if self._keys:
            return written
        return await asyncio.to_thread(checked_again, written, facts, self._policy)

    async def texts(self, read: Sequence[tuple[str, str | None, Facts]]) -> list[Written | None]:
        """Return the texts that were read, None for whatever is no text of ours.

        Each is a place, what was read from it, and the Facts that it is to be true of.
        """
        if self._keys or not any(sealed for _, sealed, _ in read):
            return [self._text(*one) for one in read]
        # In a thread, as to check a hundred texts would hold up everybody else.
        return await asyncio.to_thread(lambda: [self._text(*one) for one in read])

    def _text(self, place: str, sealed: str | None, facts: Facts) -> Written | None:
        payload = None if sealed is None else self.open(place, sealed)
        if payload is None:
            return None
        try:
            written = Written.from_json(payload)
        except ValidationError:
            return None
        return written if self._keys else checked_again(written, facts, self._policy)


def open_trust(settings: Settings) -> Trust:
    """Return the trust of the settings. Raises SigningKeyError."""
    return Trust(signing_keys(settings), settings.policy)


def _signature(key: bytes, place: str, payload: str) -> str:
    # The place has no line break, so that none of it can pass for a part of the payload.
    signed = f"{place}\n{payload}".encode("utf-8", "surrogatepass")
    return hmac.new(key, signed, hashlib.sha256).hexdigest()
