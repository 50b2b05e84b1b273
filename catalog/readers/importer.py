"""Readers: any CSV or Parquet table into a Dataset, with every bad row counted and located."""

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from catalog.dataset import Dataset, save
from catalog.tables import INTERACTIONS_SCHEMA, ITEMS_SCHEMA, DatasetError, DatasetInfo, item_row
from catalog.types import ATTRIBUTE_LIMIT, VALUE_LIMIT, AttributeName, Id, Item

Row = Mapping[str, Any]
Progress = Callable[[Iterable[tuple[int, Row]], str], Iterable[tuple[int, Row]]]
_ID: TypeAdapter[str] = TypeAdapter(Id)
_ATTRIBUTE_NAME: TypeAdapter[str] = TypeAdapter(AttributeName)
_PLACEHOLDERS = {"", "-", "n/a", "nan", "none", "null", "unknown"}
_LINES_SHOWN = 5
_MALFORMED = "the row is not CSV, or has more or fewer cells than the header"
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_800
"""The years 1 to 9999 in Unix seconds; today's milliseconds, for one, lie outside."""


class Columns(BaseModel):
    """Which column of a table holds what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = Field("user_id", description="User id, in the interactions table.")
    item: str = Field("item_id", description="Item id, in both tables.")
    value: str | None = Field(None, description="How strongly; without it every row counts 1.")
    timestamp: str | None = Field(None, description="Unix seconds or ISO 8601; else row order.")
    title: str = Field("title", description="Title, in the items table.")
    categories: str | None = Field(None, description="Categories, a list or one separated string.")
    separator: str = Field(
        "|", min_length=1, description="What separates categories inside one string."
    )
    year: str | None = Field(None, description="Year, in the items table.")
    description: str | None = Field(None, description="Free text about an item.")
    hidden: str | None = Field(None, description="True for items never recommended or named.")
    attributes: tuple[str, ...] = Field((), description="More columns a sentence may speak of.")

    @field_validator("attributes")
    @classmethod
    def _check_attributes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            _ATTRIBUTE_NAME.validate_python(_spoken(name))
        return names


@dataclass
class Report:
    """What a reader kept, rejected and left out, by reason, with the first line numbers of each."""

    kept: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def reject(self, table: str, reason: str, line: int) -> None:
        """Count one bad row."""
        self._count(self.rejected, table, reason, line)

    def leave_out(self, table: str, reason: str, line: int) -> None:
        """Count one row that was kept without a bad detail."""
        self._count(self.left_out, table, reason, line)

    def _count(self, counter: Counter[tuple[str, str]], table: str, reason: str, line: int) -> None:
        counter[table, reason] += 1
        lines = self.lines.setdefault((table, reason), [])
        if len(lines) < _LINES_SHOWN:
            lines.append(line)

    def summary(self) -> list[str]:
        """Return one line of text per table and per reason."""
        text = [f"{table}: {count:,} rows kept" for table, count in self.kept.items()]
        for counter, what in ((self.rejected, "rejected:"), (self.left_out, "kept without")):
            for (table, reason), count in counter.most_common():
                lines = self.lines[table, reason]
                where = ", ".join(map(str, lines)) + (", …" if count > len(lines) else "")
                text.append(f"{table}: {count:,} {what} {reason} (line {where})")
        return text


def import_table(
    folder: Path,
    interactions: Path,
    items: Path,
    columns: Columns,
    info: DatasetInfo,
    *,
    card: str = "",
    progress: Progress = lambda rows, _: rows,
) -> tuple[Dataset, Report]:
    """Read two tables (CSV, TSV or Parquet, by file name) into a dataset folder.

    Line numbers are those of a text editor for CSV (the header is line 1) and row numbers from 1
    for Parquet.

    Raises
    ------
    DatasetError
        A file or a column is missing, or no usable row is left; the message says why.
    """
    card = card or f"# {info.name}\n\nImported from `{interactions.name}` and `{items.name}`.\n"
    item_rows = progress(rows_of(items), "items")
    interaction_rows = progress(rows_of(interactions), "interactions")
    return import_rows(folder, interaction_rows, item_rows, columns, info, card)


def import_rows(
    folder: Path,
    interactions: Iterable[tuple[int, Row]],
    items: Iterable[tuple[int, Row]],
    columns: Columns,
    info: DatasetInfo,
    card: str,
) -> tuple[Dataset, Report]:
    """Read numbered rows into a dataset folder; see `import_table`."""
    report = Report()
    item_table = _read_items(items, columns, report)
    known = set(item_table["id"].to_pylist())
    interaction_table = _read_interactions(interactions, columns, info, known, report)
    if interaction_table.num_rows == 0:
        raise DatasetError(f"no usable row: {'; '.join(report.summary())}")
    return save(folder, info, item_table, interaction_table, card), report


def rows_of(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield (line number, row) of a CSV, TSV or Parquet file; a malformed row is empty."""
    if not path.is_file():
        raise DatasetError(f"{path}: no such file")
    return _parquet_rows(path) if path.suffix == ".parquet" else _text_rows(path)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Row]]:
    row_number = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                row_number += 1
                yield row_number, row
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: not a Parquet file ({error})") from error


def _text_rows(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        # Strict: otherwise a quote that never closes would swallow the rows after it in silence.
        reader = csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
        try:
            header = next(reader)
        except StopIteration:
            raise DatasetError(f"{path}: the file is empty") from None
        except csv.Error as error:
            raise DatasetError(f"{path}: the header is not CSV ({error})") from error
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                for swallowed in range(line, reader.line_num + 1):
                    yield swallowed, {}
                continue
            if len(cells) == len(header):
                yield line, dict(zip(header, cells, strict=True))
            elif cells:
                yield line, {}


# ---------------------------------------------------------------------- one table at a time


def _read_items(rows: Iterable[tuple[int, Row]], columns: Columns, report: Report) -> pa.Table:
    kept: dict[str, dict[str, object]] = {}
    told = columns.model_dump(include={"title", "categories", "year", "description", "hidden"})
    needed = [columns.item, *told.values(), *columns.attributes]
    for line, row in _checked(rows, "items", needed, report):
        try:
            item = _item(row, columns, report, line)
        except ValidationError as error:
            first = error.errors()[0]
            empty = first["type"] == "string_too_short"
            reason = "is empty" if empty else first["msg"]
            report.reject("items", f"{first['loc'][0]}: {reason}", line)
            continue
        if item.id in kept:
            report.reject("items", "the id occurred before", line)
        else:
            hidden = _truth(_cell(row, columns.hidden))
            if hidden is None:
                report.reject("items", "hidden: is neither true nor false", line)
            else:
                kept[item.id] = item_row(item, hidden=hidden)
    report.kept["items"] = len(kept)
    return pa.Table.from_pylist(list(kept.values()), schema=ITEMS_SCHEMA)


def _item(row: Row, columns: Columns, report: Report, line: int) -> Item:
    """Return a row's item; a year, categories or attributes that cannot be told are left out."""
    details = {
        "categories": _categories(row, columns),
        "year": _whole(_cell(row, columns.year)),
        "description": _cell(row, columns.description),
        "attributes": {
            _spoken(name): value
            for name in columns.attributes
            if (value := _attribute(row, name)) is not None
        },
    }
    needed = {"id": _cell(row, columns.item) or "", "title": _cell(row, columns.title) or ""}
    while True:
        try:
            return Item.model_validate({**needed, **details})
        except ValidationError as error:
            first = error.errors()[0]
            if first["loc"][0] in needed:
                raise
            reason = first["msg"].partition(",")[0]
            report.leave_out("items", f"{first['loc'][0]}: {reason}", line)
            del details[str(first["loc"][0])]


def _read_interactions(
    rows: Iterable[tuple[int, Row]],
    columns: Columns,
    info: DatasetInfo,
    known: set[str],
    report: Report,
) -> pa.Table:
    out: tuple[list[Any], ...] = ([], [], [], [])
    valid_users: dict[str, bool] = {}
    needed = [columns.user, columns.item, columns.value, columns.timestamp]
    for line, row in _checked(rows, "interactions", needed, report):
        user, item = _text(row, columns.user), _text(row, columns.item)
        value = 1.0 if columns.value is None else _number(_cell(row, columns.value))
        timestamp = line if columns.timestamp is None else _seconds(_cell(row, columns.timestamp))
        if user not in valid_users:
            valid_users[user] = _valid_id(user)
        reason = None
        if not valid_users[user]:
            reason = "the user id is empty, too long or has control characters"
        elif item not in known:
            reason = "the item is not among the usable items"
        elif not math.isfinite(value):
            reason = "the value is not a finite number"
        elif abs(value) > VALUE_LIMIT:
            reason = f"the value is beyond {VALUE_LIMIT:.0e}"
        elif info.liking_threshold is None and value <= 0:
            reason = "the value is not positive"
        elif timestamp is None:
            reason = "the timestamp is neither Unix seconds nor ISO 8601"
        if reason:
            report.reject("interactions", reason, line)
            continue
        for column, cell in zip(out, (user, item, value, timestamp), strict=True):
            column.append(cell)
    report.kept["interactions"] = len(out[0])
    return pa.table(dict(zip(INTERACTIONS_SCHEMA.names, out, strict=True)), INTERACTIONS_SCHEMA)


def _checked(
    rows: Iterable[tuple[int, Row]], table: str, needed: list[str | None], report: Report
) -> Iterator[tuple[int, Row]]:
    """Yield the rows that have the needed columns; a table without them is an error at once."""
    header_checked = False
    for line, row in rows:
        if not row:
            report.reject(table, _MALFORMED, line)
            continue
        if not header_checked:
            missing = [name for name in needed if name is not None and name not in row]
            if missing:
                raise DatasetError(
                    f"{table}: no column {', '.join(map(repr, missing))}; "
                    f"there are {', '.join(map(repr, row))}"
                )
            header_checked = True
        yield line, row


# ---------------------------------------------------------------------- one cell at a time


def _stored(row: Row, column: str | None) -> Any:
    """Return a cell's value; an empty cell, a NaN or an unmapped column is None.

    Numbers come back as int where they are whole and as text where they are not.
    """
    value = row.get(column) if column is not None else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        if not math.isfinite(value):
            return None
        return int(value) if value == int(value) else str(value)
    return value


def _cell(row: Row, column: str | None) -> Any:
    """Return a cell like `_stored`, numbers as text: where ids are numbers, 318.0 is item "318"."""
    value = _stored(row, column)
    return str(value) if type(value) is int else value


def _text(row: Row, column: str) -> str:
    cell = _cell(row, column)
    return cell if isinstance(cell, str) else ""


def _attribute(row: Row, column: str) -> Any:
    """Return a typed attribute; a number too long to count with, such as an ISBN, is text.

    "[unknown]" is nothing that two items have in common.
    """
    value = _stored(row, column)
    if isinstance(value, str) and value.strip("[]()<>").casefold() in _PLACEHOLDERS:
        return None
    return str(value) if isinstance(value, int) and abs(value) > ATTRIBUTE_LIMIT else value


def _categories(row: Row, columns: Columns) -> list[str]:
    cell = _cell(row, columns.categories)
    if isinstance(cell, str):
        cell = cell.split(columns.separator)
    parts = cell if isinstance(cell, list) else [cell]
    return [str(part) for part in parts if part is not None and str(part).strip()]


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan


def _whole(cell: Any) -> Any:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return cell
    return int(number) if number.is_integer() else cell


def _spoken(column: str) -> str:
    """Return a column's name as a sentence says it."""
    return column.lower().replace("_", " ")


def _truth(cell: Any) -> bool | None:
    """Return what a cell says, False for an empty one, None for what is no truth value."""
    word = "" if cell is None else str(cell).lower()
    if word in {"1", "true", "yes", "t", "y"}:
        return True
    return None if word not in {"", "0", "false", "no", "f", "n"} else False


def _seconds(cell: Any) -> int | None:
    """Return Unix seconds, or None for what is no moment of the years 1 to 9999."""
    seconds = _number(cell)
    if math.isnan(seconds):
        try:
            moment = cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell))
        except ValueError:
            return None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return int(seconds) if _FIRST_SECOND <= seconds < _LAST_SECOND else None


def _valid_id(value: str) -> bool:
    try:
        _ID.validate_python(value)
    except ValidationError:
        return False
    return True
