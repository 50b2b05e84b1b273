"""Hashes of files, and of the code that decides what is written.

A version that is bumped by hand would be forgotten.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_GRAMMAR = (
    "clauses", "english", "faithfulness", "grounded", "prism", "prompts", "references", "titles",
)  # fmt: skip
WRITING = (*_GRAMMAR, "conversion", "ctranslate2_engine", "torch_engine")
"""Modules that decide which text equal Facts get."""
LABELLING = (*_GRAMMAR, "distillation/invent", "distillation/label")
"""Modules that decide which labels equal Facts get."""


def files_hash(files: Iterable[Path]) -> str:
    """Return a short hash of the contents of files, in their order."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:  # in parts: weights may be large
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:12]


def sources_hash(modules: Iterable[str]) -> str:
    """Return a short hash of the sources of modules of this package."""
    return files_hash(Path(__file__).parent / f"{module}.py" for module in modules)
