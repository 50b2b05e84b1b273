"""Guesses: what the cells of a sample are, and what could be tidied in them.

times: milliseconds: 1586445693499 is 2020-04-09 15:21:33 UTC (say --times to change it)
titles: some end in a year, such as “Heat (1995)” (say --tidy years to mend it)
"""

from collections.abc import Iterator

from catalog.readers import cells, tidy, times
from catalog.readers.plan import Columns, Plan
from catalog.readers.table import Table


def guessed(log: Table, catalogue: Table, columns: Columns) -> tuple[bool, times.Times]:
    """Return whether ids are whole numbers with a point, and what times are written in."""
    whole = columns.whole_ids
    if whole is None:
        ids = [
            text
            for table, column in ((log, columns.item), (catalogue, columns.item_key))
            for cell in table.cells(column)
            if isinstance(cell, str) and (text := cell.strip())
        ]
        pointed = [text for text in ids if cells.whole_id(text) != text]
        whole = bool(pointed) and all(text.replace(".", "", 1).isdecimal() for text in ids)
    if columns.timestamp is None:
        return whole, times.Times("seconds")
    if columns.times:
        return whole, times.Times(columns.times)
    return whole, times.guess(log.cells(columns.timestamp), columns.timestamp)


def notices(
    log: Table, catalogue: Table, plan: Plan, whole_ids: bool, form: times.Times
) -> Iterator[str]:
    """Yield what was guessed of cells, and what could be tidied."""
    columns, tidying = plan.columns, plan.tidying
    if columns.timestamp and not columns.times:
        example = next((str(c) for c in log.cells(columns.timestamp) if c is not None), "")
        yield f"times: {times.told(form, example)} (say --times to change it)"
    if whole_ids and columns.whole_ids is None:
        yield "item ids: 318.0 is 318 (say --no-whole-ids to keep the point)"
    titles = [str(cell) for cell in catalogue.cells(columns.title or "") if cell]
    for option, name, wanted in (
        ("years", "end in a year, such as", tidying.years),
        ("articles", "have their article behind, such as", tidying.articles),
        ("entities", "have HTML's entities, such as", tidying.entities),
    ):
        one = next((title for title in titles if _untidy(title, option)), None)
        if one and not wanted:
            yield f"titles: some {name} “{one}” (say --tidy {option} to mend it)"
    if columns.categories and (better := _better_separator(catalogue, columns)):
        yield (
            f"categories: “{columns.separator}” never occurs in {columns.categories!r}, “{better}” "
            f"does (say --separator '{better}')"
        )


def _untidy(title: str, option: str) -> bool:
    if option == "years":
        return tidy.split_year(title)[1] is not None
    if option == "articles":
        return tidy.front_article(tidy.split_year(title)[0]) != tidy.split_year(title)[0].strip()
    return tidy.unescaped(title) != title


def _better_separator(catalogue: Table, columns: Columns) -> str | None:
    """Return what separates categories where the separator that was told never does."""
    texts = [cell for cell in catalogue.cells(columns.categories or "") if isinstance(cell, str)]
    texts = [text for text in texts if text[:1] not in {"[", "{"}]
    if any(columns.separator in text for text in texts):
        return None
    counts = {mark: sum(mark in text for text in texts) for mark in (", ", "|", ";", ",", "/")}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] > 0.2 * len(texts) else None
