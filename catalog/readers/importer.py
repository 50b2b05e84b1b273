"""The importer: tables as people have them into a Dataset, with every row accounted for.

    prism data import table ratings.csv books.csv --data data/books --user reader --item isbn …

First all that was not told is guessed from samples and said; then items are read, then
interactions, block by block. Of each table kept + rejected + ignored is the number of its rows, and
what would be changed in silence is an error that names its likely cure.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from catalog.dataset import Dataset, save
from catalog.readers import cells
from catalog.readers.blocks import Row
from catalog.readers.guesses import guessed, notices
from catalog.readers.interactions import InteractionReader, chosen_rows
from catalog.readers.items import details_of, read_items
from catalog.readers.plan import Columns, Plan
from catalog.readers.report import Place, Report, place
from catalog.readers.sources import Source
from catalog.readers.table import Progress, Table
from catalog.tables import DatasetError

_REPEATS = {
    "ratings": "the latest of each holds",
    "counts": "their values are added up",
    "events": "they count once",
}


def import_table(
    folder: Path,
    plan: Plan,
    interactions: Sequence[Source],
    items: Sequence[Source] = (),
    details: Sequence[Source] = (),
    *,
    card: str = "",
    tell: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda *_: None,
) -> tuple[Dataset, Report]:
    """Read tables into a dataset folder; see `read_tables`.

    Parameters
    ----------
    card : Markdown on where the data come from
    """
    tables, report = read_tables(plan, interactions, items, details, tell=tell, progress=progress)
    names = ", ".join(f"`{source.name}`" for source in (*interactions, *items, *details))
    card = card or f"# {plan.info.name}\n\nImported from {names}.\n"
    dataset = save(folder, plan.info, *tables, card)
    repeats = report.kept["interactions"] - len(dataset.items)
    if repeats:
        report.told.append(
            f"interactions: {repeats:,} repeat a user and an item: {_REPEATS[plan.info.kind]}"
        )
    return dataset, report


def read_tables(
    plan: Plan,
    interactions: Sequence[Source],
    items: Sequence[Source] = (),
    details: Sequence[Source] = (),
    *,
    tell: Callable[[str], None] = lambda line: None,
    progress: Progress = lambda *_: None,
) -> tuple[tuple[pa.Table, pa.Table], Report]:
    """Return the items and the interactions of tables, and what became of every row.

    Lines are those of a text editor (the header of a CSV file is line 1) and for Parquet and JSON
    lists row numbers from 1.

    Parameters
    ----------
    items : files of items; without any, the interactions tell them
    details : files with more columns of items; several rows of one item are a list
    tell : hears how the tables will be read, before they are

    Raises
    ------
    DatasetError
        A file or a column is missing or cannot be understood, the ids of the two tables never
        meet, or no usable row is left; the message says why and what may help.
    """
    columns = plan.columns
    log = Table("interactions", interactions, plan.interactions, columns.of_interactions)
    catalogue, more = log, None
    if items:
        catalogue = Table("items", items, plan.items, [columns.item_key, *columns.of_items])
    else:
        columns = columns.model_copy(update={"id": None})
        plan = plan.model_copy(update={"columns": columns})
    if details:
        more = Table("details", details, plan.details, [columns.item_key])
        more.require([columns.item_key])
    _require(log, catalogue, more, columns)
    whole_ids, form = guessed(log, catalogue, columns)
    for line in dict.fromkeys([*log.told, *catalogue.told, *(more.told if more else [])]):
        tell(line)
    for line in notices(log, catalogue, plan, whole_ids, form):
        tell(line)

    report, found = Report(), {}
    if more:
        wanted = list(dict.fromkeys([columns.item_key, *columns.of_items]))
        found = details_of(_records(more, wanted, progress), columns, whole_ids)
    rows = _item_rows(catalogue, log, columns, report, progress)
    item_table = read_items(rows, plan, whole_ids, found, report)
    index = {item_id: n for n, item_id in enumerate(item_table["id"].to_pylist())}
    report.kept["interactions"] = 0
    reader = InteractionReader(columns, plan.info, index, form, whole_ids, report)
    for file, block in log.blocks(columns.of_interactions, progress):
        reader.read(file, block)
    _check_usable(report, reader, index)
    return (item_table, reader.table()), report


def _require(log: Table, catalogue: Table, more: Table | None, columns: Columns) -> None:
    log.require(columns.of_interactions)
    optional = columns.of_items
    if more:  # a detail may be in either
        optional = [name for name in optional if not any(name in row for row in more.sample)]
    needed = [columns.item_key]
    if columns.title and columns.title in optional:
        needed.append(columns.title)
    catalogue.require(needed, optional)


# ---------------------------------------------------------------------- reading


def _records(
    table: Table, wanted: Sequence[str], progress: Progress, report: Report | None = None
) -> Iterator[tuple[Place, Row]]:
    for file, block in table.blocks(wanted, progress):
        for line, reason in block.broken if report else ():
            assert report is not None
            report.reject(table.what, reason, place(file, line))
        for line, row in block.records():
            yield place(file, line), row


def _item_rows(
    catalogue: Table, log: Table, columns: Columns, report: Report, progress: Progress
) -> Iterator[tuple[Place, Row]]:
    wanted = list(dict.fromkeys([columns.item_key, *columns.of_items]))
    if catalogue is not log:
        yield from _records(catalogue, wanted, progress, report)
        return
    seen: set[str] = set()
    more = [*wanted, *([columns.where] if columns.where else [])]
    for file, block in log.blocks(more, progress):
        codes, names = cells.codes_of(block.column(columns.item))
        codes[~chosen_rows(block, columns)] = -1
        first = dict(zip(codes[::-1].tolist(), range(len(codes) - 1, -1, -1), strict=True))
        new = set()
        for code, row in sorted(first.items(), key=lambda one: one[1]):
            name = names[code] if code >= 0 else None
            if name is not None and name not in seen:  # spellings may differ in spaces
                seen.add(name)
                new.add(row)
        if new:
            for n, (line, row) in enumerate(block.records()):
                if n in new:
                    yield place(file, line), row


def _check_usable(report: Report, reader: InteractionReader, index: dict[str, int]) -> None:
    if report.kept["interactions"]:
        return
    told = "; ".join(report.summary())
    strangers = list(reader.strangers)
    if strangers and index:
        told += (
            f"; the ids of the two tables never meet: items have {', '.join(list(index)[:3])}, "
            f"interactions {', '.join(strangers[:3])}{_likeness(strangers, index)}"
        )
    raise DatasetError(f"no usable row: {told}")


def _likeness(strangers: Sequence[str], index: dict[str, int]) -> str:
    """Return what would make the ids of two tables meet."""
    ways: dict[str, Callable[[str], str]] = {
        "say --whole-ids": cells.whole_id,
        "one of the tables has zeros in front": lambda name: name.lstrip("0"),
        "they differ in capitals": str.casefold,
        "one of the tables has letters in front": lambda name: name.lstrip("ntABCDEFG0"),
    }
    for cure, same in ways.items():
        if {same(name) for name in strangers} & {same(name) for name in index}:
            return f" ({cure})"
    return " (say --item and --id with the columns that hold the same ids)"
