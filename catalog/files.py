"""Files and folders that are written whole or not at all, and read of one state.

A writer fills a hidden work folder beside its target, `.NAME.xxxxxxxx.work`, which it keeps locked,
and puts what it made in the target's place in one step. A kill leaves a work folder that nobody
has locked: the next writer beside it removes it. All is on the disk before it takes a place, as
what was there before is gone then: a power failure must not leave neither.
"""

import ctypes
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_WORK = re.compile(r"\.(.+)\.[a-z0-9_]{8}\.work", re.DOTALL)
_OCCUPIED = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}
"""What renaming a folder to a place says where something is."""
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}
"""What renameat2 says where the kernel, the file system or a sandbox has no exchange."""
_OPENINGS = 10
Stamp = tuple[object, ...] | None


# ---------------------------------------------------------------------- writing


def check_replaceable(target: Path, made_by: str) -> None:
    """Raise FileExistsError for a folder that was not made in the same way.

    One that was has the file `made_by` in it; an empty one may be replaced, too.
    """
    with suppress(FileNotFoundError):
        while True:
            before, names = target.stat(), [one.name for one in target.iterdir()]
            if made_by in names or not names:
                return
            if os.path.samestat(before, target.stat()):  # else it was just being replaced
                raise FileExistsError(
                    f"{target} holds other things, as it has no {made_by}: not replaced"
                )


@contextmanager
def new_folder(target: Path, made_by: str | None) -> Iterator[Path]:
    """Yield a folder to fill; it becomes `target` at the end, whole, or not at all.

    What `target` held is gone then; a link stays, and what it leads to is replaced. Raises
    FileExistsError as `check_replaceable` does; with None whatever is there may be replaced.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    place = Path(os.path.realpath(target))
    with _work_folder(place) as work:
        if made_by is not None:
            check_replaceable(target, made_by)
        new = work / "new"
        new.mkdir()
        yield new
        _to_disk(*new.rglob("*"), new)
        _put(new, place, work / "old")
        _to_disk(place.parent)


def write_whole(file: Path, text: str) -> None:
    """Write a text file; a kill leaves what was there before, never half of it.

    A file that is replaced keeps its mode, and a link to it stays.
    """
    file = Path(os.path.realpath(file))
    with _work_folder(file) as work:
        new = work / "new"
        new.write_text(text, "utf-8")
        _to_disk(new)
        with suppress(FileNotFoundError):
            new.chmod(stat.S_IMODE(file.stat().st_mode))
        new.replace(file)
        _to_disk(file.parent)


@contextmanager
def _work_folder(target: Path) -> Iterator[Path]:
    _clean(target.parent)
    work, handle = _new_work_folder(target)
    try:
        yield work
    finally:
        _discard(work, target)
        os.close(handle)


def _new_work_folder(target: Path) -> tuple[Path, int]:
    """Return a new work folder and a handle that keeps it locked until it is closed."""
    while True:
        prefix, parent = f".{target.name}.", target.parent
        work = Path(tempfile.mkdtemp(prefix=prefix, suffix=".work", dir=parent))
        with suppress(FileNotFoundError):  # somebody who cleans up was faster than the lock
            handle = os.open(work, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks: there nobody cleans up
                fcntl.flock(handle, fcntl.LOCK_EX)
            if work.exists():
                return work, handle
            os.close(handle)


def _clean(parent: Path) -> None:
    """Remove the work folders of writers that were killed; what they had moved aside comes back."""
    with suppress(OSError):  # what cannot be cleaned up hinders nobody
        for work in [one for one in parent.iterdir() if _WORK.fullmatch(one.name)]:
            _clean_up(work)


def _clean_up(work: Path) -> None:
    with suppress(OSError), ExitStack() as stack:
        handle = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, handle)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it raises where the writer lives
        _discard(work, work.with_name(_target_name(work)))


def _discard(work: Path, target: Path) -> None:
    """Remove a work folder, but never the only whole state of its target."""
    recover(target)
    if target.exists() or not (work / "old").exists():
        shutil.rmtree(work, ignore_errors=True)


def _target_name(work: Path) -> str:
    named = _WORK.fullmatch(work.name)
    return named[1] if named else ""


def recover(target: Path) -> None:
    """Bring back what a writer had moved aside when it was killed or failed; see `_put`.

    Who opens a folder calls it first; `opened` does.
    """
    target = Path(os.path.realpath(target))
    if target.exists():
        return
    with suppress(OSError):  # nothing is there, or another was faster
        aside = [
            work / "old"
            for work in target.parent.iterdir()
            if _target_name(work) == target.name and (work / "old").exists()
        ]
        max(aside, key=lambda old: old.parent.stat().st_mtime_ns, default=target).rename(target)


def _put(new: Path, target: Path, aside: Path) -> None:
    """Put a folder in a place where something may be; this goes to where the folder was, or aside.

    Where the system can, it is one step. Elsewhere these are two, and there is nothing in the
    place between them; after a kill there, whoever reads or writes it next brings back the old.
    """
    while True:
        try:
            new.rename(target)
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise
        else:
            return
        with suppress(FileNotFoundError):  # somebody else is about to replace it, too
            with suppress(OSError):  # a folder must be writable to be moved to another
                target.chmod(target.stat().st_mode | stat.S_IRWXU)
            if _exchange(new, target):
                return
            shutil.rmtree(aside, ignore_errors=True)
            target.rename(aside)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two paths in one step; return False where that cannot be done."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), os.fspath(one), None, os.fspath(other))


def _to_disk(*paths: Path) -> None:
    """Wait until files, and the entries of folders, are on the disk."""
    for path in paths:
        try:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError:
            if not path.is_dir():  # not every folder can be opened, nor every file system do it
                raise


# ---------------------------------------------------------------------- reading


@contextmanager
def opened(folder: Path, names: Sequence[str]) -> Iterator[list[BinaryIO]]:
    """Open files of a folder, all of one state of it, also while another is put in its place.

    Raises OSError where one is not there, or is changed in place before the end of the block.
    """
    paths = [folder / name for name in names]
    for tries_left in reversed(range(_OPENINGS)):
        recover(folder)
        with ExitStack() as stack:
            try:
                files: list[BinaryIO] = [stack.enter_context(path.open("rb")) for path in paths]
                before = [_state(os.fstat(file.fileno())) for file in files]
                now = [_state(path.stat()) for path in paths]
            except FileNotFoundError:
                if tries_left:
                    continue  # perhaps it is just being replaced, in two steps
                raise
            if now != before:
                continue  # some are of the folder before
            yield files
            for path, file, state in zip(paths, files, before, strict=True):
                if _state(os.fstat(file.fileno())) != state:
                    raise OSError(f"{path} was changed while it was read")
            return
    raise OSError(f"{folder} is replaced faster than it can be opened")


def _state(of: os.stat_result) -> tuple[int, ...]:
    """Return what writing to a file changes; to remove it changes its times, too, but not these."""
    return of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns


def stamp(path: Path) -> Stamp:
    """Return what changes whenever a file, or one in a folder, is written or replaced.

    None where nothing is there: to look at before reading it again.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return tuple((part.name, stamp(part)) for part in sorted(path.iterdir()))
    except OSError:
        return None
    return found.st_ctime_ns, found.st_size, found.st_ino
