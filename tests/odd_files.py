"""Odd files: one small table written in layouts drawn at random, and what is in it all the same."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

HEADER = ["user", "film", "stars", "when", "title"]
_TITLES = [
    "Heat", '"Weird Al" Yankovic', "Amélie", "Good, Bad; Ugly", "Ab|cd", '7" Single', "München",
    "O'Brien", "x: y", "#1 \\ Song", '"Heroes"', "It", "Tab\tbed", "C'est ça – oui",
]  # fmt: skip
_DAMAGES = ["short", "long", "blank", "no user", "no value"]


@dataclass(frozen=True)
class Style:
    """How a table is written."""

    form: str
    delimiter: str
    quoting: Literal[0, 1, 3]
    header: bool
    encoding: str
    newline: str
    packing: str
    times: str
    ids: str


@dataclass(frozen=True)
class OddFile:
    """A file, its usable (user, film, stars, seconds) rows, titles, and number of rows."""

    path: Path
    rows: list[tuple[str, str, float, int]]
    titles: dict[str, str]
    count: int
    header: bool


@st.composite
def styles(draw: st.DrawFn) -> Style:
    """Draw a layout that real files have."""
    form = draw(st.sampled_from(["text"] * 5 + ["jsonl", "json", "parquet"]))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", "::"]))
    plain = delimiter in {"\t", "|", "::"}
    quotings: list[Literal[0, 1, 3]] = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]
    if plain:
        quotings = [csv.QUOTE_NONE] if delimiter == "::" else [*quotings, csv.QUOTE_NONE]
    return Style(
        form=form,
        delimiter=delimiter,
        quoting=draw(st.sampled_from(quotings)),
        header=draw(st.booleans()),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "windows-1252", "utf-16"])),
        newline=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        packing=draw(st.sampled_from(["", "gz", "bz2", "xz", "zst", "zip"])),
        times=draw(st.sampled_from(["s", "ms", "iso", "utc", "us", "day"])),
        ids=draw(st.sampled_from(["whole", "point", "word"])),
    )


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[int, int, int, str]]:
    """Draw (user, film, half stars, damage) rows; a damage is what is wrong with a row."""
    row = st.tuples(
        st.integers(1, 9),
        st.integers(1, len(_TITLES)),
        st.integers(1, 10),
        st.sampled_from([""] * 12 + _DAMAGES),
    )
    first = (1, 1, 10, "")  # something to learn from
    return [first, *draw(st.lists(row, min_size=8, max_size=30))]


def write(folder: Path, style: Style, table: list[tuple[int, int, int, str]]) -> OddFile:
    """Write a table in a style."""
    cells, usable, count = [], [], 0
    titles: dict[str, str] = {}
    for n, (user, film, halves, damage) in enumerate(table):
        title = _TITLES[film - 1]
        if style.quoting == csv.QUOTE_NONE and (style.delimiter in title or "\n" in title):
            title = "Plain"
        if style.form != "text" and damage in {"short", "long", "blank"}:
            damage = ""  # noqa: PLW2901
        seconds = 1_000_000_000 + 86_400 * n
        row = [f"u{user}", _id(film, style), f"{halves / 2:g}", _time(seconds, style), title]
        if damage == "no user":
            row[0] = ""
        elif damage == "no value":
            row[2] = "many"
        cells.append({"short": row[:3], "long": [*row, "x"], "blank": []}.get(damage, row))
        count += damage != "blank"
        if not damage:
            shown = seconds - seconds % 86_400 if style.times == "day" else seconds
            usable.append((row[0], _plain_id(film, style), halves / 2, shown))
            titles.setdefault(_plain_id(film, style), title)
    data = _bytes(style, cells)
    path = folder / f"odd.{style.form}"
    path.write_bytes(_packed(data, style, folder))
    return OddFile(path, usable, titles, count, style.header or style.form != "text")


def _id(film: int, style: Style) -> str:
    return {"whole": f"{film}", "point": f"{film}.0", "word": f"tt{film:05}"}[style.ids]


def _plain_id(film: int, style: Style) -> str:
    return _id(film, style).removesuffix(".0")


def _time(seconds: int, style: Style) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return {
        "s": str(seconds),
        "ms": str(seconds * 1000),
        "iso": moment.isoformat(),
        "utc": f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        "us": f"{moment:%m/%d/%Y %I:%M:%S %p}",
        "day": f"{moment:%Y%m%d}",
    }[style.times]


def _bytes(style: Style, rows: list[list[str]]) -> bytes:
    if style.form == "text":
        return _text(style, rows).encode(style.encoding)
    records: list[dict[str, Any]] = [dict(zip(HEADER, row, strict=True)) for row in rows]
    if style.form == "jsonl":
        lines = (json.dumps(record, ensure_ascii=False) for record in records)
        return "".join(f"{line}\n" for line in lines).encode()
    if style.form == "json":
        return json.dumps(records).encode()
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), out)
    return out.getvalue()


def _text(style: Style, rows: list[list[str]]) -> str:
    rows = [HEADER, *rows] if style.header else rows
    if style.quoting == csv.QUOTE_NONE:
        return "".join(style.delimiter.join(row) + style.newline for row in rows)
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=style.delimiter,
        quoting=style.quoting,
        lineterminator=style.newline,
    )
    for row in rows:
        if row:
            writer.writerow(row)
        else:
            out.write(style.newline)
    return out.getvalue()


def _packed(data: bytes, style: Style, folder: Path) -> bytes:
    if style.packing == "zst":
        return bytes(pa.compress(data, "zstd", asbytes=True))
    if style.packing == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("inner/odd.data", data)
            archive.writestr("README.txt", "about it")
        return out.getvalue()
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
    }
    return packers[style.packing](data) if style.packing else data
