"""The card of a training run: what it was made from, how it went, and its curves as a picture."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.figure import Figure

from models.distillation.training.config import TrainConfig
from models.distillation.training.loop import SAMPLES, process
from models.distillation.training.precision import mixed
from models.distillation.training.record import LOG, RUN

_LIBRARIES = ("torch", "transformers", "accelerate", "tokenizers", "safetensors")
_SMOOTHED = 25  # steps


def write_card(
    out: Path, work: Path, config: TrainConfig, step: int, base: str | None = None
) -> None:
    """Write `card.json` and `curves.svg` into the folder of a Prism, or of a `base` fine-tuned.

    `step` is the one whose weights it has.
    """
    run = json.loads((work / RUN).read_text("utf-8"))
    steps = [json.loads(line) for line in (work / LOG).read_text("utf-8").splitlines()]
    measured = [row for row in steps if "valid_loss" in row]
    card = {
        "config": {"base": base, **config.model_dump(exclude={"layers", "vocabulary"})}
        if base
        else config.model_dump(),
        "step": step,
        "labels": run["labels"],
        "processes": run["processes"],
        "device": process().device.type,
        "precision": mixed(process().device),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "hours": round(sum(row["seconds"] for row in steps) / 3600, 2),
        "validation": measured,
        "samples": json.loads((work / SAMPLES).read_text("utf-8")),
    }
    text = json.dumps(card, indent=2, ensure_ascii=False)
    (out / "card.json").write_text(text + "\n", "utf-8")
    _curves(steps, measured, out / "curves.svg")


def _curves(steps: list[dict[str, float]], measured: list[dict[str, float]], file: Path) -> None:
    mpl.rcParams["svg.hashsalt"] = "prism"  # equal runs, equal files
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    cuts = range(0, len(steps), _SMOOTHED)
    groups = [steps[cut : cut + _SMOOTHED] for cut in cuts]
    left.plot(
        [group[-1]["step"] for group in groups],
        [sum(row["loss"] for row in group) / len(group) for group in groups],
        label=f"training, mean of {_SMOOTHED} steps",
    )
    at = [row["step"] for row in measured]
    left.plot(at, [row["valid_loss"] for row in measured], "o-", label="validation")
    left.set(xlabel="step", ylabel="cross-entropy, nats a token", yscale="log")
    left.legend()
    for name, told in (("faithful", "pass strict"), ("exact", "equal the label")):
        right.plot(at, [row[name] for row in measured], "o-", label=told)
    right.set(xlabel="step", ylabel="share of greedy texts", ylim=(0, 1.02))
    right.legend()
    figure.savefig(file, metadata={"Date": None})
