"""Checkpoints: weights and the optimiser's state, as safetensors and JSON, each a whole folder.

    work/checkpoint-000300/   the last one, from which a killed run goes on
    work/checkpoint-000200/   the best one so far, which is what becomes the Prism

A checkpoint is written after all else that a step leaves: what it has seen is in the other files.
"""

import json
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from transformers import BartForConditionalGeneration

from catalog.files import new_folder
from models.distillation.student import parameters
from models.distillation.training.optimiser import MuonAndAdamW
from models.distillation.training.record import best_of, logged
from models.prism.engines.protocol import reading
from models.prism.folder import WEIGHTS

_OPTIMISER, _SCALER = "optimizer.safetensors", "scaler.json"


def write_checkpoint(
    work: Path,
    step: int,
    best: int,
    model: BartForConditionalGeneration,
    optimiser: MuonAndAdamW,
    scaler: GradScaler | None,
) -> None:
    """Write a checkpoint, whole or not at all, and drop those before it, all but the best."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    state = {
        f"{key}/{names[parameter]}": value.contiguous()
        for part in optimiser.parts
        for parameter, values in part.state.items()
        for key, value in values.items()
    }
    before = _checkpoints(work)
    with new_folder(_folder(work, step), WEIGHTS) as folder:
        save_file(parameters(model), folder / WEIGHTS)
        save_file(state, folder / _OPTIMISER)
        if scaler is not None:
            (folder / _SCALER).write_text(json.dumps(scaler.state_dict()))
    for folder in before:
        if folder != _folder(work, best):
            shutil.rmtree(folder)


def restore(
    work: Path,
    model: BartForConditionalGeneration,
    optimiser: MuonAndAdamW,
    scaler: GradScaler | None,
) -> int:
    """Load the last checkpoint; return its step, or 0 where there is none. Raises ModelError."""
    done = steps_done(work)
    if not done:
        return 0
    folder = _folder(work, done)
    _load_weights(model, folder)
    named = dict(model.named_parameters())
    owners = {
        id(parameter): part
        for part in optimiser.parts
        for group in part.param_groups
        for parameter in group["params"]
    }
    for key, value in _load(folder / _OPTIMISER).items():
        entry, name = key.split("/", 1)
        parameter = named[name]
        # Like torch's own loading: a count of steps stays where it can be read without waiting.
        owners[id(parameter)].state[parameter][entry] = (
            value if entry == "step" else value.to(parameter.device)
        )
    if scaler is not None:
        with reading(folder / _SCALER):
            scaler.load_state_dict(json.loads((folder / _SCALER).read_text()))
    return done


def load_best(work: Path, model: BartForConditionalGeneration) -> int:
    """Load the weights of the best checkpoint; return its step. Raises ModelError."""
    done = steps_done(work)
    # A log may be of a time when only the last checkpoint was kept.
    step = best_of(logged(work, done)).step or done
    _load_weights(model, _folder(work, step))
    return step


def steps_done(work: Path) -> int:
    """Return the step of the last checkpoint in a work folder, or 0 where there is none."""
    checkpoints = _checkpoints(work)
    return int(checkpoints[-1].name.removeprefix("checkpoint-")) if checkpoints else 0


def _load_weights(model: BartForConditionalGeneration, folder: Path) -> None:
    model.load_state_dict(_load(folder / WEIGHTS), strict=False)


def _load(file: Path) -> dict[str, Tensor]:
    with reading(file):
        return load_file(file)


def _folder(work: Path, step: int) -> Path:
    return work / f"checkpoint-{step:06}"


def _checkpoints(work: Path) -> list[Path]:
    return sorted(work.glob("checkpoint-*"))
