"""The command `prism evaluate-evidence`: whether what explanations tell are reasons at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table
from threadpoolctl import threadpool_limits

from catalog import dataset as datasets
from catalog.dataset import Dataset
from ranker.als import AlsRanker
from ranker.consistency import Untold, borne_out, untold
from ranker.evaluate import Floats, interval
from ranker.fidelity import DEPTH, PARTS, TOP, Fall, Removal, by_length, falls, left, lost, share
from service.cli.console import DataOption, SnapshotOption, console, progress_bar

app = typer.Typer()
_OTHERS: dict[Removal, str] = {
    "random": "as many at random", "similar": "most similar ones", "latest": "the latest ones",
}  # fmt: skip


@app.command()
def evaluate_evidence(
    data: DataOption = Path("data/demo"),
    snapshot: SnapshotOption = Path("data/ranker"),
    users: Annotated[int, typer.Option(min=1, help="Measure so many, drawn at random.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of users and random entries.")] = 0,
) -> None:
    """Measure whether the entries that explanations name carry the items, and persuade.

    Fidelity: each of a user's first ten items is ranked again without the entries of the history
    that its explanation names, and without as many others; how much of its score does it lose, and
    does it leave the first ten? Consistency: how often do the user's own dislikes speak against
    what is true of an item, so that it is not told? No model and no text is needed.
    """
    dataset, ranker = datasets.load(data), AlsRanker.load(snapshot)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(dataset.user_ids))[:users].tolist()
    found: list[Fall] = []
    told: list[Untold] = []
    with progress_bar(remaining=True) as progress, threadpool_limits(limits=1, user_api="blas"):
        for user in progress.track(order, description="ranking again"):
            found += falls(dataset, ranker, dataset.user_ids[user], rng)
            if one := untold(dataset, ranker, dataset.user_ids[user]):
                told.append(one)
    if found:
        console.print(*_fidelity(found))
    else:
        console.print("fidelity: too few likings to compare those that are named with others")
    if told and dataset.info.liking_threshold is not None:
        console.print(_consistency(dataset, told))
    if found or told:
        console.print("Means over users with 95% bootstrap intervals; differences are paired.")


def _fidelity(found: Sequence[Fall]) -> list[Table]:
    table = Table(
        "removed", "score lost", f"leave first {TOP}", "median rank",
        title=f"{len(found):,} items ranked again without entries of the history",
    )  # fmt: skip
    _add_rows(table, found, list(_OTHERS))
    table.add_row("named, as the ranker tells", _percent(share(found)), "", "")
    for group in by_length(found):
        numbers = [fall.likings for fall in group]
        table.add_section()
        table.add_row(f"{min(numbers):,} to {max(numbers):,} likings", "", "", "")
        _add_rows(table, group, ["random"])
    three = [fall for fall in found if PARTS.keys() <= fall.effects.keys()]
    if not three:
        return [table]
    parts = Table("removed", "of what all three take", title="where three entries are named")
    whole = lost(three, "named")
    for part in PARTS:
        parts.add_row(f"the {part}", _percent(lost(three, part)[whole > 0] / whole[whole > 0]))
    return [table, parts]


def _add_rows(table: Table, found: Sequence[Fall], others: Sequence[Removal]) -> None:
    """Add what the named entries take, what others do, and how much more the named ones do."""
    for removal in ("named", *others):
        rank = float(np.median([fall.effects[removal].rank for fall in found]))
        table.add_row(
            _OTHERS.get(removal, "named"),
            _percent(lost(found, removal)),
            _percent(left(found, removal)),
            f"{rank:g}" if rank <= DEPTH else f"> {DEPTH}",
        )
    for removal in others:
        more_lost = lost(found, "named") - lost(found, removal)
        more_left = left(found, "named") - left(found, removal)
        table.add_row(f"named less {removal}", _percent(more_lost), _percent(more_left), "")


def _consistency(dataset: Dataset, told: Sequence[Untold]) -> Table:
    table = Table("dislikes speak against", "share", title="What is not told to a user")
    table.add_row("a trait of the item", _percent(np.array([one.of_item for one in told])))
    table.add_row(
        "a trait that the evidence shares", _percent(np.array([one.shared for one in told]))
    )
    table.add_row(
        "all categories of the item", _percent(np.array([one.everything for one in told]))
    )
    those, others = borne_out(dataset)
    if len(those):
        table.add_row("such items, when touched later: liked", _percent(those))
        table.add_row("the users' other later items: liked", _percent(others))
        table.add_row("difference", _percent(those - others))
    return table


def _percent(values: Floats) -> str:
    found = interval(values)
    return f"{found.mean:.1%} [{100 * found.low:.1f}, {100 * found.high:.1f}]"
