"""The command `prism train-ranker`: fit ALS, and say whether it is better than popularity."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from catalog import dataset as datasets
from catalog.dataset import Dataset
from catalog.split import last_fifth, leave_last_out
from ranker import als
from ranker import tune as tuning
from ranker.evaluate import Quality, evaluate, interval
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker
from service.cli.console import DataOption, SnapshotOption, bad_parameter, console, progress_bar

app = typer.Typer()
_DEFAULTS = als.AlsConfig()


@app.command()
def train_ranker(
    data: DataOption = Path("data/demo"),
    snapshot: SnapshotOption = Path("data/ranker"),
    factors: Annotated[
        int, typer.Option(min=1, max=1024, help="Latent dimensions.")
    ] = _DEFAULTS.factors,
    regularization: Annotated[
        float, typer.Option(help="Ridge penalty.")
    ] = _DEFAULTS.regularization,
    alpha: Annotated[
        float, typer.Option(min=0, help="Extra confidence of a liking.")
    ] = _DEFAULTS.alpha,
    iterations: Annotated[int, typer.Option(min=1, help="Alternations.")] = _DEFAULTS.iterations,
    seed: Annotated[int, typer.Option(help="Of the initial factors.")] = _DEFAULTS.seed,
    check: Annotated[
        bool, typer.Option(help="Measure its quality on temporal splits first.")
    ] = True,
    tune: Annotated[
        int,
        typer.Option(
            min=0, help="Try so many settings on a validation split of their own; take the best."
        ),
    ] = 0,
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
    if tune:
        config = _tuned(dataset, config, tune)
    splits = (
        {"last liking of each user": leave_last_out, "last 20% of each user": last_fifth}
        if check
        else {}
    )
    tables: list[Table] = []
    quality: dict[str, dict[str, dict[str, list[float]]]] = {}
    with progress_bar() as progress:
        task = progress.add_task("fitting", total=config.iterations * (len(splits) + 1))
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
    verdict = "".join(
        _verdict(name, found["difference"]["ndcg@10"]) for name, found in quality.items()
    )
    console.print(
        f"{snapshot}: als {ranker.version}, {config.factors} factors{verdict}", markup=False
    )


def _tuned(dataset: Dataset, base: als.AlsConfig, count: int) -> als.AlsConfig:
    """Return the best of some settings, and show how all of them did."""
    with progress_bar(remaining=True) as progress:
        task = progress.add_task("tuning", total=base.iterations * count)
        found = tuning.tune(dataset, base, count, lambda: progress.advance(task))
    if not found:
        console.print("tuning: too little data to hold anything out")
        return base
    table = Table("factors", "regularization", "alpha", "NDCG@10", title="validation split")
    for config, ndcg in found:
        table.add_row(
            str(config.factors), f"{config.regularization:g}", f"{config.alpha:g}", str(ndcg)
        )
    console.print(table)
    return found[0][0]


def _verdict(split: str, difference: list[float]) -> str:
    """Return what is to be said where ALS is not better than popularity; else nothing."""
    mean, low, high = difference
    if low > 0:
        return ""
    how = "worse than" if high < 0 else "not better than"
    return (
        f"; {how} popularity on the {split}: NDCG@10 {mean:+.4f} [{low:+.4f}, {high:+.4f}]. "
        "Try --tune 20, or serve what most like: PRISM_RANKER=popularity prism serve"
    )


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
