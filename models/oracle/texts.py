"""Raw texts, kept for ever: append-only JSONL shards, one row for each text or failure.

    {"facts": {…}, "text": "You loved “Ronin”, so …", "digest": "9f86…", "sample": 0,
     "split": "train", "unseen": false, "page": 7, "prompt_sha256": "5f1c…", "prompt_version": "1",
     "oracle": "openai", "model": "…", "parameters": {…}, "tokens": {"prompt": 212, "text": 31},
     "finish": "stop"}

A failure has "error" in place of "text", and is asked again by a later run. A row is with the
system as soon as it is written, so that a killed process loses none, and with the disk a second
later. A last line that a power failure tore is dropped by the next writer.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Self

from models.oracle.protocol import OracleError

_NAME = re.compile(r"texts-(\d+)-of-(\d+)\.jsonl")
_TO_DISK_ROWS, _TO_DISK_S = 64, 1.0
"""After how many rows, and how many seconds at most, rows are with the disk."""
_TAIL = 1 << 16


class LockedError(OracleError):
    """Another process writes the shard, or others of its folder that are cut in another way."""


@dataclass(frozen=True, slots=True)
class Part:
    """The `number`-th of `count` parts of the Facts, from 1: equal Facts are of one part."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the part that "2/4" names. Raises ValueError."""
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        part = cls(*map(int, found.groups())) if found else cls(0)
        if not 1 <= part.number <= part.count:
            raise ValueError(f"{text!r} is no part such as 1/4 … 4/4")
        return part

    def holds(self, digest: bytes) -> bool:
        """Say whether the Facts of a digest are of this part."""
        return int.from_bytes(digest[:8]) % self.count == self.number - 1


WHOLE = Part()


def read_rows(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a shard, failures too; a torn last line is passed over.

    Raises OracleError for a line that is damaged.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            try:
                row = json.loads(line)
                row["digest"], row["sample"]
            except (ValueError, KeyError, TypeError) as error:
                raise OracleError(f"{file}, line {number} is damaged: {error!r}") from None
            yield row


def texts_shards(folder: Path) -> list[Path]:
    """Return a folder's shards, in order."""
    return sorted(path for path in folder.glob("texts-*.jsonl") if _NAME.fullmatch(path.name))


class Shard:
    """A shard that one process writes, alone; closed, or its process gone, another may.

    Raises LockedError.
    """

    def __init__(self, folder: Path, part: Part) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"texts-{part.number}-of-{part.count}.jsonl"
        for other in texts_shards(folder):
            found = _NAME.fullmatch(other.name)
            if found and int(found[2]) != part.count and _is_locked(other):
                raise LockedError(
                    f"another process writes {other}: with other parts than {part.count} the same "
                    "would be asked twice"
                )
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        if not _lock(self._handle):
            os.close(self._handle)
            raise LockedError(f"another process writes {self.path}: wait for it, or stop it")
        self._drop_torn_line()
        self._waiting, self._since = 0, monotonic()

    def append(self, row: dict[str, Any]) -> None:
        """Write a row."""
        _write_all(self._handle, f"{json.dumps(row, ensure_ascii=False)}\n".encode())
        self._waiting += 1
        if self._waiting >= _TO_DISK_ROWS or monotonic() - self._since > _TO_DISK_S:
            self.to_disk()

    def to_disk(self) -> None:
        """Wait until all rows are on the disk."""
        os.fsync(self._handle)
        self._waiting, self._since = 0, monotonic()

    def close(self) -> None:
        """Put what is left on the disk, and let others write."""
        self.to_disk()
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drop_torn_line(self) -> None:
        end = size = os.fstat(self._handle).st_size
        while end:
            begin = max(0, end - _TAIL)
            newline = os.pread(self._handle, end - begin, begin).rfind(b"\n")
            if newline >= 0:
                end = begin + newline + 1
                break
            end = begin
        if end != size:
            os.ftruncate(self._handle, end)


def _write_all(handle: int, line: bytes) -> None:
    while line:
        line = line[os.write(handle, line) :]


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        return not _lock(handle)
    finally:
        os.close(handle)
