"""Files and folders that are written whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_replaceable(target: Path, made_by: str) -> None:
    """Raise FileExistsError for a folder that was not made in the same way.

    One that was has the file `made_by` in it; an empty one may be replaced, too.
    """
    if target.exists() and not (target / made_by).is_file() and any(target.iterdir()):
        raise FileExistsError(f"{target} holds other things, as it has no {made_by}: not replaced")


@contextmanager
def new_folder(target: Path, made_by: str) -> Iterator[Path]:
    """Yield a folder to fill; it becomes `target` at the end, whole, or not at all.

    What `target` held is gone then. Raises FileExistsError as `check_replaceable` does.
    """
    check_replaceable(target, made_by)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield work
        work.chmod(0o755)
        old = work.with_name(work.name + "-old")
        if target.exists():
            target.rename(old)
        work.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_whole(file: Path, text: str) -> None:
    """Write a text file; a kill leaves what was there before, never half of it."""
    work = file.with_name(f".{file.name}-{os.getpid()}")
    work.write_text(text, "utf-8")
    work.replace(file)
