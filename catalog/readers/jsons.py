"""JSON tables: blocks of JSON lines, fast where every cell has one plain type; lists of records.

Arrow reads JSON lines ten times faster than Python, but guesses types (a text that looks like a
date becomes one) and stops at the first broken line. So it is told the types that the sample has,
and any block that does not fit them is read again line by line.
"""

import ast
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from catalog.readers import lines
from catalog.readers.blocks import Block, Row
from catalog.readers.layouts import Layout
from catalog.tables import DatasetError

BROKEN = "the line is no JSON object"
_TYPES = {str: pa.string(), int: pa.int64()}
"""What Arrow reads exactly; a number with a point goes the careful way, which keeps its digits."""


class JsonTable:
    """One file of JSON whose layout is settled.

    Parameters
    ----------
    name : how messages call the file
    layout : its format is jsonl, json or python
    sample : its first records
    """

    def __init__(self, name: str, layout: Layout, sample: Sequence[Row]) -> None:
        self._name, self._encoding = name, layout.encoding or "utf-8"
        self._format, self._sample = layout.format, sample

    def blocks(self, file: BinaryIO, wanted: Sequence[str]) -> Iterator[Block]:
        """Yield the blocks of the file; rows are told by their line, or their place in the list."""
        if self._format == "json":
            yield from self._listed(file, wanted)
            return
        schema = self._schema(wanted)
        for first, data in lines.blocks(file, self._encoding, self._name, quotes=False):
            yield (schema and _fast(data, first, schema)) or self._carefully(data, first, wanted)

    def _schema(self, wanted: Sequence[str]) -> pa.Schema | None:
        """Return the types of the wanted columns, or None where Arrow could change a cell."""
        if self._format != "jsonl":
            return None
        fields = []
        for name in wanted:
            cells = [row.get(name) for row in self._sample]
            types = {type(cell) for cell in cells if cell is not None}
            if float in types and types <= {float, int}:
                fields.append((name, pa.float64()))
            elif len(types) == 1 and (arrow := _TYPES.get(types.pop())) is not None:
                fields.append((name, arrow))
            else:
                return None
        return pa.schema(fields)

    def _carefully(self, data: bytes, first: int, wanted: Sequence[str]) -> Block:
        read = ast.literal_eval if self._format == "python" else _loads
        records: list[Row] = []
        numbers, broken = [], []
        for number, line in enumerate(data.splitlines() if b"\r" in data else data.split(b"\n")):
            if not line.strip():
                continue
            try:
                record = read(line.decode().strip())
                if not isinstance(record, dict):
                    raise ValueError
            except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
                broken.append((first + number, BROKEN))
            else:
                records.append({name: record.get(name) for name in wanted})
                numbers.append(first + number)
        return Block(records, np.array(numbers, dtype=np.int64), broken)

    def _listed(self, file: BinaryIO, wanted: Sequence[str]) -> Iterator[Block]:
        try:
            rows = json.loads(file.read().decode(self._encoding).removeprefix("\ufeff"))
        except ValueError as error:
            raise DatasetError(f"{self._name}: no list of JSON objects ({error})") from None
        good = [(n, row) for n, row in enumerate(rows, start=1) if isinstance(row, dict)]
        bad = [n for n, row in enumerate(rows, start=1) if not isinstance(row, dict)]
        records = [{name: row.get(name) for name in wanted} for _, row in good]
        numbers = np.array([n for n, _ in good], dtype=np.int64)
        yield Block(records, numbers, [(n, BROKEN) for n in bad])


def sample_of(text: str, form: str) -> list[Row]:
    """Return the records of a file's beginning, as far as they can be read."""
    if form == "json":
        return _listed_sample(text)
    read = ast.literal_eval if form == "python" else _loads
    records: list[Row] = []
    for line in text.split("\n"):
        try:
            record = read(line.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def _listed_sample(text: str) -> list[Row]:
    decoder = json.JSONDecoder()
    records: list[Row] = []
    at = text.index("[") + 1
    while True:
        begin = text.find("{", at)
        if begin < 0:
            return records
        try:
            record, at = decoder.raw_decode(text, begin)
        except ValueError:
            return records
        records.append(record)


def _loads(line: str) -> Any:
    return json.loads(line, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a name occurs twice")
    return record


def _fast(data: bytes, first: int, schema: pa.Schema) -> Block | None:
    """Return a block in which every line is one object of these types, or None."""
    body = data.strip()
    count = body.count(b"\n") + 1
    if not (data[:1] == b"{" and body.endswith(b"}")) or b"\r" in body:
        return None
    if not body.count(b"\n{") + 1 == count == body.count(b"}\n") + 1:
        return None
    try:
        body.decode()
        table = pj.read_json(
            io.BytesIO(body),
            pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
            pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if table.num_rows != count:
        return None
    return Block(table, np.arange(first, first + count, dtype=np.int64))
