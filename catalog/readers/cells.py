"""Cells: what one cell of a foreign table says, as an id, a number, a truth or a text.

318, 318.0 of a column of numbers and " 318 " are one id; 0 of 10 is no judgement where the import
was told so.
"""

import ast
import json
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NAMED = ("name", "title", "description", "label", "tag")
"""What holds the text of a cell that is a record: {"id": 16, "name": "Animation"}."""
_TRUE, _FALSE = {"1", "true", "yes", "t", "y"}, {"", "0", "false", "no", "f", "n"}


# ---------------------------------------------------------------------- one cell


def stored(value: Any) -> Any:
    """Return a cell's value; an empty cell or a NaN is None.

    Numbers come back as int where they are whole and as text where they are not.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        if not math.isfinite(value):
            return None
        return int(value) if value == int(value) else str(value)
    return value


def text(value: Any) -> Any:
    """Return a cell like `stored`, numbers as text: where ids are numbers, 318.0 is item "318"."""
    cell = stored(value)
    return str(cell) if type(cell) is int else cell


def whole_id(cell: str) -> str:
    """Return an id that was written as a number with a point as a whole one: "318.0" is "318"."""
    head, point, zeros = cell.partition(".")
    return head if point and head.isdecimal() and zeros.strip("0") == "" and zeros else cell


def values_of(cell: Any, separator: str) -> list[Any]:
    """Return the values of a cell: a list, a list that was written as text, or a separated text.

    Of a record its name; of a record of counts, such as {"fantasy, paranormal": 31}, the names of
    those that count, the largest first.
    """
    if isinstance(cell, str) and cell[:1] + cell[-1:] in {"[]", "{}"}:
        cell = _written(cell)
    if isinstance(cell, dict):
        cell = _of_record(cell)
    if isinstance(cell, str):
        cell = cell.split(separator)
    parts = cell if isinstance(cell, (list, tuple, set)) else [cell]
    told = [_name(part) for part in parts]
    return [part for part in told if part is not None and str(part).strip()]


def several(cell: Any, separator: str | None) -> list[Any]:
    """Return the values of a cell of which a plain text is one, unless a separator is told."""
    cell = stored(cell)
    if cell is None:
        return []
    if isinstance(cell, str) and separator is None and cell[:1] + cell[-1:] not in {"[]", "{}"}:
        return [cell]
    return values_of(cell, separator or "\n")


def _written(cell: str) -> Any:
    """Return the list or record that a text is, of JSON or of Python; else the text."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return cell


def _of_record(record: dict[str, Any]) -> Any:
    if any(key in record for key in _NAMED):
        return [record]
    counts = {name: n for name, n in record.items() if isinstance(n, (int, float)) and n > 0}
    names = sorted(counts, key=lambda name: -counts[name])
    return [part for name in names for part in name.split(",")]


def _name(part: Any) -> Any:
    if isinstance(part, dict):
        part = next((part[key] for key in _NAMED if part.get(key)), None)
    return None if isinstance(part, (list, tuple, set)) else part


def number(value: Any) -> float:
    """Return a cell's number, NaN where it has none; true is 1."""
    cell = stored(value)
    if isinstance(cell, str):
        if cell.casefold() in {"true", "false"}:
            return float(cell.casefold() == "true")
        if "_" in cell:
            return math.nan
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def year(value: Any) -> Any:
    """Return a year: 1995, 1995.0, or that of a date, 1995-12-15 and 01-Jan-1995."""
    cell = stored(value)
    if hasattr(cell, "year"):
        return cell.year
    if isinstance(cell, str):
        parts = [part for part in cell.replace("/", "-").replace(" ", "-").split("-") if part]
        years = [part for part in parts if len(part) == 4 and part.isdecimal()]
        if len(parts) in {2, 3} and len(years) == 1:
            return int(years[0])
    found = number(cell)
    return int(found) if math.isfinite(found) and found.is_integer() else cell


def truth(value: Any) -> bool | None:
    """Return what a cell says, False for an empty one, None for what is no truth value."""
    cell = stored(value)
    word = "" if cell is None else str(cell).casefold()
    return True if word in _TRUE else None if word not in _FALSE else False


# ---------------------------------------------------------------------- a column of a block


def codes_of(column: pa.Array) -> tuple[NDArray[np.int64], list[str | None]]:
    """Return n codes and the different cells they stand for, as ids; a null has the code -1."""
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        encoded = column.dictionary_encode()
        names = [text(cell) for cell in encoded.dictionary.to_pylist()]
    elif pa.types.is_nested(column.type) or pa.types.is_boolean(column.type):
        return np.full(len(column), -1), []
    else:
        encoded = column.cast(pa.string()).dictionary_encode()
        names = [cell.strip() for cell in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, names


def numbers_of(column: pa.Array) -> NDArray[np.float64]:
    """Return the numbers of n cells, NaN where a cell has none."""
    if pa.types.is_nested(column.type) or pa.types.is_temporal(column.type):
        return np.full(len(column), np.nan)
    try:
        numbers: NDArray[np.float64] = (
            pc.cast(column, pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
        )
    except pa.ArrowException:
        encoded = column.cast(pa.string()).dictionary_encode()
        cells: Sequence[str] = encoded.dictionary.to_pylist()
        found: NDArray[np.float64] = np.array([*map(number, cells), np.nan])
        codes: NDArray[np.int64] = encoded.indices.fill_null(len(cells)).to_numpy(
            zero_copy_only=False
        )
        return found[codes]
    return numbers
