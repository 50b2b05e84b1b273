"""Lines: a stream of bytes as UTF-8, in blocks that end where a row ends."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from catalog.tables import DatasetError

SIZE = 8 * 2**20
"""Bytes of a block: Arrow is as fast from 4 MiB on, and a block with trouble is read twice."""
_LONGEST = 2**28
"""Bytes of the longest line: a file without any would be read into memory as one."""
_SPAN = 2**19
"""Bytes that a block may be shorter so as not to end inside a quoted cell."""


def blocks(
    file: BinaryIO, encoding: str, name: str, *, quotes: bool, size: int = SIZE
) -> Iterator[tuple[int, bytes]]:
    """Yield (number of its first line, UTF-8 bytes) of every block of a file.

    Raises DatasetError for bytes that another encoding than UTF-8 does not have; those that are
    no UTF-8 are left in the block, so that they are told by their line.
    """
    line = 1
    for data in _cut(_as_utf8(file, encoding, name, size), name, quotes):
        yield line, data
        line += count(data)


def count(data: bytes) -> int:
    """Return the number of line ends: line feeds, and the carriage returns of old machines."""
    ends = data.count(b"\n")
    if b"\r" in data:
        ends += data.count(b"\r") - data.count(b"\r\n")
    return ends


def _as_utf8(file: BinaryIO, encoding: str, name: str, size: int) -> Iterator[bytes]:
    decoder = None
    if codecs.lookup(encoding).name not in {"utf-8", "ascii"}:
        decoder = codecs.getincrementaldecoder(encoding)()
    first = True
    while True:
        data = file.read(size)
        if decoder is not None:
            try:
                data = decoder.decode(data, final=not data).encode()
            except UnicodeDecodeError as error:
                raise DatasetError(
                    f"{name}: {error.object[error.start : error.end]!r} is nothing in {encoding}: "
                    "say --encoding with another"
                ) from None
        if first:
            data = data.removeprefix(codecs.BOM_UTF8)
            first = False
        elif not data:
            return
        if data:
            yield data


def _cut(stream: Iterator[bytes], name: str, quotes: bool) -> Iterator[bytes]:
    """Cut a stream after line ends; where it can be, not inside quotes."""
    rest = b""
    for more in stream:
        data = rest + more
        cut = data.rfind(b"\n") + 1 or data.rfind(b"\r", 0, -1) + 1
        if quotes and cut and data.count(b'"', 0, cut) % 2:
            cut = _outside_quotes(data, cut)
        if len(data) - cut > _LONGEST:
            raise DatasetError(f"{name}: a line of more than {_LONGEST >> 20} MiB")
        if not cut:
            rest = data
            continue
        rest = data[cut:]
        yield data[:cut]
    if rest:
        yield rest


def _outside_quotes(data: bytes, cut: int) -> int:
    """Return an earlier end of a line, near `cut`, at which no quoted cell is open; else `cut`."""
    least, earlier = max(0, cut - _SPAN), cut
    odd = True
    while odd:
        before = data.rfind(b"\n", 0, earlier - 1) + 1
        if before <= least:
            return cut
        odd ^= data.count(b'"', before, earlier) % 2 == 1
        earlier = before
    return earlier
