"""The tokenizer of a run, and the shortlist of tokens that its student may add to prompts."""

import json
from pathlib import Path

from tokenizers import Tokenizer

from catalog.files import write_whole
from models.distillation.student import train_tokenizer
from models.distillation.training.config import TrainConfig
from models.distillation.training.data import columns, encode, label_files
from models.language.english import category_forms
from models.prism.folder import SHORTLIST, load_tokenizer

_ROWS = 60_000  # that a tokenizer is made from


def run_tokenizer(labels: Path, work: Path, config: TrainConfig, base: Path | None) -> Tokenizer:
    """Return the base's tokenizer, or one of these labels, which is made once for a run."""
    if base is not None:
        return load_tokenizer(base)
    if not (work / "tokenizer.json").exists():
        files = label_files(labels)
        each = -(-_ROWS // len(files))
        texts = [
            text
            for file in files
            for column in columns(file, "prompt", "text")
            for text in column[:: max(1, 2 * len(column) // each)]
        ]
        made = train_tokenizer(texts, config.vocabulary)
        write_whole(work / "tokenizer.json", made.to_str(pretty=True))
    return load_tokenizer(work)


def write_shortlist(work: Path, tokenizer: Tokenizer, added: set[int]) -> None:
    """Write the tokens that labels add to prompts, and those of categories that no label had."""
    forms = encode(tokenizer, [f" {form}" for form in category_forms()])
    tokens = added.union(*(form.tolist() for form in forms))
    names = [tokenizer.id_to_token(token) for token in sorted(tokens)]
    write_whole(work / SHORTLIST, json.dumps(names, ensure_ascii=False))
