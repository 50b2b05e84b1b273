"""A batch of prompts through a model's `generate`; what all of them begin with is read once.

The instructions and the worked examples are the same for all Facts, and most of a prompt:

    prompts  [instructions, three examples, Heat]   [instructions, three examples, Ronin's Facts]
    read     instructions, three examples           once for each model, kept as keys and values
             [pad, Heat] [Ronin's Facts]            with every batch

With three examples that leaves 150 of 800 tokens to read (in inference servers: prefix caching). A
seq2seq model's encoder looks both ways, so that there nothing can be kept.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

_WORTH_KEEPING = 64
"""Tokens from which a shared beginning is kept."""


class Generation:
    """Writes with one model of transformers'; keeps what the last batch began with.

    Parameters
    ----------
    model : of transformers
    seq2seq : whether it reads a prompt and writes a text, instead of going on with the prompt
    pad : the token that fills up
    """

    def __init__(self, model: Any, *, seq2seq: bool, pad: int) -> None:
        self.model, self._seq2seq, self._pad = model, seq2seq, pad
        self._known: tuple[list[int], DynamicCache] | None = None

    @torch.inference_mode()
    def write(self, prompts: Sequence[list[int]], **decoding: Any) -> list[list[int]]:
        """Return the tokens that follow each of the prompts, in order, padding included."""
        if self._seq2seq:
            written = self._generate(
                [self._padded(row, prompts, left=False) for row in prompts], decoding
            )
            return [row[1:] for row in written]  # after what starts a decoder
        prefix = _shared(prompts)
        if len(prefix) < _WORTH_KEEPING:
            prefix = []
        else:
            decoding["past_key_values"] = self._kept(prefix, len(prompts))
        rests = [row[len(prefix) :] for row in prompts]
        rows = [self._padded(rest, rests, left=True) for rest in rests]
        full = [(prefix + ids, [1] * len(prefix) + mask) for ids, mask in rows]
        start = len(full[0][0])
        return [row[start:] for row in self._generate(full, decoding)]

    def ends(self) -> list[int]:
        """Return the tokens that end a text by the model's own settings."""
        configured = self.model.generation_config.eos_token_id
        return configured if isinstance(configured, list) else [configured]

    def _generate(
        self, rows: Sequence[tuple[list[int], list[int]]], decoding: dict[str, Any]
    ) -> list[list[int]]:
        device = self.model.device
        written: list[list[int]] = self.model.generate(
            input_ids=torch.tensor([ids for ids, _ in rows], device=device),
            attention_mask=torch.tensor([mask for _, mask in rows], device=device),
            pad_token_id=self._pad,
            **decoding,
        ).tolist()
        return written

    def _padded(
        self, row: list[int], rows: Sequence[list[int]], *, left: bool
    ) -> tuple[list[int], list[int]]:
        """Return a row as long as the longest, and its mask."""
        gap = max(map(len, rows)) - len(row)
        fill, known = [self._pad] * gap, [1] * len(row)
        return (fill + row, [0] * gap + known) if left else (row + fill, known + [0] * gap)

    def _kept(self, prefix: list[int], rows: int) -> DynamicCache:
        """Return the keys and values of a beginning, for so many rows, read once."""
        if self._known is None or self._known[0] != prefix:
            cache = DynamicCache(config=self.model.config)
            ids = torch.tensor([prefix], device=self.model.device)
            self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            self._known = prefix, cache
        kept = copy.deepcopy(self._known[1])
        kept.batch_repeat_interleave(rows)
        return kept


def _shared(prompts: Sequence[list[int]]) -> list[int]:
    """Return what all prompts begin with; of each at least one token is left."""
    first, last = min(prompts), max(prompts)
    shortest = min(map(len, prompts)) - 1
    length = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), shortest
    )
    return first[: min(length, shortest)]
