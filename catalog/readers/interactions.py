"""Interactions: blocks of rows judged column by column, by the million a second.

An id is judged once for each of its different spellings, a value and a time once for the column
where all are numbers. What is left are five truth tables a block, and of those the first few lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from catalog.readers import cells
from catalog.readers.blocks import Block
from catalog.readers.plan import Columns
from catalog.readers.report import Report, place
from catalog.readers.times import EARLIEST, Times
from catalog.tables import INTERACTIONS_SCHEMA, DatasetInfo
from catalog.types import VALUE_LIMIT, Id

_ID: TypeAdapter[str] = TypeAdapter(Id)
_TABLE = "interactions"
_UNKNOWN = -2


@dataclass
class InteractionReader:
    """Collects the usable rows of blocks.

    Parameters
    ----------
    index : position of each usable item
    times : how moments are read, where there is a column of them
    whole_ids : an item id 318.0 is 318
    """

    columns: Columns
    info: DatasetInfo
    index: Mapping[str, int]
    times: Times
    whole_ids: bool
    report: Report
    strangers: dict[str, None] = field(default_factory=dict)
    _users: dict[str, int] = field(default_factory=dict)
    _parts: tuple[list[Any], ...] = field(default_factory=lambda: ([], [], [], []))
    _rows_before: int = 0

    def read(self, file: str, block: Block) -> None:
        """Judge a block, keep its usable rows and report on the others."""
        for line, reason in block.broken:
            self.report.reject(_TABLE, reason, place(file, line))
        chosen = chosen_rows(block, self.columns)
        values = self._values(block)
        users, items = self._user_codes(block), self._item_codes(block)
        times, no_time = self._times(block)
        left = chosen & ~np.isin(values, self.columns.no_judgement)
        kind, stands = self.columns.where, ", ".join(map(_spelled, self.columns.no_judgement))
        rows = (block.lines, file)
        self.report.ignore_all(_TABLE, f"another {kind} than asked for", ~chosen, *rows)
        self.report.ignore_all(_TABLE, f"no judgement ({stands})", chosen & ~left, *rows)
        early = times < EARLIEST if self.times.guessed and self.columns.timestamp else no_time
        judged = {
            "the user id is empty, too long or has control characters": users < 0,
            "the item is not among the usable items": items < 0,
            "the value is not a finite number": ~np.isfinite(values),
            f"the value is beyond {VALUE_LIMIT:.0e}": np.abs(values) > VALUE_LIMIT,
            "the value is not positive": (values <= 0) & (self.info.kind != "ratings"),
            self._no_time(): no_time,
            "the time lies before 1990: say --times if that is right": early,
        }
        for reason, bad in judged.items():
            self.report.reject_all(_TABLE, reason, left & bad, *rows)
            left &= ~bad
        kept: tuple[NDArray[Any], ...] = (
            users.astype(np.int32),
            items.astype(np.int32),
            values,
            times,
        )
        for part, column in zip(self._parts, kept, strict=True):
            part.append(column[left])
        self.report.kept[_TABLE] += int(left.sum())

    def table(self) -> pa.Table:
        """Return the usable rows, of `INTERACTIONS_SCHEMA` with dictionary-encoded ids."""
        columns = []
        for part in self._parts:
            columns.append(np.concatenate(part))
            part.clear()  # before the next, as there may be a gigabyte of them
        users, items, values, times = columns
        texts = [pa.array(list(names), pa.string()) for names in (self._users, self.index)]
        arrays = [
            pa.DictionaryArray.from_arrays(users, texts[0]),
            pa.DictionaryArray.from_arrays(items, texts[1]),
            pa.array(values),
            pa.array(times),
        ]
        return pa.table(arrays, INTERACTIONS_SCHEMA.names)

    # ------------------------------------------------------------------ one column at a time

    def _user_codes(self, block: Block) -> NDArray[np.int64]:
        codes, names = cells.codes_of(block.column(self.columns.user))
        known = []
        for name in names:
            code = self._users.get(name or "")
            if code is None:
                code = _UNKNOWN
                if name is not None and _is_id(name):
                    code = self._users[name] = len(self._users)
            known.append(code)
        return np.array([*known, _UNKNOWN])[codes]

    def _item_codes(self, block: Block) -> NDArray[np.int64]:
        codes, names = cells.codes_of(block.column(self.columns.item))
        if self.whole_ids:
            names = [name and cells.whole_id(name) for name in names]
        known = [self.index.get(name or "", _UNKNOWN) for name in names]
        if len(self.strangers) < 100:
            unknown = (name for name, at in zip(names, known, strict=True) if at < 0 and name)
            self.strangers.update(dict.fromkeys(unknown))
        return np.array([*known, _UNKNOWN])[codes]

    def _values(self, block: Block) -> NDArray[np.float64]:
        if self.columns.value is None:
            return np.ones(len(block.lines))
        return cells.numbers_of(block.column(self.columns.value))

    def _times(self, block: Block) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        if self.columns.timestamp is None:
            first = self._rows_before
            self._rows_before += len(block.lines)
            numbers = np.arange(first, self._rows_before, dtype=np.int64)
            return numbers, np.zeros(len(numbers), dtype=np.bool_)
        return self.times.seconds(block.column(self.columns.timestamp))

    def _no_time(self) -> str:
        if self.times.form == "seconds":
            return "the timestamp is neither Unix seconds nor ISO 8601"
        return f"the timestamp is not {self.times.form}"


def chosen_rows(block: Block, columns: Columns) -> NDArray[np.bool_]:
    """Return which rows of a block are events that count."""
    if columns.where is None:
        return np.ones(len(block.lines), dtype=np.bool_)
    codes, names = cells.codes_of(block.column(columns.where))
    return np.array([*(name in columns.events for name in names), False])[codes]


def _is_id(name: str) -> bool:
    try:
        _ID.validate_python(name)
    except ValidationError:
        return False
    return True


def _spelled(value: float) -> str:
    return f"{value:g}"
