"""Dataset: items and interactions on disk as Parquet, validated on load, and in memory as arrays.

A dataset folder holds `items.parquet`, `interactions.parquet`, `dataset.json` (`DatasetInfo`) and
`CARD.md` (where the data come from and under which terms).
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.sparse import csr_matrix

from catalog.facts import Noun, Popularity
from catalog.files import new_folder, opened
from catalog.types import VALUE_LIMIT, History, Item, Liking

ITEMS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("categories", pa.list_(pa.string())),
        ("year", pa.int32()),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("hidden", pa.bool_()),
        ("description", pa.string()),
    ]
)
_NULLABLE = {"year", "description"}
INTERACTIONS_SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("value", pa.float64()),
        ("timestamp", pa.int64()),
    ]
)
_FAVOURITE, _WELL_LIKED = 0.01, 0.10
"""Share of the catalogue counted as favourites, and as well liked."""


class DatasetError(ValueError):
    """A dataset that cannot be used; the message says which file and why."""


class DatasetInfo(BaseModel):
    """What a Dataset says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Shown in logs and reports.")
    noun: Noun = Field(default=Noun(), description="What the items are called in a sentence.")
    liking_threshold: float | None = Field(
        default=None,
        description="A value at or above it is a liking, one below it a dislike. "
        "None: every interaction is a liking, and repeats add up.",
    )
    loved_threshold: float | None = Field(
        default=None, description='A value at or above it may be called "loved".'
    )
    source: str = Field(default="", description="Where the data come from.")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Items and interactions; the interactions are grouped by user, oldest first.

    Attributes
    ----------
    item_ids, user_ids : lists of I and U ids
    hidden : bool array of shape (I,)
        Items that count in a history but are never recommended, searched or named as evidence.
    indptr : int64 array of shape (U + 1,)
        User u's interactions are the rows `indptr[u]:indptr[u + 1]` of the next three arrays.
    items : int32 array of shape (N,), positions in `item_ids`
    values : float64 array of shape (N,)
    timestamps : int64 array of shape (N,), Unix seconds
    """

    info: DatasetInfo
    item_table: pa.Table
    item_ids: list[str]
    user_ids: list[str]
    hidden: NDArray[np.bool_]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    values: NDArray[np.float64]
    timestamps: NDArray[np.int64]

    # ------------------------------------------------------------------ looking things up

    @cached_property
    def item_index(self) -> Mapping[str, int]:
        """Position of each item id."""
        return {item_id: i for i, item_id in enumerate(self.item_ids)}

    @cached_property
    def user_index(self) -> Mapping[str, int]:
        """Position of each user id."""
        return {user_id: u for u, user_id in enumerate(self.user_ids)}

    @cached_property
    def _records(self) -> dict[int, Item]:
        return {}

    def item(self, position: int) -> Item:
        """Return the item at a position, built once."""
        item = self._records.get(position)
        if item is None:
            row = self.item_table.slice(position, 1).to_pylist()[0]
            item = self._records[position] = _item_of(row)
        return item

    def history(self, user_id: str) -> History:
        """Return a user's history, oldest first. Raises KeyError for an unknown user."""
        user = self.user_index[user_id]
        rows = slice(int(self.indptr[user]), int(self.indptr[user + 1]))
        ids = self.item_ids
        return History(
            [ids[i] for i in self.items[rows].tolist()], self.values[rows], self.timestamps[rows]
        )

    def overlap(self, first: int, second: int) -> float:
        """Return the Jaccard overlap of two items' categories, 0 to 1."""
        ours = {category.casefold() for category in self.item(first).categories}
        theirs = {category.casefold() for category in self.item(second).categories}
        return len(ours & theirs) / max(1, len(ours | theirs))

    # ------------------------------------------------------------------ likings

    def is_liking(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which values are likings."""
        if self.info.liking_threshold is None:
            return np.ones(len(values), dtype=np.bool_)
        return values >= self.info.liking_threshold

    def liking(self, value: float) -> Liking:
        """Return how strongly a liking may be told."""
        loved = self.info.loved_threshold
        return "loved" if loved is not None and value >= loved else "liked"

    @cached_property
    def liking_counts(self) -> NDArray[np.int64]:
        """Number of users who like each item, shape (I,)."""
        liked = self.items[self.is_liking(self.values)]
        return np.bincount(liked, minlength=len(self.item_ids)).astype(np.int64)

    @cached_property
    def _popularity_floors(self) -> tuple[int, int]:
        counts = np.sort(self.liking_counts)[::-1]
        at = [max(1, int(share * len(counts))) - 1 for share in (_FAVOURITE, _WELL_LIKED)]
        # Two likers are the least that "people" can mean.
        return max(2, int(counts[at[0]])), max(2, int(counts[at[1]]))

    def popularity(self, position: int) -> Popularity | None:
        """Return how widely an item is liked, coarsely, so that cached texts stay valid."""
        favourite, well_liked = self._popularity_floors
        count = int(self.liking_counts[position])
        if count >= favourite:
            return "favourite"
        return "well_liked" if count >= well_liked else None

    # ------------------------------------------------------------------ as a whole

    def matrix(self, weights: NDArray[np.float64]) -> csr_matrix:
        """Return a (U, I) matrix with one given weight per interaction, float32."""
        shape = (len(self.user_ids), len(self.item_ids))
        return csr_matrix(
            (weights.astype(np.float32), self.items, self.indptr.astype(np.int32)), shape=shape
        )

    def keep(self, mask: NDArray[np.bool_]) -> "Dataset":
        """Return the same items and users with only the interactions where `mask` (N,) is True."""
        kept = np.concatenate([[0], np.cumsum(mask)])
        return Dataset(
            info=self.info,
            item_table=self.item_table,
            item_ids=self.item_ids,
            user_ids=self.user_ids,
            hidden=self.hidden,
            indptr=kept[self.indptr],
            items=self.items[mask],
            values=self.values[mask],
            timestamps=self.timestamps[mask],
        )

    @cached_property
    def fingerprint(self) -> str:
        """Return 12 hex digits that change whenever an id or an interaction changes."""
        digest = hashlib.sha256("\0".join([*self.item_ids, "", *self.user_ids]).encode())
        for array in (self.indptr, self.items, self.values, self.timestamps):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]


# ---------------------------------------------------------------------- building and checking


def build(info: DatasetInfo, items: pa.Table, interactions: pa.Table) -> Dataset:
    """Return the Dataset of two tables.

    Repeats of a (user, item) pair become one interaction: the latest where values are judgements
    (there is a liking threshold), their sum where they are counts; the latest time in both cases.

    Raises
    ------
    DatasetError
        Wrong columns, an item twice, an interaction with an unknown item, a value that is not a
        finite number or not positive where every interaction is a liking, or nothing left.
    """
    _check_schema("items", items, ITEMS_SCHEMA)
    _check_schema("interactions", interactions, INTERACTIONS_SCHEMA)
    item_ids = items["id"].to_pylist()
    if len(set(item_ids)) != len(item_ids):
        raise DatasetError("items: an id occurs twice")
    if interactions.num_rows == 0:
        raise DatasetError("interactions: there are none, so nothing can be learned")

    user_codes, user_ids = _encode(interactions["user_id"])
    item_codes = _positions(interactions["item_id"], item_ids)
    values = interactions["value"].to_numpy()
    timestamps = interactions["timestamp"].to_numpy()
    if not np.isfinite(values).all():
        raise DatasetError("interactions: a value is not a finite number")
    if (np.abs(values) > VALUE_LIMIT).any():
        raise DatasetError(f"interactions: a value is beyond {VALUE_LIMIT:.0e}")
    counts = info.liking_threshold is None
    if counts and (values <= 0).any():
        raise DatasetError("interactions: without a liking threshold every value must be positive")

    # Stable, so that rows of one second keep the order of the file.
    order = np.lexsort((np.arange(len(values)), timestamps, item_codes, user_codes))
    user_codes, item_codes = user_codes[order], item_codes[order]
    values, timestamps = values[order], timestamps[order]
    pair_changes = (np.diff(user_codes) != 0) | (np.diff(item_codes) != 0)
    last = np.append(pair_changes, True)
    if counts:
        first = np.flatnonzero(np.append(True, pair_changes))
        values = np.add.reduceat(values, first)
    else:
        values = values[last]
    user_codes, item_codes, timestamps = user_codes[last], item_codes[last], timestamps[last]
    original = order[last]

    by_time = np.lexsort((original, timestamps, user_codes))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(user_codes, minlength=len(user_ids)))])
    return Dataset(
        info=info,
        item_table=items.combine_chunks(),
        item_ids=item_ids,
        user_ids=user_ids,
        hidden=items["hidden"].to_numpy().astype(np.bool_),
        indptr=indptr.astype(np.int64),
        items=item_codes[by_time].astype(np.int32),
        values=values[by_time],
        timestamps=timestamps[by_time],
    )


def item_row(item: Item, *, hidden: bool = False) -> dict[str, object]:
    """Return an item as a row of `ITEMS_SCHEMA`."""
    # Attribute values keep their type through JSON: 12 and "12" are different things to say.
    attributes = [
        (name, f"#{value}" if isinstance(value, int) else f"'{value}")
        for name, value in item.attributes.items()
    ]
    row: dict[str, object] = item.model_dump(exclude={"attributes"})
    return {**row, "attributes": attributes, "hidden": hidden}


def _item_of(row: dict[str, object]) -> Item:
    attributes = {
        name: int(text[1:]) if text.startswith("#") else text[1:]
        for name, text in row.pop("attributes")  # type: ignore[attr-defined]
    }
    row.pop("hidden")
    return Item.model_validate({**row, "attributes": attributes})


def _check_schema(what: str, table: pa.Table, schema: pa.Schema) -> None:
    if table.schema.names != schema.names:
        raise DatasetError(f"{what}: has columns {table.schema.names}, not {schema.names}")
    for column in schema:
        if table.schema.field(column.name).type != column.type:
            found = table.schema.field(column.name).type
            raise DatasetError(f"{what}: column {column.name} is {found}, not {column.type}")
        if column.name not in _NULLABLE and table[column.name].null_count:
            raise DatasetError(f"{what}: column {column.name} has empty cells")


def _check_items(table: pa.Table) -> None:
    number = 0
    for batch in table.to_batches():
        for row in batch.to_pylist():
            number += 1
            try:
                _item_of(row)
            except ValidationError as error:
                first = error.errors()[0]
                raise DatasetError(f"row {number}: {first['loc'][0]}: {first['msg']}") from error


def _encode(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist()


def _positions(column: pa.ChunkedArray, item_ids: list[str]) -> NDArray[np.int64]:
    codes, names = _encode(column)
    index = {item_id: i for i, item_id in enumerate(item_ids)}
    unknown = next((name for name in names if name not in index), None)
    if unknown is not None:
        raise DatasetError(f"interactions: item {unknown!r} is not among the items")
    return np.array([index[name] for name in names], dtype=np.int64)[codes]


# ---------------------------------------------------------------------- on disk


def save(
    folder: Path, info: DatasetInfo, items: pa.Table, interactions: pa.Table, card: str
) -> Dataset:
    """Check the tables, write a dataset folder atomically and return the Dataset."""
    dataset = build(info, items, interactions)
    with new_folder(folder, "dataset.json") as work:
        for table, name in ((items, "items.parquet"), (interactions, "interactions.parquet")):
            pq.write_table(table, work / name, write_page_checksum=True)
        (work / "dataset.json").write_text(info.model_dump_json(indent=2) + "\n", "utf-8")
        (work / "CARD.md").write_text(card, "utf-8")
    return dataset


def load(folder: Path) -> Dataset:
    """Read and validate a dataset folder; nothing that happens to its files later changes it.

    Raises
    ------
    DatasetError
        The folder, a file or a row is missing or wrong, or is just being changed; the message
        names it.
    """
    try:
        with opened(folder, ("dataset.json", "items.parquet", "interactions.parquet")) as files:
            return _read(folder, *files)
    except OSError as error:
        if not (folder / "dataset.json").is_file():
            raise DatasetError(f"{folder} is no dataset folder: it has no dataset.json") from None
        raise DatasetError(f"{folder}: {error}") from error


def _read(
    folder: Path, info_file: BinaryIO, items_file: BinaryIO, interactions_file: BinaryIO
) -> Dataset:
    with _reading(info_file.name):
        info = DatasetInfo.model_validate_json(info_file.read())
    with _reading(items_file.name):
        items = _with_descriptions(_table(items_file))
        _check_schema("items", items, ITEMS_SCHEMA)
        _check_items(items)
    with _reading(interactions_file.name):
        interactions = _table(interactions_file)
    with _reading(folder):
        return build(info, items, interactions)


def _with_descriptions(items: pa.Table) -> pa.Table:
    """Return items with a column of descriptions: folders that were written before have none."""
    column = ITEMS_SCHEMA.field("description")
    if column.name in items.schema.names:
        return items
    return items.append_column(column, pa.nulls(items.num_rows, column.type))


def _table(file: BinaryIO) -> pa.Table:
    # Read, not mapped into memory: no change of the file reaches what is served.
    table = pq.read_table(file, page_checksum_verification=True)
    table.validate(full=True)
    return table


@contextmanager
def _reading(path: Path | str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: {error}") from error
