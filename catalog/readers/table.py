"""Table: one table in one or several files, with every layout settled and a sample of its rows."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from catalog.readers.blocks import Block, Row, parquet_blocks, parquet_names
from catalog.readers.jsons import JsonTable, sample_of
from catalog.readers.layouts import Layout, settle
from catalog.readers.sources import Counted, Source
from catalog.readers.text import TextTable
from catalog.tables import DatasetError

Progress = Callable[[str, int, float], None]
"""Hears the table, how many rows were read, and the share of its bytes."""
_SAMPLE = 2**18
_SAMPLED_ROWS = 1000


@dataclass(frozen=True, slots=True)
class _File:
    source: Source
    layout: Layout
    sure: bool
    names: list[str]
    sample: list[Row] = field(repr=False)


class Table:
    """One table.

    Parameters
    ----------
    what : "items" or "interactions", as messages call it
    sources : its files
    layout : what is told of them; the rest is guessed of each
    needed : columns without which it is of no use

    Attributes
    ----------
    sample : the first rows of each file
    told : how each file is read

    Raises
    ------
    DatasetError
        A file cannot be read, or lacks a column.
    """

    def __init__(
        self, what: str, sources: Sequence[Source], layout: Layout, needed: Sequence[str]
    ) -> None:
        self.what = what
        self.told: list[str] = []
        self._files = [self._opened(source, layout, needed) for source in sources]
        self.sample: list[Row] = [row for file in self._files for row in file.sample]

    def require(self, needed: Sequence[str], wanted: Sequence[str] = ()) -> None:
        """Raise DatasetError where a file lacks a needed column, or a text file a wanted one."""
        for file in self._files:
            strict = file.layout.format in {"text", "parquet"}
            asked = [*needed, *wanted] if strict else list(needed)
            missing = [name for name in dict.fromkeys(asked) if name not in file.names]
            if missing and (file.sample or strict):
                raise DatasetError(self._lacking(file, missing))
            twice = [name for name in asked if file.names.count(name) > 1]
            if twice:
                raise DatasetError(f"{self.what}: two columns are called {twice[0]!r}")

    def cells(self, column: str) -> list[Any]:
        """Return the cells of a column in the sample."""
        return [row.get(column) for row in self.sample]

    def blocks(
        self, wanted: Sequence[str], progress: Progress = lambda *_: None
    ) -> Iterator[tuple[str, Block]]:
        """Yield (file, block) of all rows; the file is empty where there is only one."""
        total, done, rows = sum(file.source.size for file in self._files) or 1, 0, 0

        def advance(read: int) -> None:
            nonlocal done
            done += read

        for file in self._files:
            name = file.source.name if len(self._files) > 1 else ""
            with file.source.open(advance) as stream:
                for block in _blocks(file, stream, wanted):
                    yield name, block
                    rows += len(block.lines) + len(block.broken)
                    progress(self.what, rows, min(1.0, done / total))

    def _opened(self, source: Source, layout: Layout, needed: Sequence[str]) -> _File:
        with source.open() as stream:
            data = stream.read(_SAMPLE)
            whole = len(data) < _SAMPLE
            settled = settle(layout, data, whole, source.name, needed)
        self.told.append(settled.told)
        form = settled.layout.format
        names, sample = settled.names, []
        if form == "parquet":
            with source.open() as stream:
                names = parquet_names(_seekable(stream), source.name)
        elif form != "text":
            text = data.decode(settled.layout.encoding or "utf-8", "replace").removeprefix("\ufeff")
            sample = sample_of(text, form or "")[:_SAMPLED_ROWS]
            names = list(dict.fromkeys(name for row in sample for name in row))
        file = _File(source, settled.layout, settled.encoding_is_sure, names, sample)
        if form == "parquet":
            with source.open() as stream:
                first = next(_blocks(file, stream, names), None)
                sample = _head(first)
        elif form == "text":
            cut = data if whole else data[: data.rfind(b"\n") + 1]
            first = next(_blocks(file, io.BytesIO(cut), names), None)
            sample = _head(first)
        return _File(source, settled.layout, settled.encoding_is_sure, names, sample)

    def _lacking(self, file: _File, missing: Sequence[str]) -> str:
        names = file.names
        message = (
            f"{self.what}: no column {', '.join(map(repr, missing))}; "
            f"there are {', '.join(map(repr, names))}"
        )
        alike = {_plain(name): name for name in names}
        meant = [alike[_plain(name)] for name in missing if _plain(name) in alike]
        if meant:
            message += f"; perhaps {', '.join(map(repr, meant))} is meant"
        if file.layout.header and any(_is_number(name) for name in names):
            message += (
                "; if the first line is data, say --no-header and name columns by number: "
                "--user 1 --item 2"
            )
        return message


def _blocks(file: _File, stream: Any, wanted: Sequence[str]) -> Iterator[Block]:
    name = file.source.name
    if file.layout.format == "parquet":
        return parquet_blocks(_seekable(stream), name, wanted)
    if file.layout.format == "text":
        return TextTable(name, file.layout, file.names, sure=file.sure).blocks(stream, wanted)
    return JsonTable(name, file.layout, file.sample).blocks(stream, wanted)


def _head(block: Block | None) -> list[Row]:
    if block is None:
        return []
    rows = block.rows[:_SAMPLED_ROWS]
    return rows.to_pylist() if isinstance(rows, pa.Table) else list(rows)


def _seekable(stream: Any) -> Any:
    """Return a stream in which Parquet can jump about: what is packed is read whole."""
    return stream if isinstance(stream, Counted) else pa.BufferReader(stream.read())


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _is_number(name: str) -> bool:
    return name.replace(".", "", 1).isdecimal()
