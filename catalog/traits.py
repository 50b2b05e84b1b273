"""Traits: what an item is, one by one: its categories, and each value of its attributes.

"Heat", a crime film by Michael Mann, has the traits ("", "crime") and ("director", "michael mann").
Numbered once for a whole catalogue, they are counted over a history in microseconds.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from catalog.tables import values_of

Trait = tuple[str, str]
"""The name of the attribute, or "" for a category; and the value, without regard to case."""


def trait(name: str, value: object) -> Trait:
    """Return the trait of a value of an attribute, or of a category, whose name is ""."""
    return name, str(value).casefold()


@dataclass(frozen=True, eq=False)
class Traits:
    """The traits of a catalogue's I items, by number.

    Attributes
    ----------
    named : list of T traits
    indptr : int64 array of shape (I + 1,)
        Item i has the traits `numbers[indptr[i]:indptr[i + 1]]`, each once.
    numbers : int32 array, positions in `named`
    """

    named: list[Trait]
    indptr: NDArray[np.int64]
    numbers: NDArray[np.int32]
    _sets: dict[int, frozenset[Trait]] = field(default_factory=dict)

    @classmethod
    def of_table(cls, items: pa.Table) -> "Traits":
        """Return the traits of a table of `ITEMS_SCHEMA`."""
        known: dict[Trait, int] = {}
        numbers, ends = array("i"), array("q", [0])
        for batch in items.select(["categories", "attributes"]).to_batches():
            for row in batch.to_pylist():
                numbers.extend({known.setdefault(one, len(known)) for one in _of_row(row)})
                ends.append(len(numbers))
        return cls(list(known), np.array(ends, np.int64), np.array(numbers, np.int32))

    def of_item(self, position: int) -> frozenset[Trait]:
        """Return the traits of the item at a position, put together once."""
        found = self._sets.get(position)
        if found is None:
            numbers = self.numbers[self.indptr[position] : self.indptr[position + 1]]
            found = self._sets[position] = frozenset(self.named[n] for n in numbers.tolist())
        return found

    def of_items(self, positions: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the numbers of the traits of the items at these positions, one after the other."""
        begin = self.indptr[positions]
        lengths = self.indptr[positions + 1] - begin
        ends = lengths.cumsum()
        rows = np.arange(lengths.sum()) + np.repeat(begin - ends + lengths, lengths)
        numbers: NDArray[np.int32] = self.numbers[rows]
        return numbers


def _of_row(row: dict[str, Any]) -> Iterator[Trait]:
    for category in row["categories"]:
        yield trait("", category)
    for name, cell in row["attributes"]:
        values = values_of(cell)
        for value in values if isinstance(values, list) else [values]:
            yield trait(name, value)
