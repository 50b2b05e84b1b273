"""Validation during training: the loss of labels kept back, and what the student writes itself."""

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BartForConditionalGeneration

from models.distillation.training import precision
from models.distillation.training.data import Labels, Tokens, inputs, padded
from models.distillation.training.record import Figures
from models.faithfulness import check
from models.prism.engines.torch_engine import GREEDY
from models.prism.prompting import Prompting

_SAMPLES = 8  # texts to read in the card of a run


@torch.no_grad()
def validate(
    model: BartForConditionalGeneration, tokenizer: Tokenizer, data: Labels, texts: int = 96
) -> tuple[Figures, list[dict[str, object]]]:
    """Return figures, and some greedy texts.

    The figures are the validation loss (nats a token), how many greedy texts there are, and of
    these the share that is faithful and names its item, and the share that equals its label.
    """
    model.eval()
    with precision.autocast(model.device):
        losses = [
            float(model(**inputs(data.validation[begin : begin + 64], model)).loss)
            for begin in range(0, len(data.validation), 64)
        ]
    rows, facts = data.validation[:texts], data.validation_facts[:texts]
    prompting = Prompting(tokenizer, data.config)
    written = greedy(model, prompting, [prompt for prompt, _ in rows])
    wanted = tokenizer.decode_batch([text.tolist() for _, text in rows])
    model.train()
    told = [prompting.form.text(text, about) for text, about in zip(written, facts, strict=True)]
    faithful = [  # under `factual`, "the the the" contradicts nothing
        f"“{about.item.title}”" in text and check(text, about, data.config.policy).passed
        for text, about in zip(told, facts, strict=True)
    ]
    samples: list[dict[str, object]] = [
        {"prompt": tokenizer.decode(prompt.tolist()), "text": text, "faithful": passed}
        for (prompt, _), text, passed in zip(rows[:_SAMPLES], written, faithful, strict=False)
    ]
    return {
        "valid_loss": float(np.mean(losses)),
        "texts": len(rows),
        "faithful": float(np.mean(faithful)),
        "exact": float(np.mean([a == b for a, b in zip(written, wanted, strict=True)])),
    }, samples


@torch.no_grad()
def greedy(
    model: BartForConditionalGeneration, prompting: Prompting, prompts: Sequence[Tokens]
) -> list[str]:
    """Return greedy texts, for measuring during training."""
    pad = model.config.pad_token_id
    tokens = padded(prompts, pad).to(model.device)
    with precision.autocast(model.device):
        written = model.generate(
            input_ids=tokens,
            attention_mask=tokens != pad,
            max_new_tokens=prompting.config.max_text,
            **GREEDY,
        )
    texts: list[str] = prompting.tokenizer.decode_batch(written.tolist())
    return texts
