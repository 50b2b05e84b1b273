"""Items: rows of a table as validated items; a bad detail costs that detail, a bad title the item.

A 17th category is left out and the first 16 stay; a year "soon" costs the year; a placeholder such
as N/A is nothing to speak of. Each is counted and located.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from catalog.placeholders import is_placeholder
from catalog.readers import cells, tidy
from catalog.readers.blocks import Row
from catalog.readers.plan import Columns, Plan, spoken
from catalog.readers.report import Place, Report
from catalog.tables import ITEMS_SCHEMA, item_row
from catalog.types import ATTRIBUTE_LIMIT, MAX_VALUES, Item

MAX_CATEGORIES, MAX_ATTRIBUTES = 16, 8
_TABLE = "items"
Details = Mapping[str, Mapping[str, Any]]
"""More cells of an item, by its id and their column."""


def read_items(
    rows: Iterable[tuple[Place, Row]], plan: Plan, whole_ids: bool, details: Details, report: Report
) -> pa.Table:
    """Return the table of `ITEMS_SCHEMA` of all usable rows, and report on all of them.

    Parameters
    ----------
    whole_ids : an id 318.0 is 318
    """
    reader = _ItemReader(plan, whole_ids, details, report)
    kept: dict[str, tuple[Item, bool]] = {}
    for line, row in rows:
        read = reader.read(row, line)
        if read is None:
            continue
        if read[0].id in kept:
            report.reject(_TABLE, "the id occurred before", line)
        else:
            kept[read[0].id] = read
    report.kept[_TABLE] = len(kept)
    named = [(item.title, item.year) for item, _ in kept.values()]
    titles = tidy.titles(named, plan.tidying)
    told = [
        item_row(item.model_copy(update={"title": title}), hidden=hidden)
        for (item, hidden), title in zip(kept.values(), titles, strict=True)
    ]
    return pa.Table.from_pylist(told, schema=ITEMS_SCHEMA)


class _ItemReader:
    """Reads one row at a time."""

    def __init__(self, plan: Plan, whole_ids: bool, details: Details, report: Report) -> None:
        self._columns, self._tidying = plan.columns, plan.tidying
        self._whole_ids, self._details, self._report = whole_ids, details, report

    def read(self, row: Row, line: Place) -> tuple[Item, bool] | None:
        """Return the item of a row and whether it is hidden; None where it is rejected."""
        columns = self._columns
        item_id = item_id_of(row, columns.item_key, self._whole_ids)
        if item_id in self._details:
            own = {column: cell for column, cell in row.items() if cell is not None}
            row = {**self._details[item_id], **own}
        title = cells.text(row.get(columns.title)) if columns.title else item_id
        title, titled_year = self._tidied(title if isinstance(title, str) else ""), None
        if self._tidying.years:
            title, titled_year = tidy.split_year(title)
        hidden = cells.truth(row.get(columns.hidden)) if columns.hidden else False
        if hidden is None:
            self._report.reject(_TABLE, "hidden: is neither true nor false", line)
            return None
        year = self._year(row, line) if columns.year else None
        told = {
            "categories": self._categories(row, line),
            "year": titled_year if year is None else year,
            "attributes": self._attributes(row, line),
            "description": self._description(row),
        }
        item = self._validated({"id": item_id, "title": title}, told, line)
        return None if item is None else (item, hidden)

    def _validated(self, needed: dict[str, str], told: dict[str, Any], line: Place) -> Item | None:
        """Return the item, without the details that it may not have; None for a bad id or title."""
        while True:
            try:
                return Item.model_validate({**needed, **told})
            except ValidationError as error:
                for one in error.errors():
                    place = one["loc"]
                    reason = one["msg"].partition(",")[0]
                    if place[0] in needed:
                        empty = one["type"] == "string_too_short"
                        why = "is empty" if empty else one["msg"]
                        self._report.reject(_TABLE, f"{place[0]}: {why}", line)
                        return None
                    self._leave_out(".".join(map(str, place[:1])), reason, line)
                _without(told, error)

    # ------------------------------------------------------------------ one detail at a time

    def _categories(self, row: Row, line: Place) -> list[str]:
        columns, found = self._columns, []
        if columns.categories:
            cell = cells.stored(row.get(columns.categories))
            found = cells.values_of(cell, columns.separator)
        for flag in columns.flags:
            column, _, category = flag.partition(":")
            truth = cells.truth(row.get(column))
            if truth is None:
                self._leave_out("categories", f"{column} is neither true nor false", line)
            elif truth:
                found.append(category or column)
        told = [self._tidied(str(part)) for part in found]
        if any(is_placeholder(part) for part in told):
            self._leave_out("categories", "a placeholder", line)
            told = [part for part in told if not is_placeholder(part)]
        if len(told) > MAX_CATEGORIES:
            self._leave_out("categories", f"those beyond the first {MAX_CATEGORIES}", line)
        return told[:MAX_CATEGORIES]

    def _attributes(self, row: Row, line: Place) -> dict[str, Any]:
        told = {}
        for named in self._columns.attributes:
            column, name = spoken(named)
            separator = self._columns.separators.get(name)
            found = [
                self._attribute(value, name, line)
                for value in cells.several(row.get(column), separator)
            ]
            values = list(dict.fromkeys(value for value in found if value is not None))
            if len(values) > MAX_VALUES:
                self._leave_out(name, f"values beyond the first {MAX_VALUES}", line)
            if values:
                told[name] = values[:MAX_VALUES] if len(values) > 1 else values[0]
        for name in list(told)[MAX_ATTRIBUTES:]:
            self._leave_out(name, f"attributes beyond the first {MAX_ATTRIBUTES}", line)
            del told[name]
        return told

    def _attribute(self, value: Any, name: str, line: Place) -> Any:
        """Return one value as it is told; None for what stands for nothing."""
        value = cells.stored(value)
        if is_placeholder(value):
            self._leave_out(name, f"a placeholder, {value!r}", line)
            return None
        if isinstance(value, int) and abs(value) > ATTRIBUTE_LIMIT:
            return str(value)  # a number too long to count with, such as an ISBN
        return self._tidied(value) if isinstance(value, str) else value

    def _year(self, row: Row, line: Place) -> Any:
        cell = row.get(self._columns.year or "")
        year = cells.year(cell)
        if is_placeholder(year) or year == 0:
            self._leave_out("year", f"a placeholder, {str(cell)!r}", line)
            return None
        return year

    def _description(self, row: Row) -> str | None:
        cell = row.get(self._columns.description or "")
        parts = cell if isinstance(cell, list) else [cell]
        told = " ".join(filter(None, (cells.text(part) for part in parts if _is_text(part))))
        return self._tidied(told) or None

    def _tidied(self, text: str) -> str:
        return tidy.unescaped(text) if self._tidying.entities and "&" in text else text

    def _leave_out(self, detail: str, reason: str, line: Place) -> None:
        self._report.leave_out(_TABLE, f"{detail}: {reason}", line)


def _is_text(part: Any) -> bool:
    return isinstance(part, (str, bytes, int, float))


def _without(told: dict[str, Any], error: ValidationError) -> None:
    """Take what pydantic found wrong out of the details told; of several values only these."""
    wrong: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
    for one in error.errors():
        detail, *place = one["loc"]
        path: tuple[str, ...] = (str(detail),)
        if detail == "attributes" and place:
            path = ("attributes", str(place.pop(0)))
        wrong[path].update(part for part in place if isinstance(part, int))
    for path, numbers in wrong.items():
        holder = told["attributes"] if len(path) > 1 else told
        if numbers:
            holder[path[-1]] = [one for n, one in enumerate(holder[path[-1]]) if n not in numbers]
        if not numbers or not holder[path[-1]]:
            del holder[path[-1]]


def item_id_of(row: Row, column: str, whole_ids: bool) -> str:
    """Return the item id of a row; empty where it has none."""
    cell = cells.text(row.get(column))
    if not isinstance(cell, str):
        return ""
    return cells.whole_id(cell) if whole_ids else cell


def details_of(
    rows: Iterator[tuple[Place, Row]], columns: Columns, whole_ids: bool
) -> dict[str, dict[str, Any]]:
    """Return the cells of a table of details by item id; of several rows, one list of all."""
    found: defaultdict[str, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for _, row in rows:
        item_id = item_id_of(row, columns.item_key, whole_ids)
        for column in columns.of_items:
            if row.get(column) is not None:
                found[item_id][column].append(row[column])
    return {
        item_id: {
            column: told[0] if len(told) == 1 else _flat(told) for column, told in by_column.items()
        }
        for item_id, by_column in found.items()
    }


def _flat(told: list[Any]) -> list[Any]:
    return [part for cell in told for part in (cell if isinstance(cell, list) else [cell])]
