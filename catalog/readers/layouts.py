"""Layouts: how a file is cut into rows and cells, told or guessed from its first bytes.

`1::1193::5::978300760` is a row of four cells between "::", without a header or quotes. What is not
told is guessed from a sample, and the guess is said before anything is imported:

    ratings.dat: read as text with "::" between cells, no header, no quotes, utf-8
"""

import ast
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from catalog.tables import DatasetError

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

Format = Literal["text", "jsonl", "json", "python", "parquet"]
_DELIMITERS = (",", "\t", ";", "|", "::")
_PLAIN = {"\t", "|", "::"}
"""Separators of formats that know no quotes: there they are taken for such on evidence only."""
_SAMPLED_LINES = 500
_LONGEST_CELL = 2**28
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1b]")
_NAMES = {"\t": "tabs", " ": "spaces"}


class Layout(BaseModel):
    """How a file is cut into rows and cells; None is to be guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format | None = Field(None, description="text is CSV and its kin.")
    delimiter: str | None = Field(None, min_length=1, description="Between two cells.")
    header: bool | None = Field(
        None, description="False: the first line is data, and columns are called 1, 2, …"
    )
    encoding: str | None = Field(None, description="As Python calls it: utf-8, windows-1252.")
    quotes: bool | None = Field(None, description='False: a " is a character like any other.')
    escape: bool = Field(False, description=r'A quote inside a quoted cell is written \", not "".')

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                "".encode(name)
            except LookupError:
                raise ValueError("is no encoding that Python knows") from None
        return name

    @field_validator("delimiter")
    @classmethod
    def _check_delimiter(cls, text: str | None) -> str | None:
        text = {"\\t": "\t", "tab": "\t"}.get(text or "", text)
        if text is not None and set(text) & set('"\r\n\x1f'):
            raise ValueError("separates no cells: a quote or the end of a line")
        return text


class Settled(NamedTuple):
    """A file's layout with nothing left open, its columns, and how the layout is told."""

    layout: Layout
    encoding_is_sure: bool
    names: list[str]
    told: str


def settle(layout: Layout, sample: bytes, whole: bool, name: str, needed: Sequence[str]) -> Settled:
    """Return the layout of a file that begins with `sample`.

    Parameters
    ----------
    whole : the sample is all of the file, so its last line is not cut
    needed : columns that are asked for; where all are numbers, there is no header

    Raises
    ------
    DatasetError
        The file is empty or binary, or does not fit what was told of it.
    """
    if sample.startswith(b"PAR1"):
        return Settled(Layout(format="parquet"), True, [], f"{name}: read as Parquet")
    encoding, sure = _encoding(layout, sample, name)
    text = _text(sample, encoding, whole)
    if not text.strip():
        raise DatasetError(f"{name}: the file is empty")
    form = layout.format or _format(text)
    if form != "text":
        kind = {"jsonl": "JSON lines", "json": "a JSON list", "python": "Python's dicts"}[form]
        settled = layout.model_copy(update={"format": form, "encoding": encoding})
        return Settled(settled, sure, [], f"{name}: read as {kind}, {encoding}")
    return _settle_text(layout, text, encoding, sure, name, needed)


# ---------------------------------------------------------------------- bytes to text


def _encoding(layout: Layout, sample: bytes, name: str) -> tuple[str, bool]:
    """Return the encoding, and whether it is sure: told, or seen in letters beyond ASCII."""
    if layout.encoding is not None:
        return layout.encoding, True
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding, True
    if _CONTROLS.search(sample[:1000].partition(b"\n")[0]):
        raise DatasetError(f"{name} is neither text, JSON lines nor Parquet, packed or not")
    beyond = [line for line in sample.split(b"\n")[:-1] or [sample] if not line.isascii()]
    as_utf8 = sum(_is_utf8(line) for line in beyond)
    # A file of both is damaged UTF-8: as another encoding, its good letters would be lost.
    return ("windows-1252", False) if beyond and not as_utf8 else ("utf-8", False)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(sample: bytes, encoding: str, whole: bool) -> str:
    text = sample.decode(encoding, errors="replace").removeprefix("\ufeff")
    if not whole and "\n" in text:
        text = text[: text.rindex("\n") + 1]
    return text


def _format(text: str) -> Format:
    first = text.lstrip().split("\n", 1)[0].strip()
    if first.startswith("["):
        return "json" if re.match(r"\s*\[\s*(\{|\]\s*$)", text) else "text"
    if not first.startswith("{"):
        return "text"
    try:
        json.loads(first)
    except ValueError:
        try:
            ast.literal_eval(first)
        except (ValueError, SyntaxError):
            return "jsonl"
        return "python"
    return "jsonl"


# ---------------------------------------------------------------------- text to cells


def _settle_text(
    layout: Layout, text: str, encoding: str, sure: bool, name: str, needed: Sequence[str]
) -> Settled:
    lines = list(islice(io.StringIO(text, newline=""), _SAMPLED_LINES))
    delimiter, quotes = _cut(layout, lines, name, needed)
    rows = _rows(lines, delimiter, quotes, layout.escape)
    first = next((row for row in rows if row), None)
    if first is None:
        raise DatasetError(f"{name}: the header is not CSV")
    cells = [cell.strip() for cell in first]
    header = layout.header
    if header is None:
        header = not _are_numbers(needed)
    names = cells if header else [str(n + 1) for n in range(len(cells))]
    settled = Layout(
        format="text", delimiter=delimiter, header=header, encoding=encoding, quotes=quotes,
        escape=layout.escape,
    )  # fmt: skip
    between = _NAMES.get(delimiter, f"“{delimiter}”")
    told = (
        f"{name}: read as text with {between} between cells, "
        f"{'a' if header else 'no'} header, {'quotes' if quotes else 'no quotes'}, {encoding}"
    )
    ways = {
        "--delimiter": layout.delimiter is None,
        "--no-header" if header else "--header": layout.header is None,
        "--no-quotes" if quotes else "--quotes": layout.quotes is None and len(delimiter) == 1,
        "--encoding": not sure,
    }
    if guessed := [way for way, is_guess in ways.items() if is_guess]:
        told += f" (say {' or '.join(', '.join(guessed).rsplit(', ', 1))} to change it)"
    return Settled(settled, sure, names, told)


def _are_numbers(names: Sequence[str]) -> bool:
    return bool(names) and all(name.isdecimal() for name in names)


def _cut(layout: Layout, lines: list[str], name: str, needed: Sequence[str]) -> tuple[str, bool]:
    """Return what separates cells and whether quotes enclose them.

    Best is what finds a needed column in the first line, then what cuts most lines alike.
    """
    own = "\t" if name.endswith(".tsv") else ","
    ranked = []
    for delimiter in [layout.delimiter] if layout.delimiter else _DELIMITERS:
        for quotes in _quotings(layout, delimiter):
            rows = _rows(lines, delimiter, quotes, layout.escape)
            widths = Counter(len(row) for row in rows if row)
            width, alike = widths.most_common(1)[0] if widths else (0, 0)
            if width < 2 and not layout.delimiter:
                continue
            first = {cell.strip() for cell in next(filter(None, rows), [])}
            found = 0 if _are_numbers(needed) else len(first & set(needed))
            preferred = delimiter == own
            ranked.append((found, alike / len(rows), preferred, width, delimiter, quotes))
    if not ranked:
        return own, layout.quotes is not False
    *_, delimiter, quotes = max(ranked, key=lambda one: one[:-2])
    if layout.quotes is None and delimiter in _PLAIN and quotes:
        quotes = _needs_quotes(lines, delimiter)
    return delimiter, quotes


def _quotings(layout: Layout, delimiter: str) -> tuple[bool, ...]:
    if len(delimiter) > 1:
        return (False,)
    if layout.quotes is not None:
        return (layout.quotes,)
    return (True, False) if delimiter in _PLAIN else (True,)


def _needs_quotes(lines: list[str], delimiter: str) -> bool:
    """Say whether quotes enclose cells where most formats have none.

    They do where a quoted cell holds what it could not hold without them, or a column has them in
    every row: 1686⇥"Heroes" is a title with quotes of its own.
    """
    with_quotes = [row for row in _rows(lines, delimiter, True, False) if row]
    plain = [row for row in _rows(lines, delimiter, False, False) if row]
    if len(with_quotes) < len(plain) or any('"' in cell for row in with_quotes for cell in row):
        return True
    if {len(row) for row in with_quotes} != {len(row) for row in plain}:
        return True
    columns = zip(*plain[1:], strict=False)
    return any(all(cell[:1] == cell[-1:] == '"' for cell in column) for column in columns)


def _rows(lines: list[str], delimiter: str, quotes: bool, escape: bool) -> list[list[str]]:
    """Return the cells of lines; a line that cannot be read has none."""
    if len(delimiter) > 1:
        return [line.rstrip("\r\n").split(delimiter) for line in lines if line.strip()]
    rows: list[list[str]] = []
    reader = csv_rows(lines, delimiter, quotes, escape)
    while True:
        try:
            rows.append(next(reader))
        except StopIteration:
            return rows
        except csv.Error:
            rows.append([])


def csv_rows(lines: Iterable[str], delimiter: str, quotes: bool, escape: bool) -> "CsvReader":
    """Return Python's csv reader of such cells: a strict one, or an open quote would swallow rows.

    It is at the line `line_num`, and raises csv.Error for what is no row.
    """
    csv.field_size_limit(_LONGEST_CELL)  # Python's own of 128 KiB Arrow does not have
    return csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        escapechar="\\" if quotes and escape else None,
        skipinitialspace=quotes,
        strict=True,
    )
