"""What changes whenever a file is written or replaced: to look at before reading it again."""

from pathlib import Path


def stamp(file: Path) -> tuple[int, int, int] | None:
    """Return a file's time of change, size and inode; None where it is not there.

    It is not for a moment, while it is being replaced.
    """
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
