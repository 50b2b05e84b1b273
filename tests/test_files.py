"""Files and folders are written whole or not at all, whatever happens to whoever writes them."""

import ctypes
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from killed_writer import read_folder, write_folder

from catalog import files
from catalog.files import new_folder, opened, stamp, write_whole

ROOT = Path(__file__).resolve().parent.parent
GENEROUS_S = 60
WRITE_FOREVER = """
import sys
from pathlib import Path
from catalog import files
from killed_writer import write_folder
if "two renames" in sys.argv:
    files._exchange = lambda one, other: False
n = 0
while True:
    write_folder(Path(sys.argv[1]), str(n := n + 1))
"""
HALF_WAY = """
import signal, sys
from pathlib import Path
from catalog.files import new_folder
with new_folder(Path(sys.argv[1]), "first") as work:
    (work / "first").write_text("half of it")
    print(work, flush=True)
    signal.pause()
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return a folder that holds the text "old" twice."""
    write_folder(tmp_path / "target", "old")
    return tmp_path / "target"


@pytest.fixture(params=["exchange", "two renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let folders be put in place in either way: not every file system can exchange."""
    if request.param == "two renames":
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    return str(request.param)


@contextmanager
def running(script: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run a script of the tests; it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def kills(kind: str, folder: Path) -> list[dict[str, Any]]:
    """Return what `killed_writer` saw."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "killed_writer.py", kind, folder],
        capture_output=True, text=True, check=False, timeout=GENEROUS_S,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def beside(target: Path) -> list[str]:
    """Return the names of what lies beside a target."""
    return [path.name for path in target.parent.iterdir() if path != target]


class TestKills:
    """SIGKILL at every step: the place holds the old or the new, and nothing piles up."""

    def test_a_folder_is_never_missing_where_the_system_can_exchange(self, tmp_path: Path) -> None:
        seen = kills("exchange", tmp_path)
        assert len(seen) > 15
        assert all(kill["there"] for kill in seen)
        self.assert_old_then_new(seen, times=2)

    def test_elsewhere_the_old_folder_comes_back(self, tmp_path: Path) -> None:
        seen = kills("two renames", tmp_path)
        assert not all(kill["there"] for kill in seen)  # which is what this is about
        self.assert_old_then_new(seen, times=2)

    def test_a_file(self, tmp_path: Path) -> None:
        seen = kills("file", tmp_path)
        assert all(kill["there"] for kill in seen)
        self.assert_old_then_new(seen, times=1)

    @staticmethod
    def assert_old_then_new(seen: list[dict[str, Any]], times: int) -> None:
        found = [kill["found"] for kill in seen]
        until_new = found.index(["new"] * times)
        assert until_new > 3
        assert found == [["old"] * times] * until_new + [["new"] * times] * (len(seen) - until_new)
        assert all(kill["next"] == ["next"] * times for kill in seen)
        assert all(kill["left"] == [] for kill in seen)


class TestLeftovers:
    def test_the_next_writer_beside_it_removes_them_but_not_those_of_who_lives(
        self, target: Path
    ) -> None:
        with running(HALF_WAY, target) as dead, running(HALF_WAY, target) as alive:
            works = [Path(process.stdout.readline().strip()) for process in (dead, alive)]  # type: ignore[union-attr]
            dead.kill()
            dead.wait()
            assert all(work.exists() for work in works)
            write_whole(target.with_name("another"), "text")
            assert [work.exists() for work in works] == [False, True]
        write_folder(target, "new")
        assert beside(target) == ["another"]

    def test_one_that_stands_still_is_alive(self, target: Path) -> None:
        with running(HALF_WAY, target) as stopped:
            work = Path(stopped.stdout.readline().strip())  # type: ignore[union-attr]
            stopped.send_signal(signal.SIGSTOP)
            write_folder(target, "new")
            assert (work / "first").read_text() == "half of it"

    def test_what_cannot_be_brought_back_is_kept(
        self, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work = target.with_name(".target.abcdefgh.work")
        work.mkdir()
        target.rename(work / "old")

        def forbidden(self: Path, target: Path) -> Path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", forbidden)
            write_whole(target.with_name("another"), "text")
        assert read_folder(target) == ["old", "old"]

    @pytest.mark.parametrize("name", [".target", ".target.work", ".target.abcdefgh", ".target-old"])
    def test_what_somebody_else_keeps_there_stays(self, target: Path, name: str) -> None:
        target.with_name(name).mkdir()
        write_folder(target, "new")
        assert beside(target) == [name]


class TestReplacing:
    def test_a_reader_in_another_process_never_misses_it(self, target: Path) -> None:
        seen: set[bytes] = set()
        with running(WRITE_FOREVER, target) as writer:
            while len(seen) < 30:
                assert target.is_dir()
                seen.add((target / "first").read_bytes())
                assert writer.poll() is None

    def test_nor_sees_a_mixture(self, target: Path, way: str) -> None:
        seen: set[str] = set()
        with running(WRITE_FOREVER, target, way) as writer:
            while len(seen) < 30:
                first, second = read_folder(target)
                assert first == second
                seen.add(first)
                assert writer.poll() is None

    def test_writers_at_once_leave_one_of_theirs_and_nothing_else(
        self, target: Path, way: str
    ) -> None:
        def write(name: str) -> None:
            for n in range(10):
                write_folder(target, f"{name}{n}")

        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first, second = read_folder(target)
        assert first == second
        assert first in {"a9", "b9", "c9"}
        assert beside(target) == []

    def test_writers_in_several_processes_do_not_harm_each_other(self, target: Path) -> None:
        with running(WRITE_FOREVER, target) as one, running(WRITE_FOREVER, target) as other:
            end = time.monotonic() + 1
            while time.monotonic() < end:
                first, second = read_folder(target)
                assert first == second
            assert (one.poll(), other.poll()) == (None, None)
        write_folder(target, "last")
        assert (read_folder(target), beside(target)) == (["last", "last"], [])

    @pytest.mark.parametrize("there", ["nothing", "an empty folder", "a folder", "a file"])
    def test_whatever_is_there_may_be_replaced_where_the_writer_says_so(
        self, target: Path, way: str, there: str
    ) -> None:
        place = target.with_name("place")
        if there == "a file":
            place.write_text("in the way")
        elif there != "nothing":
            place.mkdir()
            (place / "other").write_text("in the way")
            if there == "an empty folder":
                (place / "other").unlink()
        with new_folder(place, None) as work:
            (work / "first").write_text("new")
        assert [path.name for path in place.iterdir()] == ["first"]
        assert beside(place) == ["target"]

    @pytest.mark.parametrize("mode", [0o000, 0o500])
    def test_a_folder_that_its_owner_may_not_write_is_replaced(
        self, target: Path, way: str, mode: int
    ) -> None:
        target.chmod(mode)
        with new_folder(target, None) as work:
            for name in ("first", "second"):
                (work / name).write_text("new")
        assert (read_folder(target), beside(target)) == (["new", "new"], [])

    def test_a_link_stays_and_what_it_leads_to_is_replaced(self, target: Path) -> None:
        link = target.with_name("link")
        link.symlink_to("target")
        write_folder(link, "new")
        assert link.is_symlink()
        assert read_folder(target) == ["new", "new"]

    def test_the_mode_is_that_of_any_new_folder(self, target: Path) -> None:
        before = os.umask(0o027)
        try:
            write_folder(target, "new")
        finally:
            os.umask(before)
        assert stat.S_IMODE(target.stat().st_mode) == 0o750
        assert stat.S_IMODE((target / "first").stat().st_mode) == 0o640

    @pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM])
    def test_a_system_that_cannot_exchange_is_asked_once_and_not_believed_to_have_done_it(
        self, target: Path, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: Refusing(number))
        write_folder(target, "new")
        assert (read_folder(target), beside(target)) == (["new", "new"], [])

    def test_an_exchange_that_fails_leaves_the_old_folder(
        self, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: Refusing(errno.EIO))
        with pytest.raises(OSError, match="Input/output error"):
            write_folder(target, "new")
        assert (read_folder(target), beside(target)) == (["old", "old"], [])


class Refusing:
    """A C library whose renameat2 fails."""

    def __init__(self, number: int) -> None:
        self._number = number

    def renameat2(self, *_: object) -> int:
        """Fail, and say why as C does."""
        ctypes.set_errno(self._number)
        return -1


class TestWritingAFile:
    def test_its_mode_is_kept_and_that_of_a_new_one_is_as_ever(self, tmp_path: Path) -> None:
        file = tmp_path / "keys"
        file.touch(mode=0o600)
        write_whole(file, "text")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        before = os.umask(0o027)
        try:
            write_whole(tmp_path / "new", "text")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640

    def test_a_link_to_it_stays(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("file")
        for text in ("first", "second"):
            write_whole(tmp_path / "link", text)
            assert (tmp_path / "link").is_symlink()
            assert (tmp_path / "file").read_text() == text

    def test_threads_that_write_at_once_leave_one_text_whole(self, tmp_path: Path) -> None:
        texts = [letter * 10_000 for letter in "abcd"]
        threads = [
            threading.Thread(target=write_whole, args=(tmp_path / "file", text)) for text in texts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (tmp_path / "file").read_text() in texts
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_one_that_fails_leaves_the_old_text(self, tmp_path: Path) -> None:
        write_whole(tmp_path / "file", "old")
        with pytest.raises(UnicodeEncodeError):
            write_whole(tmp_path / "file", "\ud800")
        assert (tmp_path / "file").read_text() == "old"
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


class TestReading:
    @pytest.mark.parametrize("change", ["overwritten", "cut short", "made longer"])
    def test_a_change_in_place_is_told(self, target: Path, change: str) -> None:
        changed = {"overwritten": "new", "cut short": "", "made longer": "older"}[change]
        with pytest.raises(OSError, match="second was changed"), opened(target, ["second"]):
            (target / "second").write_text(changed)

    def test_a_folder_that_takes_its_place_is_no_change(self, target: Path) -> None:
        with opened(target, ["first", "second"]) as found:
            write_folder(target, "new")
            assert [file.read() for file in found] == [b"old", b"old"]

    def test_what_is_not_there_is_named(self, target: Path) -> None:
        with pytest.raises(FileNotFoundError, match="third"), opened(target, ["first", "third"]):
            pytest.fail("nothing must be offered")


class TestStamps:
    @pytest.mark.parametrize(
        "change",
        [
            lambda folder: (folder / "first").write_text("new"),
            lambda folder: (folder / "first").write_text("old"),
            lambda folder: os.truncate(folder / "first", 1),
            lambda folder: (folder / "first").unlink(),
            lambda folder: (folder / "third").write_text(""),
            lambda folder: (folder / "first").rename(folder / "third"),
            lambda folder: write_folder(folder, "old"),
        ],
    )
    def test_any_change_of_a_folder_changes_its_stamp(
        self, target: Path, change: Callable[[Path], object]
    ) -> None:
        before = stamp(target)
        assert stamp(target) == before
        time.sleep(0.02)  # clocks of file systems tick slowly
        change(target)
        assert stamp(target) != before

    def test_a_file_that_keeps_size_and_time_is_told_apart(self, target: Path) -> None:
        file, before = target / "first", stamp(target)
        times = file.stat()
        time.sleep(0.02)
        file.write_text("new")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert stamp(target) != before

    def test_what_is_not_there_has_none(self, tmp_path: Path) -> None:
        assert stamp(tmp_path / "nowhere") is None
