"""Labels as training reads them: tokenised rows, in seeded batches, a part for every process.

Two processes that accumulate two batches of 3 take the 12 rows of a step apart like this:

    step:       12 rows of like length, sorted
    process 0:  rows 0 to 2, then rows 6 to 8
    process 1:  rows 3 to 5, then rows 9 to 11

A part weighs as much as it has tokens, so that the step is that of one process with all 12 rows.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BartForConditionalGeneration

from catalog.facts import Facts
from catalog.facts_file import FactsFileError, count_rows, read_shard
from models.prism.folder import load_config

_VALIDATION, _SPARSE = 512, 50  # rows kept back for validation, and of how many at most one
_POOL = 64  # batches that are sorted by length together
Tokens = NDArray[np.uint16]
Row = tuple[Tokens, Tokens]


class Labels:
    """Tokenised labels in memory, and the rows kept back for validation.

    Raises FactsFileError for labels that are damaged, or too few to do both.
    """

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        files, self.config = label_files(folder), load_config(folder)
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
            prompts, texts, about = columns(file, "prompt", "text", "facts")
            encoded = zip(encode(tokenizer, prompts), encode(tokenizer, texts), strict=True)
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


def part(batch: Sequence[Row], number: int, parts: int) -> tuple[Sequence[Row], float]:
    """Return one of the parts of a batch, and its share of the tokens that are learnt.

    The last batch of an epoch may have fewer rows than there are parts: who gets none computes on
    a row of another, which then weighs nothing, as processes can only take a step together.
    """
    rows = batch[len(batch) * number // parts : len(batch) * (number + 1) // parts]
    if not rows:
        return batch[:1], 0.0
    return rows, sum(len(text) for _, text in rows) / sum(len(text) for _, text in batch)


def padded(rows: Sequence[Tokens], value: int) -> Tensor:
    """Return rows of tokens as one matrix, as wide as the longest."""
    matrix = np.full((len(rows), max(map(len, rows))), value, dtype=np.int64)
    for n, row in enumerate(rows):
        matrix[n, : len(row)] = row
    return torch.from_numpy(matrix)


def inputs(rows: Sequence[Row], model: BartForConditionalGeneration) -> dict[str, Tensor]:
    """Return rows as a model reads them, where it is; padding of labels is no part of the loss."""
    pad = model.config.pad_token_id
    prompts = padded([prompt for prompt, _ in rows], pad)
    labels = padded([text for _, text in rows], -100)
    matrices = {"input_ids": prompts, "attention_mask": prompts != pad, "labels": labels}
    return {name: matrix.to(model.device) for name, matrix in matrices.items()}


# ---------------------------------------------------------------------- files


def label_files(folder: Path) -> list[Path]:
    """Return the shards of labels in a folder. Raises FactsFileError where there is none."""
    files = sorted(folder.glob("labels-*.parquet"))
    if not files:
        raise FactsFileError(f"{folder} has no labels-*.parquet: run prism label")
    return files


def columns(file: Path, *names: str) -> list[list[str]]:
    """Return columns of a shard. Raises FactsFileError."""
    table = read_shard(file, names)
    return [table[name].to_pylist() for name in names]


def rows_hash(labels: Path) -> str:
    """Return a short hash of what labels say: of equal shards, whichever library wrote them."""
    digest = hashlib.sha256()
    for file in label_files(labels):
        for column in columns(file, "prompt", "text", "facts"):
            digest.update("\n".join(column).encode())
    return digest.hexdigest()[:12]


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Tokens]:
    """Return each text's tokens, compactly: hundreds of thousands of them stay in memory."""
    return [
        np.array(encoded.ids, dtype=np.uint16)
        for begin in range(0, len(texts), 1024)
        for encoded in tokenizer.encode_batch_fast(texts[begin : begin + 1024])
    ]
