"""The Prism's folder, and how Facts become its tokens: shared by every engine and by training.

A folder has BART's own layout: `config.json`, `model.safetensors`, `tokenizer.json`. Of a model
that was trained here it also has `shortlist.json`: the tokens that labels add to their prompts, and
those of well-known categories. A text needs no others but those of its prompt, so that an engine
need not weigh the whole vocabulary at every step (in machine translation a vocabulary shortlist:
Jean et al. 2015, arXiv 1412.2007, section 3).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import TypeAdapter
from tokenizers import Tokenizer

from catalog.facts import Facts
from models.language.grounded import style_of
from models.prism.engines.protocol import ModelError, reading
from models.prism.forms.prompts import prism_prompt
from models.prism.forms.references import references
from models.prism.hashes import files_hash

MAX_PROMPT, MAX_TEXT = 256, 128
"""Longest prompt and text in tokens."""
WEIGHTS, SHORTLIST = "model.safetensors", "shortlist.json"
_Tokens = TypeAdapter(list[str])


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return a folder's tokenizer, to which the special tokens inside a title are plain text.

    Raises ModelError.
    """
    file = folder / "tokenizer.json"
    if not file.is_file():
        raise ModelError(f"{folder} has no tokenizer.json: it is no folder of a BART model")
    with reading(file):
        tokenizer = Tokenizer.from_file(str(file))
    tokenizer.encode_special_tokens = True
    return tokenizer


def weights_hash(folder: Path) -> str:
    """Return a short hash of all that decides what a model writes: its files, named above."""
    files = [folder / name for name in (WEIGHTS, "tokenizer.json", "config.json")]
    for file in files:
        if not file.is_file():
            raise ModelError(f"{folder} has no {file.name}: it is no folder of a BART model")
    if (folder / SHORTLIST).is_file():
        files.append(folder / SHORTLIST)
    return files_hash(files)


def shortlist(folder: Path) -> list[str] | None:
    """Return the tokens that a folder's model may add to its prompts; None allows all.

    Raises ModelError.
    """
    file = folder / SHORTLIST
    with reading(file):
        return _Tokens.validate_json(file.read_bytes()) if file.is_file() else None


def prompt_tokens(tokenizer: Tokenizer, batch: Sequence[Facts]) -> list[list[str]]:
    """Return the prompt of each of the Facts as tokens, at most `MAX_PROMPT` of them.

    Where the whole prompt is too long, details are left out by rule.
    """
    encoded = tokenizer.encode_batch([prism_prompt(facts) for facts in batch])
    return [
        one.tokens if len(one) <= MAX_PROMPT else _bounded(tokenizer, facts)
        for one, facts in zip(encoded, batch, strict=True)
    ]


def _bounded(tokenizer: Tokenizer, facts: Facts) -> list[str]:
    style, known = style_of(facts), references(facts)
    for shorter in _shorter(facts):
        encoded = tokenizer.encode(prism_prompt(shorter, style, known))
        if len(encoded) <= MAX_PROMPT:
            break
    tokens: list[str] = encoded.tokens
    return tokens


def _shorter(facts: Facts) -> Iterator[Facts]:
    """Yield the Facts without attributes, then without categories, too: that fits."""
    for detail in ("attributes", "categories"):
        bare: dict[str, object] = {detail: {} if detail == "attributes" else ()}
        evidence = tuple(entry.model_copy(update=bare) for entry in facts.evidence)
        facts = facts.model_copy(
            update={"item": facts.item.model_copy(update=bare), "evidence": evidence}
        )
        yield facts
