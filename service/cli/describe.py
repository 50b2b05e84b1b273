"""The command `prism data describe`: a Dataset in figures and sentences, before it is served."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from catalog import dataset as datasets
from catalog.dataset import Dataset
from catalog.describe import describe
from models.language.grounded import GroundedEngine
from models.language.tellable import is_tellable
from ranker.evidence import recommendations
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker
from service.cli.console import console, plain

_SENTENCES, _BAR, _ITEMS = 10, 30, 10_000


def describe_command(
    data: Annotated[Path, typer.Argument(help="Dataset folder.")],
    snapshot: Annotated[
        Path | None,
        typer.Option(help="A ranker's snapshot for the sentences; else what most users like."),
    ] = None,
) -> None:
    """Show a Dataset: users, items, values, details, and ten sentences as they will be said."""
    dataset = datasets.load(data)
    found = describe(dataset)
    info, counts = dataset.info, (len(dataset.user_ids), len(dataset.item_ids), len(dataset.items))
    console.print(
        f"{info.name}: {counts[0]:,} users, {counts[1]:,} items, {counts[2]:,} interactions"
    )
    low, middle, high, most = found.per_user
    console.print(
        f"interactions a user: {low:,} to {most:,}, half of them up to {middle:,}, 9 of 10 up to "
        f"{high:,}; items that nobody touched: {found.unused:,}"
    )
    values = Table("value", "interactions", "", title=f"values, taken as {info.kind}")
    largest = max(number for _, number in found.values)
    for label, number in found.values:
        values.add_row(label, f"{number:,}", "█" * round(_BAR * number / largest))
    details = Table("detail", "items that have it", "of these a text may tell", title="details")
    told = _told(dataset)
    for name, share in found.details.items():
        details.add_row(plain(name), f"{share:.1%}", f"{told[name]:.0%}" if name in told else "")
    spoken = Table("what is said", "entries", title="what a sentence may say of a history")
    for name, number in found.spoken.items():
        spoken.add_row("nothing, as a dislike" if name == "dislike" else name, f"{number:,}")
    console.print(values, details, spoken)
    for sentence in _sentences(dataset, _ranker(dataset, snapshot)):
        console.print(f"- {sentence}", markup=False, highlight=False)


def _told(dataset: Dataset) -> dict[str, float]:
    """Return of each attribute the share of its values that a text may tell, over some items."""
    count = len(dataset.item_ids)
    items = [dataset.item(n) for n in range(0, count, max(1, count // _ITEMS))]
    names = {name for item in items for name in item.attributes}
    held = {name: [item.values(name) for item in items if item.values(name)] for name in names}
    return {n: sum(is_tellable(n, one) for one in held[n]) / len(held[n]) for n in names}


def _ranker(dataset: Dataset, snapshot: Path | None) -> Ranker:
    if snapshot is None:
        return PopularityRanker(dataset)
    from ranker.als import AlsRanker  # noqa: PLC0415

    return AlsRanker.load(snapshot)


def _sentences(dataset: Dataset, ranker: Ranker) -> Iterator[str]:
    """Yield what the grammar says of the first item of ten users, spread over all."""
    step = max(1, len(dataset.user_ids) // _SENTENCES)
    for user in dataset.user_ids[::step][:_SENTENCES]:
        history = dataset.history(user)
        [ranking] = ranker.rank([history], 1, [frozenset()])
        facts = [row.facts for row in recommendations(dataset, history, ranking.items)]
        yield from GroundedEngine().write(facts)
