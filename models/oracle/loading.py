"""Loads a model of transformers to write texts with: seq2seq or causal, of a folder, hub or GGUF.

"google/flan-t5-xxl", "data/llama"       a name on the hub, a folder
"data/llama/llama.Q4_1.gguf"             a GGUF file, in a folder or on the hub
"smollm2"                                a small one that can be had wherever pip can download
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import transformers

from models.oracle.generation import Generation
from models.oracle.prompts import as_one_text
from models.oracle.protocol import OracleError, Prompt
from models.oracle.smollm2 import smollm2_folder

_UNBOUNDED = 10**6
"""What is longer is no limit: tokenizers that have none say 1e30."""
_READS = 512
"""Tokens a model reads that tells no limit: what the T5 family was trained with."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model, ready to write.

    Attributes
    ----------
    generation : writes with the model
    tokenizer : of transformers
    seq2seq : whether it reads a prompt and writes a text, instead of going on with the prompt
    reads : tokens of the longest prompt that leaves room for the longest text
    """

    generation: Generation
    tokenizer: Any
    seq2seq: bool
    reads: int

    def tokens(self, prompt: Prompt) -> list[int]:
        """Return a prompt as the model reads it: by its chat template, or as one text."""
        if not self.tokenizer.chat_template:
            told: list[int] = self.tokenizer(as_one_text(prompt))["input_ids"]
            return told
        turns = [{"role": turn.role, "content": turn.content} for turn in prompt]
        try:
            text = self._in_template(turns)
        except Exception as error:  # a template raises what it likes
            if "system" not in str(error).lower():
                raise
            first, second, *rest = turns  # a template without a system's turn
            merged = f"{first['content']}\n\n{second['content']}"
            text = self._in_template([{"role": "user", "content": merged}, *rest])
        encoded: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return encoded

    def ends(self) -> set[int]:
        """Return the tokens that end a text."""
        tokens = (*self.generation.ends(), self.tokenizer.eos_token_id)
        return {token for token in tokens if token is not None}

    def _in_template(self, turns: list[dict[str, str]]) -> str:
        text: str = self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
        return text


def load(model: str, longest_text: int, *, int8: bool = False) -> Loaded:
    """Load a model in bf16 where the hardware has it, over all GPUs there are.

    Parameters
    ----------
    model : name on the hub, folder, path of a GGUF file, or "smollm2"
    longest_text : tokens to leave room for
    int8 : weights in 8 bits, with bitsandbytes (Dettmers et al. 2022, arXiv 2208.07339)

    Raises OracleError.
    """
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    place, options = _place(model)
    try:
        config = transformers.AutoConfig.from_pretrained(place, **options)
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, **options)
        kind = (
            transformers.AutoModelForSeq2SeqLM
            if config.is_encoder_decoder
            else transformers.AutoModelForCausalLM
        )
        loaded = kind.from_pretrained(place, **options, **_how(int8))
    except (OSError, ImportError, ValueError, RuntimeError) as error:
        raise OracleError(f"cannot load {model!r}: {str(error).strip().splitlines()[0]}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    seq2seq = bool(config.is_encoder_decoder)
    limits = [
        int(limit)
        for limit in (
            tokenizer.model_max_length,
            getattr(config, "max_position_embeddings", None),
            getattr(config, "n_positions", None),
        )
        if limit and limit < _UNBOUNDED
    ]
    reads = min(limits, default=_READS) - (0 if seq2seq else longest_text)
    if reads < 1:
        raise OracleError(f"{model!r} leaves no room for a prompt before {longest_text} tokens")
    generation = Generation(loaded.eval(), seq2seq=seq2seq, pad=tokenizer.pad_token_id)
    return Loaded(generation, tokenizer, seq2seq, reads)


def _place(model: str) -> tuple[str, dict[str, str]]:
    """Return the folder or hub name of a model, and the GGUF file in it."""
    if model == "smollm2":
        model = str(smollm2_folder())
    if not model.endswith(".gguf"):
        return model, {}
    path = Path(model)
    if path.is_file() or len(path.parts) < 3:
        return str(path.parent), {"gguf_file": path.name}
    return "/".join(path.parts[:2]), {"gguf_file": "/".join(path.parts[2:])}


def _how(int8: bool) -> dict[str, Any]:
    """Return how weights are loaded here. Raises OracleError."""
    gpus = torch.cuda.is_available()
    how: dict[str, Any] = {"dtype": _dtype(gpus)}
    if gpus:
        how["device_map"] = "auto"
    if int8:
        if not find_spec("bitsandbytes"):
            raise OracleError("8 bits need bitsandbytes: pip install bitsandbytes")
        how["quantization_config"] = transformers.BitsAndBytesConfig(load_in_8bit=True)
    return how


def _dtype(gpus: bool) -> torch.dtype:
    if gpus:
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    has_bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if has_bf16 else torch.float32
