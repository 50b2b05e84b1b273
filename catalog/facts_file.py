"""Facts files: the exchange format offline, sharded Parquet, each shard whole or not there.

A folder of `facts-00000.parquet`, ... with the columns `facts` (JSON), `split` ("train" or "test"),
`unseen` (true where the item's title is kept out of training) and `page` (rows of one page were
recommended together).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.facts import Facts
from catalog.files import new_folder, recover

SCHEMA = pa.schema(
    [
        ("facts", pa.string()),
        ("split", pa.string()),
        ("unseen", pa.bool_()),
        ("page", pa.int64()),
    ]
)
T = TypeVar("T")
Split = Literal["train", "test"]


class FactsFileError(ValueError):
    """A folder that holds no Facts files, or a shard that is damaged or has other columns."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a Facts file."""

    facts: Facts
    split: Split
    unseen: bool
    page: int


def write_shard(path: Path, table: pa.Table) -> None:
    """Write a Parquet file atomically."""
    work = path.with_suffix(".tmp")
    pq.write_table(table, work)
    work.replace(path)


def write_facts(folder: Path, samples: Iterable[Sample], shard_rows: int = 10_000) -> int:
    """Write samples as shards of a new folder, whole or not at all; return their number.

    Earlier Facts files there are replaced. Raises FileExistsError where there is anything else.
    """
    count = 0
    with new_folder(folder, "facts-00000.parquet") as work:
        for number, rows in enumerate(batched(samples, shard_rows)):
            columns = {
                "facts": [row.facts.model_dump_json() for row in rows],
                "split": [row.split for row in rows],
                "unseen": [row.unseen for row in rows],
                "page": [row.page for row in rows],
            }
            write_shard(work / f"facts-{number:05}.parquet", pa.table(columns, SCHEMA))
            count += len(rows)
    return count


def shards(folder: Path) -> list[Path]:
    """Return a folder's shards, in order. Raises FactsFileError where there is none."""
    recover(folder)
    found = sorted(folder.glob("facts-*.parquet"))
    if not found:
        raise FactsFileError(f"{folder} has no facts-*.parquet: run prism facts")
    return found


def read_facts(shard: Path, split: Split) -> list[Sample]:
    """Return the samples of a shard that belong to a split. Raises FactsFileError."""
    table = read_shard(shard, SCHEMA.names, ("split", "=", split))
    return [
        Sample(Facts.model_validate_json(row["facts"]), row["split"], row["unseen"], row["page"])
        for row in table.to_pylist()
    ]


def read_shard(
    shard: Path, columns: Sequence[str], where: tuple[str, str, str] | None = None
) -> pa.Table:
    """Return columns of a shard, of all rows or of some. Raises FactsFileError."""
    with _reading(shard):
        missing = set(columns) - set(pq.read_schema(shard).names)
        if missing:
            raise FactsFileError(f"{shard} lacks the columns {', '.join(sorted(missing))}")
        return pq.read_table(shard, columns=list(columns), filters=[where] if where else None)


def count_rows(shard: Path) -> int:
    """Return the number of a shard's rows, without reading them. Raises FactsFileError."""
    with _reading(shard):
        rows: int = pq.read_metadata(shard).num_rows
    return rows


@contextmanager
def _reading(shard: Path) -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        raise FactsFileError(f"{shard} is damaged, make it again: {error}") from error


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield rows in lists of `size`, the last one shorter."""
    remaining = iter(rows)
    while batch := list(islice(remaining, size)):
        yield batch
