"""Training the student on labels: resumable, seeded, measured on the way.

The work folder holds the run's settings, the tokenizer, the shortlist, some texts to read, the log
and the last checkpoint (safetensors and JSON, no pickle). A run that is killed goes on from its
checkpoint, which is written last: what it has seen is in the other files.
"""

import hashlib
import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.optim import AdamW, Muon
from transformers import BartForConditionalGeneration

from catalog.facts import Facts
from catalog.facts_file import FactsFileError, count_rows, read_shard
from catalog.files import new_folder, write_whole
from models.distillation.student import (
    Layers,
    new_small,
    parameters,
    save_student,
    train_tokenizer,
)
from models.distillation.training import precision
from models.faithfulness import check
from models.language.english import category_forms
from models.prism.engines.protocol import reading
from models.prism.engines.torch_engine import GREEDY
from models.prism.folder import CONFIG, SHORTLIST, WEIGHTS, load_config, load_tokenizer
from models.prism.prompting import Prompting

_VALIDATION, _SPARSE = 512, 50  # rows kept back for validation, and of how many at most one
_TOKENIZER_ROWS = 60_000
_SAMPLES = 8  # texts to read in the card of a run
RUN, LOG, SAMPLES = "run.json", "log.jsonl", "samples.json"
_POOL = 64  # batches that are sorted by length together


class TrainConfig(BaseModel):
    """How the student is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: Layers = Field("4+4", description="Encoder and decoder layers.")
    vocabulary: int = Field(6000, description="Tokens of the tokenizer, at most.")
    steps: int = Field(3000, ge=1, description="Optimiser steps.")
    batch: int = Field(48, ge=1, description="Rows of a batch.")
    rate: float = Field(1.5e-3, gt=0, description="Peak learning rate of AdamW.")
    matrix_rate: float | None = Field(
        5e-3, gt=0, description="Peak learning rate of matrices, by Muon; None leaves all to AdamW."
    )
    warmup: int = Field(100, ge=1, description="Steps of linear warm-up.")
    seed: int = Field(0, description="Of weights and order.")
    checkpoint_every: int = Field(100, ge=1, description="Steps between checkpoints.")


FINE_TUNING: Mapping[str, Any] = {"batch": 32, "rate": 5e-5, "matrix_rate": None}
"""What differs from `TrainConfig`'s defaults for a student that is trained already."""
Tokens = NDArray[np.uint16]
Row = tuple[Tokens, Tokens]


class Labels:
    """Tokenised labels in memory, and the rows kept back for validation.

    Raises FactsFileError for labels that are damaged, or too few to do both.
    """

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        files, self.config = _files(folder), load_config(folder)
        rows = sum(map(count_rows, files))
        # Every n-th row, so that all shards are in it.
        spacing = max(_SPARSE, rows // _VALIDATION)
        self.training: list[Row] = []
        self.validation: list[Row] = []
        self.validation_facts: list[Facts] = []
        self.dropped = 0  # too long
        self.added: set[int] = set()  # tokens of texts that their prompts lack
        numbers = count()
        for file in files:
            prompts, texts, about = _columns(file, "prompt", "text", "facts")
            encoded = zip(_encode(tokenizer, prompts), _encode(tokenizer, texts), strict=True)
            for (prompt, text), facts, number in zip(encoded, about, numbers, strict=False):
                if len(prompt) > self.config.max_prompt or len(text) > self.config.max_text:
                    self.dropped += 1
                    continue
                self.added.update(set(text.tolist()) - set(prompt.tolist()))
                if number % spacing:
                    self.training.append((prompt, text))
                else:
                    self.validation.append((prompt, text))
                    self.validation_facts.append(Facts.model_validate_json(facts))
        if not self.training or not self.validation:
            raise FactsFileError(
                f"{folder} has {rows} labels, {self.dropped} of them too long: too few to train on"
            )

    def batches(self, size: int, seed: int) -> Iterator[list[Row]]:
        """Yield batches for ever; rows of like length together, to pad little."""
        epoch = 0
        while True:
            rng = random.Random(f"{seed} {epoch}")  # noqa: S311
            order = list(range(len(self.training)))
            rng.shuffle(order)
            for begin in range(0, len(order), size * _POOL):
                pool = sorted(order[begin : begin + size * _POOL], key=self._length)
                cuts = list(range(0, len(pool), size))
                rng.shuffle(cuts)
                for cut in cuts:
                    yield [self.training[n] for n in pool[cut : cut + size]]
            epoch += 1

    def _length(self, n: int) -> int:
        prompt, text = self.training[n]
        return len(prompt) + 4 * len(text)


def _encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Tokens]:
    """Return each text's tokens, compactly: hundreds of thousands of them stay in memory."""
    return [
        np.array(encoded.ids, dtype=np.uint16)
        for begin in range(0, len(texts), 1024)
        for encoded in tokenizer.encode_batch_fast(texts[begin : begin + 1024])
    ]


def _files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("labels-*.parquet"))
    if not files:
        raise FactsFileError(f"{folder} has no labels-*.parquet: run prism label")
    return files


def _columns(file: Path, *names: str) -> list[list[str]]:
    table = read_shard(file, names)
    return [table[name].to_pylist() for name in names]


class _Optimiser:
    """Muon for the matrices of the layers, AdamW for the rest, on one schedule.

    From scratch, Muon takes the small student to the loss of AdamW alone in fewer steps: 2.1
    against 2.7 after 140, in one run of each. What is trained already stays with the AdamW it
    was trained with.
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self._config = config
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in model.named_parameters():
            in_layer = parameter.ndim == 2 and ".layers." in name
            (matrices if in_layer and config.matrix_rate else rest).append(parameter)
        self.parts: list[tuple[torch.optim.Optimizer, float]] = [
            (AdamW(rest, lr=config.rate, betas=(0.9, 0.98), weight_decay=0.01), config.rate)
        ]
        if config.matrix_rate:
            muon = Muon(
                matrices,
                lr=config.matrix_rate,
                weight_decay=0.01,
                adjust_lr_fn="match_rms_adamw",
            )
            self.parts.append((muon, config.matrix_rate))

    def step(self, number: int) -> None:
        """Take a step at the schedule's rate: linear warm-up, then quadratic decay to nothing.

        A high rate learns fast, a low one exactly: at a constant rate the validation loss of one
        run stayed at 0.31 from step 1,000 to 1,400, and fell by half in 100 steps at half of it.
        """
        config = self._config
        share = min(number / config.warmup, (1 - (number - 1) / config.steps) ** 2)
        for optimiser, peak in self.parts:
            for group in optimiser.param_groups:
                group["lr"] = peak * share
            with precision.products(group["params"][0].device):
                optimiser.step()
            optimiser.zero_grad(set_to_none=True)


def train(
    labels: Path,
    work: Path,
    config: TrainConfig,
    base: Path | None = None,
    on_step: Callable[[int, dict[str, float]], None] = lambda step, figures: None,
    stop_at: int | None = None,
) -> None:
    """Train from the last checkpoint in the work folder, if there is one.

    Raises FileExistsError where the work folder belongs to a run with other settings or labels,
    ModelError where a file in it is damaged, FactsFileError for labels that are, or too few.

    Parameters
    ----------
    labels : folder of `labels-*.parquet`
    work : folder for checkpoints and `log.jsonl`
    base : folder of a BART to fine-tune; without, a small one is made
    on_step : is told each step's number and figures
    stop_at : last step of this call, by default `config.steps`
    """
    _claim(work, config, labels, base)
    tokenizer = _tokenizer(labels, work, config, base)
    data = Labels(labels, tokenizer)
    write_whole(work / CONFIG, data.config.model_dump_json(indent=2) + "\n")
    if data.config.form == "references":
        _write_shortlist(work, tokenizer, data.added)
    torch.manual_seed(config.seed)
    model = _student(tokenizer, config, base)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    optimiser = _Optimiser(model, config)
    done = _restore(work, model, optimiser)
    batches = data.batches(config.batch, config.seed)
    for _ in range(done):
        next(batches)
    model.train()
    _forget_after(work, done)
    with (work / LOG).open("a", encoding="utf-8") as log:
        for step in range(done + 1, (stop_at or config.steps) + 1):
            started = time.perf_counter()
            loss = _loss(model, next(batches))
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step(step)
            figures = {
                "step": step,
                "loss": float(loss.detach()),
                "norm": float(norm),
                "seconds": time.perf_counter() - started,
            }
            ends = step % config.checkpoint_every == 0 or step == config.steps
            if ends:
                measured, samples = validate(model, tokenizer, data)
                figures |= measured
                write_whole(work / SAMPLES, json.dumps(samples, ensure_ascii=False))
            log.write(json.dumps(figures) + "\n")
            log.flush()
            if ends:
                _checkpoint(work, model, optimiser, step)
            on_step(step, figures)


def _claim(work: Path, config: TrainConfig, labels: Path, base: Path | None) -> None:
    """Note what the run is made from, and refuse to go on with the checkpoints of another."""
    run = {**config.model_dump(), "labels": _rows_hash(labels), "base": base and str(base)}
    work.mkdir(parents=True, exist_ok=True)
    file = work / RUN
    if file.exists():
        with reading(file):
            before = json.loads(file.read_text("utf-8"))
        other = [f"{name} was {before.get(name)}" for name in run if run[name] != before.get(name)]
        if other and steps_done(work):
            raise FileExistsError(
                f"{work} holds another run ({', '.join(other)}): go on with its settings, remove "
                "it, or choose another --work"
            )
        if other:  # it came to nothing: its tokenizer is of other labels, perhaps of none
            (work / "tokenizer.json").unlink(missing_ok=True)
    write_whole(file, json.dumps(run, indent=2))


def _rows_hash(labels: Path) -> str:
    """Return a short hash of what labels say: of equal shards, whichever library wrote them."""
    digest = hashlib.sha256()
    for file in _files(labels):
        for column in _columns(file, "prompt", "text", "facts"):
            digest.update("\n".join(column).encode())
    return digest.hexdigest()[:12]


def _forget_after(work: Path, done: int) -> None:
    """Drop the lines of steps after the last checkpoint: a kill leaves some, or half of one."""
    file = work / LOG
    lines = file.read_text("utf-8").splitlines(keepends=True) if file.exists() else []
    write_whole(file, "".join(lines[:done]))


def export(work: Path, config: TrainConfig, base: Path | None, out: Path) -> None:
    """Write the Prism of the last checkpoint as a folder, in fp16."""
    tokenizer = load_tokenizer(base or work)
    model = _student(tokenizer, config, base)
    _restore(work, model, None)
    with new_folder(out, WEIGHTS) as folder:
        save_student(model, tokenizer, folder)
        for name in (SHORTLIST, CONFIG):
            if (work / name).exists():
                shutil.copyfile(work / name, folder / name)


def _student(
    tokenizer: Tokenizer, config: TrainConfig, base: Path | None
) -> BartForConditionalGeneration:
    if base is None:
        return new_small(tokenizer.get_vocab_size(), config.layers)
    with reading(base):
        model = BartForConditionalGeneration.from_pretrained(base, dtype=torch.float32)
    # Some of the hub have a token more or less than their tokenizer; what is exported has not.
    model.resize_token_embeddings(tokenizer.get_vocab_size(), mean_resizing=False)
    return model


def _write_shortlist(work: Path, tokenizer: Tokenizer, added: set[int]) -> None:
    """Write the tokens that labels add to prompts, and those of categories that no label had."""
    forms = _encode(tokenizer, [f" {form}" for form in category_forms()])
    tokens = added.union(*(form.tolist() for form in forms))
    names = [tokenizer.id_to_token(token) for token in sorted(tokens)]
    write_whole(work / SHORTLIST, json.dumps(names, ensure_ascii=False))


def _tokenizer(labels: Path, work: Path, config: TrainConfig, base: Path | None) -> Tokenizer:
    if base is not None:
        return load_tokenizer(base)
    if not (work / "tokenizer.json").exists():
        files = _files(labels)
        each = -(-_TOKENIZER_ROWS // len(files))
        texts = [
            text
            for file in files
            for column in _columns(file, "prompt", "text")
            for text in column[:: max(1, 2 * len(column) // each)]
        ]
        made = train_tokenizer(texts, config.vocabulary)
        write_whole(work / "tokenizer.json", made.to_str(pretty=True))
    return load_tokenizer(work)


def _pad(rows: Sequence[Tokens], value: int) -> Tensor:
    padded = np.full((len(rows), max(map(len, rows))), value, dtype=np.int64)
    for n, row in enumerate(rows):
        padded[n, : len(row)] = row
    return torch.from_numpy(padded)


def _loss(model: BartForConditionalGeneration, batch: Sequence[Row]) -> Tensor:
    pad = model.config.pad_token_id
    prompts = _pad([prompt for prompt, _ in batch], pad)
    labels = _pad([text for _, text in batch], -100)
    with precision.autocast(model.device):
        loss: Tensor = model(
            input_ids=prompts.to(model.device),
            attention_mask=(prompts != pad).to(model.device),
            labels=labels.to(model.device),
        ).loss
    return loss


@torch.no_grad()
def validate(
    model: BartForConditionalGeneration, tokenizer: Tokenizer, data: Labels, texts: int = 96
) -> tuple[dict[str, float], list[dict[str, object]]]:
    """Return figures, and some greedy texts.

    The figures are the validation loss, and of the greedy texts the share that is faithful and
    the share that equals its label.
    """
    model.eval()
    losses = [
        float(_loss(model, data.validation[begin : begin + 64]))
        for begin in range(0, len(data.validation), 64)
    ]
    rows, facts = data.validation[:texts], data.validation_facts[:texts]
    prompting = Prompting(tokenizer, data.config)
    written = greedy(model, prompting, [prompt for prompt, _ in rows])
    wanted = tokenizer.decode_batch([text.tolist() for _, text in rows])
    model.train()
    faithful = [
        check(prompting.form.text(text, about), about, data.config.policy).passed
        for text, about in zip(written, facts, strict=True)
    ]
    samples: list[dict[str, object]] = [
        {"prompt": tokenizer.decode(prompt.tolist()), "text": text, "faithful": passed}
        for (prompt, _), text, passed in zip(rows[:_SAMPLES], written, faithful, strict=False)
    ]
    return {
        "valid_loss": float(np.mean(losses)),
        "faithful": float(np.mean(faithful)),
        "exact": float(np.mean([a == b for a, b in zip(written, wanted, strict=True)])),
    }, samples


@torch.no_grad()
def greedy(
    model: BartForConditionalGeneration, prompting: Prompting, prompts: Sequence[Tokens]
) -> list[str]:
    """Return greedy texts, for measuring during training."""
    pad = model.config.pad_token_id
    padded = _pad(prompts, pad).to(model.device)
    with precision.autocast(model.device):
        tokens = model.generate(
            input_ids=padded,
            attention_mask=padded != pad,
            max_new_tokens=prompting.config.max_text,
            **GREEDY,
        )
    texts: list[str] = prompting.tokenizer.decode_batch(tokens.tolist())
    return texts


# ---------------------------------------------------------------------- checkpoints


def _checkpoint(
    work: Path, model: BartForConditionalGeneration, optimiser: _Optimiser, step: int
) -> None:
    """Write weights and the optimiser's state, whole or not at all, and drop the one before."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    state = {
        f"{key}/{names[parameter]}": value.contiguous()
        for part, _ in optimiser.parts
        for parameter, values in part.state.items()
        for key, value in values.items()
    }
    before = _checkpoints(work)
    with new_folder(work / f"checkpoint-{step:06}", WEIGHTS) as folder:
        save_file(parameters(model), folder / WEIGHTS)
        save_file(state, folder / "optimizer.safetensors")
    for folder in before:
        shutil.rmtree(folder)


def _restore(work: Path, model: BartForConditionalGeneration, optimiser: _Optimiser | None) -> int:
    """Load the last checkpoint; return its step, or 0 where there is none."""
    checkpoints = _checkpoints(work)
    if not checkpoints:
        return 0
    model.load_state_dict(_load(checkpoints[-1] / WEIGHTS), strict=False)
    if optimiser is not None:
        saved = _load(checkpoints[-1] / "optimizer.safetensors", str(model.device))
        named = dict(model.named_parameters())
        owners = {
            id(parameter): part
            for part, _ in optimiser.parts
            for group in part.param_groups
            for parameter in group["params"]
        }
        for key, value in saved.items():
            entry, name = key.split("/", 1)
            owners[id(named[name])].state[named[name]][entry] = value
    return steps_done(work)


def steps_done(work: Path) -> int:
    """Return the step of the last checkpoint in a work folder, or 0 where there is none."""
    checkpoints = _checkpoints(work)
    return int(checkpoints[-1].name.removeprefix("checkpoint-")) if checkpoints else 0


def _load(file: Path, device: str = "cpu") -> dict[str, Tensor]:
    with reading(file):
        return load_file(file, device=device)


def _checkpoints(work: Path) -> list[Path]:
    return sorted(work.glob("checkpoint-*"))
