"""Hashes of files: what a model or a converted engine is known by."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def files_hash(files: Iterable[Path]) -> str:
    """Return a short hash of the contents of files, in their order."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:  # in parts: weights may be large
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()[:12]
