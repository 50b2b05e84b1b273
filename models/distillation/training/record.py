"""The record of a run in its work folder: what it is made from, its log, and its best step.

`run.json` has the settings and a hash of the labels, `log.jsonl` a line for every step:

    {"step": 99, "loss": 0.71, "norm": 1.1, "seconds": 0.9}
    {"step": 100, "loss": 0.66, ..., "valid_loss": 0.61, "texts": 96, "faithful": 0.36, ...}

All that a run decides by its past is read from there: a run that goes on after a kill decides the
same.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.files import write_whole
from models.distillation.evaluate import Share
from models.distillation.training.config import TrainConfig
from models.distillation.training.data import rows_hash
from models.prism.engines.protocol import reading

RUN, LOG = "run.json", "log.jsonl"
Figures = dict[str, float]


def claim(
    work: Path, config: TrainConfig, labels: Path, base: Path | None, processes: int, done: int
) -> None:
    """Note what the run is made from.

    Raises FileExistsError where the folder has checkpoints (`done` steps) of another run.
    """
    made_from = {"labels": rows_hash(labels), "base": base and str(base), "processes": processes}
    run = {**config.model_dump(), **made_from}
    work.mkdir(parents=True, exist_ok=True)
    file = work / RUN
    if file.exists():
        with reading(file):
            before = {**TrainConfig().model_dump(), "processes": 1, **json.loads(file.read_text())}
        other = [f"{name} was {before.get(name)}" for name in run if run[name] != before.get(name)]
        if other and done:
            raise FileExistsError(
                f"{work} holds another run ({', '.join(other)}): go on with its settings, remove "
                "it, or choose another --work"
            )
        if not other:
            return
        # It came to nothing: its tokenizer is of other labels, perhaps of none.
        (work / "tokenizer.json").unlink(missing_ok=True)
    write_whole(file, json.dumps(run, indent=2))


def forget_after(work: Path, done: int) -> None:
    """Drop the lines of steps after the last checkpoint: a kill leaves some, or half of one."""
    file = work / LOG
    lines = file.read_text("utf-8").splitlines(keepends=True) if file.exists() else []
    if len(lines) != done:
        write_whole(file, "".join(lines[:done]))


def logged(work: Path, done: int) -> list[Figures]:
    """Return the figures of the first steps, up to a checkpoint. Raises ModelError."""
    file = work / LOG
    with reading(file):
        lines = file.read_text("utf-8").splitlines() if done else []
        return [json.loads(line) for line in lines[:done]]


@dataclass(frozen=True, slots=True)
class Best:
    """The best validation of a run so far."""

    step: int = 0
    since: int = 0
    """Validations after it."""
    loss: float = float("inf")
    faithful: float = 0.0
    highest: float = 0.0
    """The largest share of faithful texts, whenever it was."""

    def after(self, figures: Mapping[str, float]) -> "Best":
        """Return the best after one more validation.

        Faithfulness comes first, the loss second: of the steps that are as faithful as the most
        faithful one, the one of the lowest loss. Shares that a sample of texts cannot tell apart
        (within the 95% interval of the highest) are equal: of 96 texts one more or less is luck,
        where the loss still tells which has learnt more.
        """
        texts = round(figures["texts"])
        highest = max(self.highest, figures["faithful"])
        lowest, _ = Share(round(highest * texts), texts).interval
        improves = self.faithful < lowest or (
            figures["faithful"] >= lowest and figures["valid_loss"] < self.loss
        )
        if not improves:
            return Best(self.step, self.since + 1, self.loss, self.faithful, highest)
        step = round(figures["step"])
        return Best(step, 0, figures["valid_loss"], figures["faithful"], highest)


def best_of(rows: Iterable[Mapping[str, float]]) -> Best:
    """Return the best of a log's validations."""
    best = Best()
    for figures in rows:
        if "texts" in figures:
            best = best.after(figures)
    return best
