"""The student before training: a small BART of our own, or one of the hub's.

Both are folders of BART's layout, written so that every reader of such folders takes them.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import BartConfig, BartForConditionalGeneration

from models.prism.engines.protocol import reading
from models.prism.folder import WEIGHTS

Layers = Literal["4+4", "6+2"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
"""BART's own, in BART's order."""


_PIECES = (
    r" ?“[0-3]”| ?‘[a-z]+\d?’"  # a reference is one token, where BPE sees it often enough
    r"| ?[“‘]|[”’]"  # so that other quoted words are the same tokens everywhere
    r"| ?\p{L}+(?:[-']\p{L}+)*| ?\p{N}+0s\b"  # "sci-fi", "children's", "1990s"
    r"| ?\p{N}+| ?[^\s\p{L}\p{N}“”‘’]+|\s+"
)


def train_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """Return a byte-level BPE to which references are words (`models.prism.forms.referents`).

    As one token and not as three they shorten the mean text of the demo's labels by a quarter: as
    many steps less for the decoder.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[3]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def new_small(vocabulary: int, layers: Layers) -> BartForConditionalGeneration:
    """Return an untrained small BART; both shapes have 8.1M parameters at 6,000 tokens."""
    encoder, decoder = (int(part) for part in layers.split("+"))
    width = {"4+4": 768, "6+2": 896}[layers]
    config = BartConfig(
        vocab_size=vocabulary,
        d_model=256,
        encoder_layers=encoder,
        decoder_layers=decoder,
        encoder_ffn_dim=width,
        decoder_ffn_dim=width,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        max_position_embeddings=512,
        # The labels are many and simple: at this size nothing is learnt by heart.
        dropout=0.0,
        attention_dropout=0.0,
        forced_eos_token_id=None,
    )
    return BartForConditionalGeneration(config)


def initial_student(
    tokenizer: Tokenizer, layers: Layers, base: Path | None
) -> BartForConditionalGeneration:
    """Return the student before its first step: a small one, or the BART in the folder `base`.

    Raises ModelError.
    """
    if base is None:
        return new_small(tokenizer.get_vocab_size(), layers)
    with reading(base):
        model = BartForConditionalGeneration.from_pretrained(base, dtype=torch.float32)
    # Some of the hub have a token more or less than their tokenizer; what is exported has not.
    model.resize_token_embeddings(tokenizer.get_vocab_size(), mean_resizing=False)
    return model


def parameters(model: BartForConditionalGeneration) -> dict[str, Tensor]:
    """Return each parameter once (BART's embeddings are tied), by name."""
    return {name: value.detach().contiguous() for name, value in model.named_parameters()}


def save_student(model: BartForConditionalGeneration, tokenizer: Tokenizer, folder: Path) -> None:
    """Write a folder of BART's layout, in fp16."""
    weights = {name: value.half() for name, value in parameters(model).items()}
    save_file(weights, folder / WEIGHTS, {"format": "pt"})
    config: dict[str, Any] = model.config.to_diff_dict() | {
        "architectures": ["BartForConditionalGeneration"],
        "model_type": "bart",
        "dtype": "float16",
        # transformers 5 leaves out what other readers of BART's config ask for.
        "normalize_before": False,
        "normalize_embedding": True,
        "add_final_layer_norm": False,
        "static_position_embeddings": False,
        "scale_embedding": model.config.scale_embedding,
        "activation_function": model.config.activation_function,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    tokenizer.save(str(folder / "tokenizer.json"))
    # Else transformers would take the tokenizer for RoBERTa's, and cut words in another way.
    special = dict(zip(("bos", "pad", "eos", "unk", "mask"), SPECIAL, strict=True))
    told = {"tokenizer_class": "PreTrainedTokenizerFast"}
    told |= {f"{name}_token": token for name, token in special.items()}
    (folder / "tokenizer_config.json").write_text(json.dumps(told, indent=2) + "\n")
