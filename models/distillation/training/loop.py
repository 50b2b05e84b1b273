"""Training the student on labels: resumable, seeded, measured on the way.

    prism distill data/labels data/prism                                    one process
    torchrun --nproc-per-node 4 --no-python prism distill data/labels ...   four GPUs

accelerate brings devices, precision and processes together; the order of rows is our own, so that
a run that goes on sees what it would have seen. The work folder holds the record of the run
(`record`), the tokenizer, the shortlist, some texts to read, and checkpoints (`checkpoints`).
"""

import json
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import broadcast
from transformers import BartForConditionalGeneration

from catalog.files import write_whole
from models.distillation.labels import write_config
from models.distillation.student import initial_student
from models.distillation.training import precision
from models.distillation.training.checkpoints import restore, steps_done, write_checkpoint
from models.distillation.training.config import TrainConfig
from models.distillation.training.data import Labels, Row, inputs, part
from models.distillation.training.optimiser import MuonAndAdamW
from models.distillation.training.record import (
    LOG,
    Best,
    Figures,
    best_of,
    claim,
    forget_after,
    logged,
)
from models.distillation.training.validation import validate
from models.distillation.training.vocabulary import run_tokenizer, write_shortlist

SAMPLES = "samples.json"


def process() -> PartialState:
    """Return which of the processes of a run this is: alone, or as a launcher started it."""
    return PartialState(cpu=not torch.cuda.is_available())


def train(
    labels: Path,
    work: Path,
    config: TrainConfig,
    base: Path | None = None,
    on_step: Callable[[int, Figures], None] = lambda step, figures: None,
    stop_at: int | None = None,
) -> None:
    """Train from the last checkpoint in the work folder, if there is one.

    Raises FileExistsError where the work folder belongs to a run with other settings or labels,
    ModelError where a file in it is damaged, FactsFileError for labels that are, or too few.

    Parameters
    ----------
    labels : folder of `labels-*.parquet`
    work : folder for checkpoints and `log.jsonl`; all processes must see it
    base : folder of a BART to fine-tune; without, a small one is made
    on_step : is told each step's number and figures, in the main process
    stop_at : last step of this call, by default `config.steps`
    """
    accelerator = Accelerator(
        cpu=process().device.type == "cpu",
        mixed_precision=precision.mixed(process().device),
        gradient_accumulation_steps=config.accumulate,
    )
    with accelerator.main_process_first():  # it makes what the others read
        done = steps_done(work)
        claim(work, config, labels, base, accelerator.num_processes, done)
        tokenizer = run_tokenizer(labels, work, config, base)
        forget_after(work, done)
    data = Labels(labels, tokenizer)
    if accelerator.is_main_process:
        write_config(work, data.config)
        if data.config.form == "references":
            write_shortlist(work, tokenizer, data.added)
    torch.manual_seed(config.seed)
    student = initial_student(tokenizer, config.layers, base)
    stepper = _Stepper(accelerator, student, config)
    restore(work, student, stepper.optimiser, accelerator.scaler)
    best = best_of(logged(work, done))
    batches = data.batches(config.batch * stepper.parts, config.seed)
    for _ in range(done):
        next(batches)
    student.train()
    with (work / LOG).open("a", encoding="utf-8") as log:
        for step in range(done + 1, (stop_at or config.steps) + 1):
            if _has_ended(best, config, accelerator):
                break
            figures = stepper.step(step, next(batches))
            ends = step % config.checkpoint_every == 0 or step == config.steps
            if not accelerator.is_main_process:
                continue
            if ends:
                measured, samples = validate(student, tokenizer, data)
                figures |= measured
                best = best.after(figures)
                write_whole(work / SAMPLES, json.dumps(samples, ensure_ascii=False))
            log.write(json.dumps(figures) + "\n")
            log.flush()
            if ends:
                os.fsync(log.fileno())  # a checkpoint without its log would not know the best
                write_checkpoint(
                    work, step, best.step, student, stepper.optimiser, accelerator.scaler
                )
            on_step(step, figures)
    accelerator.wait_for_everyone()


class _Stepper:
    """Takes steps: of every batch each process reads its parts, and all of them learn the same."""

    def __init__(
        self, accelerator: Accelerator, student: BartForConditionalGeneration, config: TrainConfig
    ) -> None:
        self._accelerator, self._student, self._config = accelerator, student, config
        self._model = accelerator.prepare_model(student)
        self.optimiser = MuonAndAdamW(student, config)
        # Its state is where its parameters are; placing it would part it from its groups.
        self._scaled = accelerator.prepare_optimizer(self.optimiser, device_placement=False)
        self.parts = accelerator.num_processes * config.accumulate
        """Of a batch: one for each process and each time that it reads."""

    def step(self, number: int, batch: Sequence[Row]) -> Figures:
        """Learn from a batch; return the step's figures."""
        started = time.perf_counter()
        accelerator, process_index = self._accelerator, self._accelerator.process_index
        # Every step has a dropout of its own, whichever steps this process has seen before.
        torch.manual_seed(_number(f"{self._config.seed} {number} {process_index}"))
        losses = []
        for first in range(0, self.parts, accelerator.num_processes):
            rows, share = part(batch, first + process_index, self.parts)
            with accelerator.accumulate(self._model):
                loss = self._model(**inputs(rows, self._student)).loss * share
                # accelerate takes the mean over times, and torch that over processes.
                accelerator.backward(loss * self.parts)
            losses.append(loss.detach())
        norm = float(accelerator.clip_grad_norm_(self._student.parameters(), 1.0))
        self.optimiser.at(number)
        self._scaled.step()
        self._scaled.zero_grad()
        return {
            "step": number,
            "loss": float(accelerator.reduce(torch.stack(losses).sum())),
            # Where float16 overflowed there is none, and the step was left out.
            **({"norm": norm} if math.isfinite(norm) else {}),
            "seconds": time.perf_counter() - started,
        }


def _number(text: str) -> int:
    return random.Random(text).getrandbits(63)  # noqa: S311


def _has_ended(best: Best, config: TrainConfig, accelerator: Accelerator) -> bool:
    """Return whether patience has run out, as the main process sees it: it alone validates."""
    if config.patience is None:
        return False
    told = torch.tensor(best.since >= config.patience, device=accelerator.device, dtype=torch.int)
    return bool(broadcast(told))
