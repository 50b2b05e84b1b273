"""Processes of Python that are forked from one which has imported Prism already.

To start Python and import Prism takes a process two seconds of a core, and tests start a hundred.
Forked they are ready in a third of a second, and differ in nothing else from those that a user
starts, but that what is random for each Python, such as the hashes of strings, is the same.
"""

import multiprocessing
import os
import runpy
import sys
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent


@cache
def _forks() -> ForkServerContext:
    """Return what forks processes that have imported Prism, each with one thread for numbers."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["preloaded"])
    tests = str(Path(__file__).parent)
    path = os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")]))
    with mock.patch.dict(os.environ, {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}):
        forkserver.ensure_running()
    return context


def _run_python(arguments: list[str], environment: dict[str, str], log: Path) -> None:
    """Do what `python ARGUMENTS` does with a script or with `-c` and code."""
    assert "preloaded" in sys.modules, "tests/preloaded.py cannot be imported"
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


class Forked:
    """A forked process, to be handled as a `subprocess.Popen`."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        assert command[0] == sys.executable
        self._process = _forks().Process(
            target=_run_python, args=(command[1:], environment, log), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait for the end; return the exit status."""
        self._process.join(timeout)
        assert self._process.exitcode is not None, "it has not come to an end"
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)
