"""The Prism on torch: fp16 on a GPU, where it is the default; on a CPU the reference."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import BartForConditionalGeneration

from catalog.facts import Facts
from models.prism.engines.protocol import reading
from models.prism.folder import weights_hash
from models.prism.prompting import Prompting

Dtype = Literal["float16", "bfloat16", "float32"]
GREEDY: Mapping[str, Any] = {
    "num_beams": 1,
    "do_sample": False,
    # The hub's BARTs come with settings for summaries.
    "min_length": 0,
    "no_repeat_ngram_size": 0,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
}
"""How `generate` writes explanations, whatever a folder's own settings are."""


class TorchEngine:
    """Greedy texts of a BART folder.

    Parameters
    ----------
    folder : of the Prism
    device : "cuda", "cpu", ...; by default a GPU where there is one
    dtype : by default float16 on a GPU, float32 on a CPU
    name : what answers call it
    """

    def __init__(
        self,
        folder: Path,
        device: str | None = None,
        dtype: Dtype | None = None,
        *,
        name: str = "prism",
    ) -> None:
        self.name = name
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = dtype or ("float16" if self._device.type == "cuda" else "float32")
        self._prompting = Prompting.of(folder)
        with reading(folder):
            model = BartForConditionalGeneration.from_pretrained(
                folder, dtype=getattr(torch, dtype)
            )
        self._model = model.to(self._device).eval()
        self.version = f"{weights_hash(folder)}-{dtype}"
        # `generate` is not made for several threads, and on a CPU each of them would bring OpenMP
        # threads of its own: with two callers that halves the speed (`bench.engines`).
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="torch")

    def write(self, batch: Sequence[Facts]) -> list[str]:
        """Return one text per Facts; see `Engine`."""
        if not batch:
            return []
        rows = [torch.tensor(prompt.ids) for prompt in self._prompting.prompts(batch)]
        return self._prompting.texts(self._thread.submit(self._generate, rows).result(), batch)

    @torch.inference_mode()
    def _generate(self, rows: list[torch.Tensor]) -> list[list[int]]:
        pad = self._model.config.pad_token_id
        inputs = pad_sequence(rows, batch_first=True, padding_value=pad).to(self._device)
        tokens = self._model.generate(
            input_ids=inputs,
            attention_mask=inputs != pad,
            max_new_tokens=self._prompting.config.max_text,
            **GREEDY,
        )
        written: list[list[int]] = tokens.tolist()
        return written
