"""Times: what a column of moments is written in, guessed from a sample, and the seconds it means.

20180920 is a day, 1586445693499 are milliseconds, `11/12/2019 2:14:46 PM` is the twelfth of
November where the sample has days beyond the twelfth in second place. Read as Unix seconds, the
first would be the 22nd of August 1970: so what a guess puts before 1990 is never taken in silence.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from catalog.tables import DatasetError

_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_800
"""The years 1 to 9999 in Unix seconds; today's milliseconds, for one, lie outside."""
EARLIEST = 631_152_000
"""1990: before it nobody logged who watched what, so a guess that says so is likely wrong."""
_LATEST = 4_102_444_800
_UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_DAY = re.compile(r"\d{8}")
_PATTERNS = (
    "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%a %b %d %H:%M:%S %z %Y", "%m %d, %Y",
    "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%Y%m%d%H%M%S",
)  # fmt: skip
FORMS = (*_UNITS, "days")
"""What --times may be besides a pattern of strptime; `seconds` reads ISO 8601 as well."""


class Times:
    """How a column of moments is read.

    Parameters
    ----------
    form : one of `FORMS`, or a pattern of strptime such as "%d.%m.%Y"
    guessed : what it says before 1990 is rejected
    """

    def __init__(self, form: str, *, guessed: bool = False) -> None:
        self.form, self.guessed = form, guessed
        self._known: dict[str, int | None] = {}

    def seconds(self, column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the Unix seconds of n cells, and which of them are no moments."""
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            return _stored(column)
        if self.form in _UNITS and (numbers := _whole(column)) is not None:
            found = numbers // _UNITS[self.form]
            bad = np.zeros(len(found), dtype=np.bool_)
        else:
            found, bad = self._one_by_one(column)
        bad |= (found < _FIRST_SECOND) | (found >= _LAST_SECOND)
        return found, bad

    def _one_by_one(self, column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        if pa.types.is_nested(column.type):
            column = pa.nulls(len(column), pa.string())
        texts = column.cast(pa.string()).dictionary_encode()
        seconds = [self._of(text) for text in texts.dictionary.to_pylist()]
        found = np.array([0 if one is None else one for one in seconds], dtype=np.int64)
        missing = np.array([one is None for one in seconds], dtype=np.bool_)
        codes = texts.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        if not seconds:
            return np.zeros(len(codes), dtype=np.int64), np.ones(len(codes), dtype=np.bool_)
        return found[codes], missing[codes] | (codes < 0)

    def _of(self, text: str) -> int | None:
        if text not in self._known:
            self._known[text] = _parsed(text.strip(), self.form)
        return self._known[text]


def guess(cells: Sequence[Any], column: str) -> Times:
    """Return how the cells of a sample are to be read.

    Raises DatasetError where no way is likely; the message says what else they may be.
    """
    texts = [str(cell).strip() for cell in cells if cell is not None and str(cell).strip()]
    if not texts or any(isinstance(cell, datetime) for cell in cells):
        return Times("seconds", guessed=True)
    forms = [form for form in (*FORMS, *_PATTERNS) if _is_likely(texts, form)]
    if forms:
        return Times(forms[0], guessed=True)
    seconds = [one for text in texts if (one := _parsed(text, "seconds")) is not None]
    if len(seconds) * 2 > len(texts) and sorted(seconds)[len(seconds) // 2] < EARLIEST:
        year = datetime.fromtimestamp(sorted(seconds)[len(seconds) // 2], UTC).year
        raise DatasetError(
            f"the times in {column!r}, such as {texts[0]!r}, would lie in {year}: say --times with "
            f"what they are ({', '.join(FORMS)}, or a pattern such as %d.%m.%Y)"
        )
    if len(seconds) * 2 > len(texts):
        return Times("seconds", guessed=True)
    raise DatasetError(
        f"the times in {column!r}, such as {texts[0]!r}, are of no form that is known: say --times "
        "with a pattern of strptime, such as '%d.%m.%Y %H:%M'"
    )


def told(times: Times, cell: str) -> str:
    """Return how a form is told to people, with an example."""
    seconds = _parsed(cell, times.form)
    names = {"seconds": "Unix seconds or ISO 8601", "days": "days YYYYMMDD"}
    name = names.get(times.form, times.form)
    if seconds is None:
        return name
    return f"{name}: {cell} is {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _is_likely(texts: Sequence[str], form: str) -> bool:
    """Say whether nearly all cells are moments of this form, after 1990 and before 2100."""
    good = 0
    for text in texts:
        seconds = _parsed(text, form)
        good += seconds is not None and EARLIEST <= seconds < _LATEST
    return good >= 0.9 * len(texts)


def _parsed(text: str, form: str) -> int | None:
    """Return the Unix seconds of a cell, or None for what is no moment of the years 1 to 9999."""
    try:
        if form in _UNITS:
            return _number(text, _UNITS[form]) if _is_number(text) else _iso(text)
        if form == "days":
            if not _DAY.fullmatch(text.removesuffix(".0")):
                return None
            return _stamp(datetime.strptime(text.removesuffix(".0"), "%Y%m%d"))
        return _stamp(datetime.strptime(text, form))
    except (ValueError, OverflowError):
        return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _number(text: str, unit: int) -> int | None:
    number = float(text)
    if not math.isfinite(number):
        return None
    # A whole number keeps its digits, which a float of nanoseconds has not.
    seconds = int(text) // unit if text.lstrip("+-").isdecimal() else math.floor(number / unit)
    return seconds if _FIRST_SECOND <= seconds < _LAST_SECOND else None


def _iso(text: str) -> int:
    return _stamp(datetime.fromisoformat(text.removesuffix(" UTC")))


def _stamp(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return math.floor(aware.timestamp())


def _stored(column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the Unix seconds of moments as Parquet keeps them, whatever their unit and zone."""
    missing = column.is_null().to_numpy(zero_copy_only=False)
    exact = column.cast(pa.timestamp("us"), safe=False) if pa.types.is_date(column.type) else column
    micros = exact.cast(pa.timestamp("us", getattr(exact.type, "tz", None)), safe=False)
    return micros.cast(pa.int64()).fill_null(0).to_numpy() // 10**6, missing


def _whole(column: pa.Array) -> NDArray[np.int64] | None:
    """Return the cells as whole numbers, where all of them are."""
    if column.null_count:
        return None
    try:
        numbers: NDArray[np.int64] = pc.cast(column, pa.int64()).to_numpy()
    except pa.ArrowException:
        return None
    return numbers
