"""Sources: the files a table is made of, wherever they lie and however they are packed.

`ratings.csv`, `ratings.csv.gz`, a folder, `part-*.csv` and `ml-1m.zip/ratings.dat` all become a
list of sources, each of which opens as a stream of plain bytes. What a file is packed with is told
by its first bytes, not by its name.
"""

import bz2
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import pyarrow as pa

from catalog.tables import DatasetError

_WILD = set("*?[")
_NO_DATA = {".md", ".html", ".pdf", ".jpg", ".png"}
_NO_DATA_NAMES = {"readme", "license", "licence", "notice"}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive inside another",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"7z\xbc\xaf": "a 7z archive",
    b"ARROW1": "an Arrow file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x80\x04": "a pickle, which is never read",
    b"\x80\x05": "a pickle, which is never read",
}
_READABLE = (
    "CSV and its kin, JSON lines or Parquet, plain or packed as .gz, .bz2, .xz, .zst or .zip"
)


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one member of a zip archive.

    Attributes
    ----------
    name : how messages call it
    path : the file on disk
    member : the member's name inside a zip archive, or None
    size : bytes that are read of the disk
    """

    name: str
    path: Path
    member: str | None
    size: int

    @contextmanager
    def open(self, on_bytes: Callable[[int], None] = lambda read: None) -> Iterator[BinaryIO]:
        """Open it unpacked; `on_bytes` hears how many bytes of `size` were read each time.

        Raises DatasetError where it cannot be read to its end.
        """
        try:
            with self.path.open("rb") as file:
                if self.member is None:
                    yield _unpacked(self.name, Counted(file, on_bytes))
                else:
                    archive = zipfile.ZipFile(Counted(file, on_bytes))
                    with archive.open(self.member) as member:
                        yield _unpacked(self.name, member)
        except (EOFError, zipfile.BadZipFile, gzip.BadGzipFile, lzma.LZMAError) as error:
            raise DatasetError(f"{self.name}: damaged or cut short ({error})") from error
        except (NotImplementedError, RuntimeError) as error:  # of zipfile: a method, a password
            raise DatasetError(f"{self.name}: cannot be unpacked ({error})") from error
        except OSError as error:
            raise DatasetError(f"{self.name}: {error.strerror or error}") from error


class Counted(io.BufferedReader):
    """A file that says how far it was read."""

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        super().__init__(file)  # type: ignore[arg-type]
        self._on_bytes = on_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on, and say how far."""
        data = super().read(-1 if size is None else size)
        self._on_bytes(len(data))
        return data


def _unpacked(name: str, file: Any) -> Any:
    head = file.peek(16)[:16] if hasattr(file, "peek") else b""
    if head.startswith(b"\x1f\x8b"):
        return gzip.open(file, "rb")
    if head.startswith(b"BZh"):
        return bz2.open(file, "rb")
    if head.startswith(b"\xfd7zXZ"):
        return lzma.open(file, "rb")
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"))
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise DatasetError(f"{name} is {what}: export it as one of {_READABLE}")
    return file


# ---------------------------------------------------------------------- finding them


def find(where: Path | str) -> list[Source]:
    """Return the sources that a path, a pattern, a folder or a place in an archive means.

    Raises DatasetError where nothing is there, or an archive holds several tables.
    """
    path = Path(where)
    if path.is_dir():
        sources = _of_folder(path)
    elif path.is_file():
        sources = _of_file(path)
    elif archive := next((one for one in path.parents if zipfile.is_zipfile(one)), None):
        sources = matching(members(archive), path.relative_to(archive).as_posix())
    else:
        sources = [
            source
            for file in (sorted(_glob(path)) if _WILD & set(str(path)) else [])
            if file.is_file()
            for source in _of_file(file)
        ]
    if not sources:
        raise DatasetError(f"{where}: no such file")
    return sources


def members(place: Path) -> list[Source]:
    """Return every file of a folder or a zip archive, at any depth, sorted by name."""
    if place.is_dir():
        files = (file for file in sorted(place.rglob("*")) if file.is_file())
        return [_whole(file, file.relative_to(place).as_posix()) for file in files]
    if not place.exists():
        raise DatasetError(f"{place}: no such file or folder")
    if not zipfile.is_zipfile(place):
        return [_whole(place, place.name)]
    with zipfile.ZipFile(place) as archive:
        inside = [one for one in archive.infolist() if not one.is_dir()]
    return [
        Source(f"{place.name}/{one.filename}", place, one.filename, one.compress_size)
        for one in sorted(inside, key=lambda one: one.filename)
        if not one.filename.startswith("__MACOSX")
    ]


def matching(sources: Sequence[Source], pattern: str) -> list[Source]:
    """Return the sources whose name, or the end of whose path, fits a pattern of the shell."""
    return [
        source
        for source in sources
        if any(fnmatch(name, pattern) for name in _ends(source.member or source.name))
    ]


def _ends(name: str) -> list[str]:
    parts = PurePosixPath(name).parts
    return ["/".join(parts[n:]) for n in range(len(parts))]


def _glob(path: Path) -> Iterator[Path]:
    parts = path.parts
    fixed = next((n for n, part in enumerate(parts) if _WILD & set(part)), len(parts))
    return Path(*parts[:fixed]).glob(os.path.join(*parts[fixed:]))  # noqa: PTH118


def _of_folder(folder: Path) -> list[Source]:
    files = sorted(file for file in folder.iterdir() if file.is_file() and _may_hold_data(file))
    return [source for file in files for source in _of_file(file)]


def _of_file(file: Path) -> list[Source]:
    if not zipfile.is_zipfile(file) or file.suffix == ".parquet":
        return [_whole(file, file.name)]
    found = members(file)
    if any(source.member == "[Content_Types].xml" for source in found):
        raise DatasetError(f"{file.name} is an Excel workbook: export it as one of {_READABLE}")
    tables = [one for one in found if _may_hold_data(Path(one.member or ""))]
    if len(tables) != 1:
        names = ", ".join(one.member or "" for one in tables) or "nothing"
        raise DatasetError(f"{file.name} holds {names}: name one, as in {file.name}/FILE")
    return tables


def _whole(file: Path, name: str) -> Source:
    return Source(name, file, None, file.stat().st_size)


def _may_hold_data(file: Path) -> bool:
    stem = file.name.partition(".")[0].casefold()
    return bool(stem) and stem not in _NO_DATA_NAMES and file.suffix.casefold() not in _NO_DATA
