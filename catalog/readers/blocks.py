"""Blocks: some thousand rows of a file at a time, with the line of each and those that are no rows.

Whatever a file was, a block has its rows as columns of Arrow (CSV, Parquet, most JSON) or as
records (JSON whose cells are lists, dicts or of several types).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from catalog.readers import cells
from catalog.tables import DatasetError

Row = Mapping[str, Any]
MALFORMED = "the row is not CSV, or has more or fewer cells than the header"


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a file.

    Attributes
    ----------
    rows : Arrow table of n rows, or n records
    lines : int64 array of shape (n,), the line on which each row begins
    broken : (line, reason) of what is no row
    """

    rows: pa.Table | Sequence[Row]
    lines: NDArray[np.int64]
    broken: Sequence[tuple[int, str]] = field(default=())

    def records(self) -> Iterator[tuple[int, Row]]:
        """Yield (line, row) with every cell as it was stored."""
        rows = self.rows.to_pylist() if isinstance(self.rows, pa.Table) else self.rows
        return zip(self.lines.tolist(), rows, strict=True)

    def column(self, name: str) -> pa.Array:
        """Return a column of n texts or numbers; a cell that holds neither is null."""
        if isinstance(self.rows, pa.Table):
            return self.rows[name].combine_chunks()
        return pa.array([_scalar(row.get(name)) for row in self.rows], pa.string())


def _scalar(cell: Any) -> str | None:
    told = None if isinstance(cell, (list, dict)) else cells.text(cell)
    return None if told is None else str(told)


def parquet_blocks(file: BinaryIO, name: str, wanted: Sequence[str]) -> Iterator[Block]:
    """Yield the blocks of a Parquet file; its rows are numbered from 1.

    Raises DatasetError for a damaged file.
    """
    first = 1
    for batch in _batches(file, name, wanted):
        lines = np.arange(first, first + batch.num_rows, dtype=np.int64)
        yield Block(pa.Table.from_batches([batch]), lines)
        first += batch.num_rows


def parquet_names(file: BinaryIO, name: str) -> list[str]:
    """Return the columns of a Parquet file. Raises DatasetError."""
    try:
        names: list[str] = pq.ParquetFile(file).schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{name}: not a Parquet file ({error})") from error
    return names


def _batches(file: BinaryIO, name: str, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
    try:
        whole = pq.ParquetFile(file)
        columns = [column for column in whole.schema_arrow.names if column in wanted]
        yield from whole.iter_batches(columns=columns)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{name}: not a Parquet file ({error})") from error
