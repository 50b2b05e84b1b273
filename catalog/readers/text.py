"""Text tables: blocks of CSV and its kin, fast where they are clean and carefully where not.

Arrow reads a clean block of 8 MiB in 30 ms, but skips blank lines, keeps text behind a closing
quote, and lets an open one swallow rows. So a block goes that way only where none of this can
happen; any other is read again by Python's strict csv, which says of each row whether it is one.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from catalog.readers import lines
from catalog.readers.blocks import MALFORMED, Block
from catalog.readers.layouts import Layout, csv_rows
from catalog.tables import DatasetError

_CELL = "\x1f"
"""What stands for a separator of several characters: the unit separator of ASCII."""
NOT_UTF8 = "the row is not UTF-8"
_SWALLOWED = "a quoted cell holds what looks like whole rows: perhaps its quote was never closed"
_LEAST_WIDTH = 3
"""Columns from which prose on several lines hardly ever looks like a row."""


class TextTable:
    """One text file whose layout is settled.

    Parameters
    ----------
    name : how messages call the file
    layout : nothing left open
    names : its columns
    sure : whether its encoding was told; a guess that fails is an error and not a bad row
    """

    def __init__(self, name: str, layout: Layout, names: Sequence[str], *, sure: bool) -> None:
        assert layout.delimiter is not None
        self._name, self._sure, self._names = name, sure, names
        self._quotes, self._escape = layout.quotes is True, layout.escape
        self._delimiter = layout.delimiter.encode()
        self._cell = self._delimiter if len(self._delimiter) == 1 else _CELL.encode()
        self._header, self._encoding = layout.header is True, layout.encoding or "utf-8"

    def blocks(self, file: BinaryIO, wanted: Sequence[str]) -> Iterator[Block]:
        """Yield the blocks of the file, with the wanted columns."""
        columns = [n for n, name in enumerate(self._names) if name in wanted]
        header = self._header
        for line, block in lines.blocks(file, self._encoding, self._name, quotes=self._quotes):
            data = block.replace(self._delimiter, self._cell)
            first = line
            if header and (head := _first_line(data)):
                data, first, header = data[len(head) :], line + 1, False
            if header:
                yield self._carefully(data, first, columns, header=True)
                header = False
            elif data:
                yield self._fast(data, first, columns) or self._carefully(data, first, columns)

    # ------------------------------------------------------------------ the fast way

    def _fast(self, data: bytes, first: int, columns: Sequence[int]) -> Block | None:
        """Return a clean block, or None where it may not be clean."""
        if not self._is_clean(data):
            return None
        names = [str(n) for n in range(len(self._names))]
        chosen = [names[n] for n in columns]
        trouble: list[Any] = []

        def skip(row: Any) -> str:
            trouble.append(row)
            return "skip"

        try:
            table = pc.read_csv(
                io.BytesIO(data),
                pc.ReadOptions(column_names=names, block_size=len(data) + 1),
                pc.ParseOptions(
                    delimiter=self._cell.decode(),
                    quote_char='"' if self._quotes else False,
                    invalid_row_handler=skip,
                ),
                pc.ConvertOptions(
                    include_columns=chosen, column_types=dict.fromkeys(chosen, pa.string())
                ),
            )
        except (pa.ArrowException, UnicodeDecodeError):
            return None
        rows = lines.count(data) + (not data.endswith((b"\n", b"\r")))
        if trouble or table.num_rows != rows:
            return None
        numbers = np.arange(first, first + rows, dtype=np.int64)
        return Block(table.rename_columns([self._names[n] for n in columns]), numbers)

    def _is_clean(self, data: bytes) -> bool:
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            return False
        if data[:1] in b"\r\n" or b"\n\n" in data or b"\n\r\n" in data or b"\0" in data:
            return False
        if self._quotes and self._escape and b"\\" in data:
            return False
        return not self._quotes or b'"' not in data or self._quotes_are_clean(data)

    def _quotes_are_clean(self, data: bytes) -> bool:
        """Say whether every quote opens a cell, closes one, or is doubled; and none spans lines."""
        raw = np.frombuffer(b"\n" + data + b"\n", dtype=np.uint8)
        at = np.flatnonzero(raw == ord('"'))
        if len(at) % 2:
            return False
        opens, closes = at[::2], at[1::2]
        before, after = raw[opens - 1], raw[closes + 1]
        doubled = np.append(opens[1:] == closes[:-1] + 1, False)
        ends = np.isin(after, (self._cell[0], ord("\n"), ord("\r"))) | doubled
        begins = np.isin(before, (self._cell[0], ord("\n"))) | np.append(False, doubled[:-1])
        if not (ends.all() and begins.all()):
            return False
        breaks = np.flatnonzero(raw == ord("\n"))
        return not (np.searchsorted(at, breaks) % 2).any()

    # ------------------------------------------------------------------ the careful way

    def _carefully(
        self, data: bytes, first: int, columns: Sequence[int], *, header: bool = False
    ) -> Block:
        """Return a block row by row; what is no row is among its broken ones."""
        text, damaged = self._decoded(data, first)
        width, numbers, broken = len(self._names), [], []
        kept: list[list[str]] = []
        for line, cells, last in self._rows(text, first):
            if header and cells:
                header = False
                continue
            reason = None
            if damaged and not damaged.isdisjoint(range(line, last + 1)):
                reason = NOT_UTF8
            elif last > line and self._swallowed(cells):
                reason = _SWALLOWED
            elif len(cells) != width:
                reason = MALFORMED
            if reason is None:
                numbers.append(line)
                kept.append(cells)
            elif reason == _SWALLOWED or not cells:
                broken += [(one, reason) for one in range(line, last + 1)]
            else:
                broken.append((line, reason))
        cells_of = list(zip(*kept, strict=True)) if kept else [()] * width
        arrays = [pa.array(cells_of[n], pa.string()) for n in columns]
        table = pa.table(arrays, [self._names[n] for n in columns])
        return Block(table, np.array(numbers, dtype=np.int64), broken)

    def _rows(self, text: str, first: int) -> Iterator[tuple[int, list[str], int]]:
        """Yield (first line, cells, last line) of every row; what is no row has no cells."""
        numbered = io.StringIO(text, newline="")
        reader = csv_rows(numbered, self._cell.decode(), self._quotes, self._escape)
        while True:
            line = first + reader.line_num
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                cells = []
            else:
                if not cells:
                    continue  # a blank line is no row
            yield line, cells, first + reader.line_num - 1

    def _swallowed(self, cells: Sequence[str]) -> bool:
        """Say whether a cell on several lines holds a line with as many cells as a row."""
        width, cell = len(self._names), self._cell.decode()
        return width >= _LEAST_WIDTH and any(
            line.count(cell) == width - 1
            for text in cells
            if "\n" in text
            for line in text.split("\n")[1:-1]
        )

    def _decoded(self, data: bytes, first: int) -> tuple[str, set[int]]:
        """Return a block as text, and the lines that are no UTF-8."""
        try:
            return data.decode(), set()
        except UnicodeDecodeError as error:
            place = first + lines.count(data[: error.start])
            if not self._sure:
                bad = data[max(0, error.start - 12) : error.start + 12]
                seen = bad.decode("windows-1252", "replace").split("\n")
                shown = max(seen, key=len).strip()
                raise DatasetError(
                    f"{self._name}: line {place} is not UTF-8: say --encoding windows-1252 if it "
                    f"reads “{shown}”, or --encoding utf-8 to reject such rows"
                ) from None
        text = data.decode(errors="surrogateescape")
        damaged = {
            first + n
            for n, line in enumerate(io.StringIO(text, newline=""))
            if not line.isascii() and any("\udc80" <= char <= "\udcff" for char in line)
        }
        return text, damaged


def _first_line(data: bytes) -> bytes:
    """Return the first line where it is a whole row; empty where only csv can tell."""
    line = data[: data.find(b"\n") + 1]
    whole = line.strip() and line.count(b'"') % 2 == 0 and b"\r" not in line.rstrip(b"\r\n")
    return line if whole else b""
