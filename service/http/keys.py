"""API keys: known by their SHA-256 only, from a file that is read again when it changes."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import structlog

from catalog.files import stamp

log = structlog.get_logger()
_LOOK_S = 1.0
"""How often to look whether the file has changed."""
_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class KeysError(RuntimeError):
    """It is not clear who may use the service; the message says why and how to go on."""


def new_key() -> str:
    """Return a new key: 32 random bytes, which is why a plain hash of it suffices."""
    return f"prism_{secrets.token_urlsafe(32)}"


def line_of(name: str, key: str) -> str:
    """Return the line of a keys file that lets this key in. Raises ValueError for a bad name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not 1 to 64 letters, digits, '.', '_' or '-'")
    return f"{name} {_digest(key).hex()}"


def append(file: Path, line: str) -> None:
    """Add a line to a keys file; one that is new is for its owner only. Raises OSError."""
    file.touch(mode=0o600)
    text = file.read_text("utf-8")
    begin = "\n" if text and not text.endswith("\n") else ""
    with file.open("a", encoding="utf-8") as keys:
        keys.write(f"{begin}{line}\n")


class Keys:
    """The keys of a file. A line added lets a key in, a line removed revokes it.

    Raises KeysError if the file cannot be used at the start. Should it become so later, the keys
    before stay valid and the log says why.

    Parameters
    ----------
    file : lines of a name and the SHA-256 of a key in hex; `#` begins a comment
    clock : monotonic seconds
    """

    def __init__(self, file: Path, clock: Callable[[], float] = monotonic) -> None:
        self._file, self._clock = file, clock
        self._looked = clock()
        self._stamp = stamp(file)
        self._known = _read(file)

    def owner(self, key: str) -> str | None:
        """Return the name of a key, None for a wrong one.

        The time it takes tells nothing: all keys are compared, each in constant time.
        """
        self._follow()
        given, owner = _digest(key), None
        for name, known in self._known:
            if hmac.compare_digest(given, known):
                owner = name
        return owner

    def _follow(self) -> None:
        now = self._clock()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        if (now_there := stamp(self._file)) == self._stamp:
            return
        self._stamp = now_there
        try:
            self._known = _read(self._file)
        except KeysError as error:
            log.warning("keys not usable, those before stay valid", error=str(error))
        else:
            log.info("keys read", keys=len(self._known))


def _read(file: Path) -> list[tuple[str, bytes]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        hint = f"prism api-key NAME --append {file}"
        raise KeysError(f"there is no keys file {file}\nMake one: {hint}") from None
    except OSError as error:
        raise KeysError(f"the keys file {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeysError(f"the keys file {file} is not UTF-8 text") from None
    found: list[tuple[str, bytes]] = []
    for number, line in enumerate(lines, start=1):
        match line.partition("#")[0].split():
            case []:
                pass
            case [name, digest] if _NAME.fullmatch(name) and _DIGEST.fullmatch(digest):
                found.append((name, bytes.fromhex(digest)))
            case _:  # not shown, for it may hold a key
                raise KeysError(
                    f"line {number} of {file} is not a name and the SHA-256 of a key (64 hex "
                    "digits); prism api-key NAME prints such a line"
                )
    return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
