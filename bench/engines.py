"""A Prism on CTranslate2, beside transformers' `generate` on the same weights.

`python -m bench.engines [MODEL]`. Both write the same Facts, those of the demo users' top ten; the
peer runs in fp32 on all cores. "Sustained" is what a worker does: batches of its size, as many at
once as it has in flight.
"""

from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from bench.measure import console, in_turns, ratio, write_all
from catalog import dataset as datasets
from catalog.facts import Facts
from models.prism.engines.choice import model_folder
from models.prism.engines.ctranslate2_engine import CTranslate2Engine
from models.prism.engines.protocol import Engine
from models.prism.engines.torch_engine import TorchEngine
from ranker.als import AlsRanker
from ranker.evidence import recommendations
from service.settings import Settings
from service.worker import IN_FLIGHT

USERS, ROUNDS = 32, 5
CASES = {"batch 1": (20, 1, 1), "batch 10": (40, 10, 1), "batch 64": (64, 64, 1)}
"""Facts written, how many in a batch, and how many batches at once."""


def main(
    model: Annotated[str, typer.Argument(help="small, a folder, or a name on the hub.")] = "small",
) -> None:
    """Print explanations a second."""
    facts = _facts(Path("data/demo"), Path("data/ranker"))
    folder = model_folder(model)
    ours = CTranslate2Engine(folder, Settings().engines)
    rivals: dict[str, Engine] = {
        "CTranslate2, int8": ours,
        "transformers, fp32": TorchEngine(folder, "cpu", "float32"),
    }
    worker = Settings().batch_size
    table = Table("", *rivals, "ratio", title="explanations a second, median")
    sustained = {f"sustained, by {worker}": (len(facts), worker, IN_FLIGHT)}
    for case, (count, size, at_once) in {**CASES, **sustained}.items():
        tasks = {n: partial(write_all, e, facts[:count], size, at_once) for n, e in rivals.items()}
        seconds = in_turns(tasks, ROUNDS)
        rates = [f"{count / np.median(values):.0f}" for values in seconds.values()]
        table.add_row(case, *rates, ratio(*reversed(seconds.values())))
    console.print(f"{len(facts)} Facts; CTranslate2 runs {ours.layout}")
    console.print(table)


def _facts(data: Path, snapshot: Path) -> list[Facts]:
    dataset, ranker = datasets.load(data), AlsRanker.load(snapshot)
    histories = [dataset.history(user) for user in dataset.user_ids[:USERS]]
    rankings = ranker.rank(histories, 10, [frozenset()] * len(histories))
    return [
        row.facts
        for history, ranking in zip(histories, rankings, strict=True)
        for row in recommendations(dataset, history, ranking.items)
    ]


if __name__ == "__main__":
    typer.run(main)
