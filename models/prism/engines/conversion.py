"""The CTranslate2 form of a Prism: ready in its folder, or made of a bare one and kept.

    data/prism/ctranslate2-int8/         written by prism distill, used while it fits the weights
    data/engines/3f1c...-int8-2-4.8.5/   made when a folder without one (or with one that does not
                                         fit) is first served

A form knows in its `digest.txt` the weights that it is of, and its own files.
"""

import logging
import os
from pathlib import Path
from typing import Literal

import ctranslate2
from tokenizers import Tokenizer

from catalog.files import new_folder
from models.prism.engines.protocol import ModelError, reading
from models.prism.engines.specification import specification
from models.prism.folder import READY, SHORTLIST, WEIGHTS, shortlist, weights_hash
from models.prism.hashes import files_hash

log = logging.getLogger(__name__)
ComputeType = Literal["int8", "float16", "float32"]
CONVERSION_VERSION = "2"
"""Raised whenever a folder may become another engine."""
_VMAP, _DIGEST = "vmap.txt", "digest.txt"


def converted(folder: Path, tokenizer: Tokenizer, compute_type: ComputeType, cache: Path) -> Path:
    """Return the CTranslate2 form of a BART folder: its own, or one made now or found in `cache`.

    Raises ModelError for a folder that holds something else, and where nothing can be written.
    """
    source = weights_hash(folder)
    if compute_type == "int8" and (folder / READY).exists():
        damage = _damage(folder / READY, source)
        if damage is None:
            return folder / READY
        log.warning("a model's own CTranslate2 form is not used: %s: %s", folder / READY, damage)
    target = cache / f"{source}-{compute_type}-{CONVERSION_VERSION}-{ctranslate2.__version__}"
    damage = _damage(target, source)
    if damage is None:
        return target
    if os.path.lexists(target):
        log.warning("a converted model is damaged, made again: %s: %s", target, damage)
    with reading(folder):
        spec = specification(folder, tokenizer)
        _check_fits(folder, tokenizer, len(spec.decoder.projection.weight))
        spec.validate()
        spec.optimize(quantization=compute_type)
    try:
        with new_folder(target, None) as work:
            spec.save(os.fspath(work))
            finish(work, folder, tokenizer)
            if weights_hash(folder) != source:
                raise ModelError(f"{folder} was changed while it was read")
    except OSError as error:
        raise ModelError(
            f"{cache} cannot be written ({error.strerror}): PRISM_ENGINES names the folder for "
            "converted models"
        ) from None
    return target


def finish(form: Path, folder: Path, tokenizer: Tokenizer) -> None:
    """Add to the CTranslate2 form of a folder what a converter does not know of."""
    allowed = shortlist(folder)
    if allowed is not None:
        (form / _VMAP).write_text(_vocabulary_map(tokenizer, allowed), "utf-8")
    digest = f"{weights_hash(folder)} {_files_hash(form)} {ctranslate2.__version__}\n"
    (form / _DIGEST).write_text(digest, "utf-8")


def _damage(form: Path, source: str) -> str | None:
    """Return why a form is not as it was written for these weights, None where it is.

    Damage in the middle of the weights would load, and write rubbish.
    """
    try:
        of, files, version = (form / _DIGEST).read_text("utf-8").split()
        if files != _files_hash(form):
            return "its files are not those that were written"
        newer = _numbers(version) > _numbers(ctranslate2.__version__)
    except (OSError, ValueError) as error:
        return str(error)
    if of != source:
        return "it is of other weights"
    return f"CTranslate2 {version} wrote it, this is {ctranslate2.__version__}" if newer else None


def _numbers(version: str) -> tuple[int, ...]:
    """Return what may change how models are written."""
    return tuple(int(number) for number in version.split(".")[:2])


def _files_hash(form: Path) -> str:
    files = [form / name for name in ("model.bin", "config.json", "shared_vocabulary.json")]
    if (form / _VMAP).exists():
        files.append(form / _VMAP)
    return files_hash(files)


def _check_fits(folder: Path, tokenizer: Tokenizer, rows: int) -> None:
    """Raise ModelError where the weights have not a row for each token, of a model of ours."""
    allowed = shortlist(folder)
    known = tokenizer.get_vocab().keys()
    if allowed is not None and (len(known) != rows or not known >= set(allowed)):
        raise ModelError(
            f"{folder}: {WEIGHTS}, tokenizer.json and {SHORTLIST} are not of one model"
        )


def _vocabulary_map(tokenizer: Tokenizer, allowed: list[str]) -> str:
    """Return what CTranslate2 weighs: the shortlist and the tokens of a batch's prompts."""
    others = sorted(set(tokenizer.get_vocab()) - set(allowed))
    lines = [f"\t{' '.join(allowed)}", *(f"{token}\t{token}" for token in others)]
    return "\n".join(lines) + "\n"
