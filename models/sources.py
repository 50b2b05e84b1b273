"""The code that decides what is written, as a hash: a version bumped by hand would be forgotten."""

import hashlib
from pathlib import Path

WRITING = (
    "clauses", "english", "faithfulness", "grounded", "prism", "prompts", "references", "titles",
)  # fmt: skip
"""Modules that decide which text equal Facts get."""
LABELLING = (*WRITING, "distillation/invent", "distillation/label")
"""Modules that decide which labels equal Facts get."""


def sources_hash(modules: tuple[str, ...]) -> str:
    """Return the hash of the sources of modules of this package."""
    digest = hashlib.sha256()
    for module in modules:
        digest.update((Path(__file__).parent / f"{module}.py").read_bytes())
    return digest.hexdigest()
