"""Dataset: items and interactions in memory, as arrays; built from tables, saved as tables."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from catalog import tables
from catalog.arrays import by_first_seen, by_user_and_time, encoded, without_repeats
from catalog.facts import Evidence, Popularity
from catalog.tables import (
    INTERACTIONS_SCHEMA,
    ITEMS_SCHEMA,
    DatasetError,
    DatasetInfo,
    check_schema,
    item_of,
)
from catalog.traits import Traits
from catalog.types import VALUE_LIMIT, History, Item, Liking

_FAVOURITE, _WELL_LIKED = 0.01, 0.10
"""Share of the catalogue counted as favourites, and as well liked."""


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

    @cached_property
    def _entries(self) -> dict[tuple[int, Liking], Evidence]:
        return {}

    def item(self, position: int) -> Item:
        """Return the item at a position, built once."""
        item = self._records.get(position)
        if item is None:
            row = self.item_table.slice(position, 1).to_pylist()[0]
            item = self._records[position] = item_of(row)
        return item

    def evidence(self, position: int, liking: Liking) -> Evidence:
        """Return the item at a position as evidence, built once."""
        entry = self._entries.get((position, liking))
        if entry is None:
            entry = self._entries[position, liking] = Evidence.of(self.item(position), liking)
        return entry

    def history(self, user_id: str) -> History:
        """Return a user's history, oldest first. Raises KeyError for an unknown user."""
        user = self.user_index[user_id]
        rows = slice(int(self.indptr[user]), int(self.indptr[user + 1]))
        ids = self.item_ids
        return History(
            [ids[i] for i in self.items[rows].tolist()], self.values[rows], self.timestamps[rows]
        )

    @cached_property
    def traits(self) -> Traits:
        """The categories and the values of attributes of all items, to be counted."""
        return Traits.of_table(self.item_table)

    # ------------------------------------------------------------------ likings

    def is_liking(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which values are likings."""
        if self.info.liking_threshold is None:
            return np.ones(len(values), dtype=np.bool_)
        return values >= self.info.liking_threshold

    def likings(self, values: NDArray[np.float64]) -> list[Liking | None]:
        """Return how each value of one user's history may be told; None for a dislike.

        Counts and events say that something was used, and no more.
        With a quantile, an entry is loved that is among the highest of the user's own, and more
        than half of them have: of five songs played once each, none is.
        """
        loved = np.zeros(len(values), dtype=np.bool_)
        if self.info.loved_threshold is not None:
            loved |= values >= self.info.loved_threshold
        if self.info.loved_quantile is not None and len(values):
            middle, high = np.quantile(values, (0.5, self.info.loved_quantile))
            loved |= (values >= high) & (values > middle)
        plain: Liking = "liked" if self.info.kind == "ratings" else "used"
        return [
            None if not liking else "loved" if strong else plain
            for liking, strong in zip(self.is_liking(values).tolist(), loved.tolist(), strict=True)
        ]

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

    def interaction_table(self) -> pa.Table:
        """Return the interactions as a table of `INTERACTIONS_SCHEMA`, ids dictionary-encoded."""
        users = np.repeat(np.arange(len(self.user_ids), dtype=np.int32), np.diff(self.indptr))
        columns = [
            pa.DictionaryArray.from_arrays(users, pa.array(self.user_ids, pa.string())),
            pa.DictionaryArray.from_arrays(self.items, pa.array(self.item_ids, pa.string())),
            pa.array(self.values),
            pa.array(self.timestamps),
        ]
        return pa.table(columns, INTERACTIONS_SCHEMA.names)

    @cached_property
    def fingerprint(self) -> str:
        """Return 12 hex digits that change whenever an id or an interaction changes."""
        digest = hashlib.sha256("\0".join([*self.item_ids, "", *self.user_ids]).encode())
        for array in (self.indptr, self.items, self.values, self.timestamps):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:12]


# ---------------------------------------------------------------------- from tables, to tables


def build(info: DatasetInfo, items: pa.Table, interactions: pa.Table) -> Dataset:
    """Return the Dataset of two tables.

    Repeats of a (user, item) pair become one interaction: of judgements and events the latest, of
    counts their sum, at the latest time.

    Raises
    ------
    DatasetError
        Wrong columns, an item twice, an interaction with an unknown item, a value that is not a
        finite number or not positive where every interaction is a liking, or nothing left.
    """
    check_schema("items", items, ITEMS_SCHEMA)
    check_schema("interactions", interactions, INTERACTIONS_SCHEMA)
    item_ids = items["id"].to_pylist()
    if len(set(item_ids)) != len(item_ids):
        raise DatasetError("items: an id occurs twice")
    if interactions.num_rows == 0:
        raise DatasetError("interactions: there are none, so nothing can be learned")
    users, user_ids = by_first_seen(*encoded(interactions["user_id"]))
    codes, names = encoded(interactions["item_id"])
    index = {item_id: i for i, item_id in enumerate(item_ids)}
    positions = np.array([index.get(name, -1) for name in names], dtype=np.int32)[codes]
    if (positions < 0).any():
        unknown = names[int(codes[np.argmin(positions)])]
        raise DatasetError(f"interactions: item {unknown!r} is not among the items")
    del codes
    values = interactions["value"].to_numpy()
    timestamps = interactions["timestamp"].to_numpy()
    if not np.isfinite(values).all():
        raise DatasetError("interactions: a value is not a finite number")
    if (np.abs(values) > VALUE_LIMIT).any():
        raise DatasetError(f"interactions: a value is beyond {VALUE_LIMIT:.0e}")
    if info.kind != "ratings" and (values <= 0).any():
        raise DatasetError("interactions: without a liking threshold every value must be positive")

    order = by_user_and_time(users, timestamps)
    users, positions = users[order], positions[order]
    values, timestamps = values[order], timestamps[order]
    del order
    last, sums = without_repeats(users.astype(np.int64) * len(item_ids) + positions, values)
    if last is not None:
        users, positions, timestamps = users[last], positions[last], timestamps[last]
        values = sums if info.kind == "counts" else values[last]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(users, minlength=len(user_ids)))])
    return Dataset(
        info=info,
        item_table=items.combine_chunks(),
        item_ids=item_ids,
        user_ids=user_ids,
        hidden=items["hidden"].to_numpy().astype(np.bool_),
        indptr=indptr.astype(np.int64),
        items=positions,
        values=values,
        timestamps=timestamps,
    )


def save(
    folder: Path, info: DatasetInfo, items: pa.Table, interactions: pa.Table, card: str
) -> Dataset:
    """Check the tables, write a dataset folder atomically and return the Dataset.

    The interactions are written as the Dataset has them: by user and time, without repeats.
    """
    dataset = build(info, items, interactions)
    tables.write(folder, info, items, dataset.interaction_table(), card)
    return dataset


def load(folder: Path) -> Dataset:
    """Read and validate a dataset folder; nothing that happens to its files later changes it.

    Raises
    ------
    DatasetError
        The folder, a file or a row is missing or wrong, or is just being changed; the message
        names it.
    """
    info, items, interactions = tables.read(folder)
    with tables.reading(folder):
        return build(info, items, interactions)
