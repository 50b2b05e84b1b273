"""Runs a writer again and again, killed by SIGKILL at each of its steps on files, and looks on.

Standard output is one JSON object a kill: `found`, what the place holds after it, `next`, what it
holds after another writer, and `left`, what that one left beside it.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from catalog import files
from catalog.files import new_folder, opened, write_whole

NAMES = ("first", "second")


def write_folder(target: Path, text: str) -> None:
    """Put a folder of two equal files in place."""
    with new_folder(target, "first") as work:
        for name in NAMES:
            (work / name).write_text(text)


def read_folder(target: Path) -> list[str]:
    """Return what the files of a folder say."""
    with opened(target, NAMES) as found:
        return [file.read().decode() for file in found]


def killed_at(step: int, write: Callable[[], None]) -> bool:
    """Run a writer in a child that kills itself before a step; return False if it had no more."""
    child = os.fork()
    if not child:
        steps = 0

        def count(event: str, _: tuple[Any, ...]) -> None:
            nonlocal steps
            if event == "open" or event.startswith(("os.", "shutil.", "tempfile.", "ctypes.")):
                steps += 1
                if steps == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        write()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def main(kind: str, folder: Path) -> None:
    """Kill a writer at its first step, at its second, and so on until it has no more."""
    if kind == "two renames":  # as where neither kernel nor file system can exchange
        files._exchange = lambda one, other: False
    target = folder / "target"
    write: Callable[[Path, str], None] = write_whole if kind == "file" else write_folder
    step, killed = 0, True
    while killed:
        step += 1
        write(target, "old")
        killed = killed_at(step, partial(write, target, "new"))
        there = target.exists()
        found = [target.read_text()] if kind == "file" else read_folder(target)
        write(target, "next")
        following = [target.read_text()] if kind == "file" else read_folder(target)
        left = [path.name for path in folder.iterdir() if path != target]
        told = {"there": there, "found": found, "next": following, "left": left}
        print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
