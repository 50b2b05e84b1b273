"""Dislikes: what is true of an item, but no reason to somebody who dislikes just that.

A user has rated eight westerns, liked two of them and disliked six; of everything they like 63%.
Because of the two, "Unforgiven" is recommended. What may be said of it to this user:

    before: You loved “Tombstone”; “Unforgiven”, a 1992 western, may suit you.
    after:  You loved “Tombstone”; “Unforgiven”, a 1992 drama, may suit you.

What brought the item up is told as before: the evidence stays. Only the trait that the user's own
dislikes speak against is left out of what the Facts say of the item and of the evidence.
"""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from catalog.dataset import Dataset
from catalog.facts import Evidence
from catalog.traits import Trait, trait
from catalog.types import Item, Liking, Values

T = TypeVar("T", bound=Item)
_LEAST = 3
"""Dislikes that are no accident."""
_BY_CHANCE = 1.645
"""Standard deviations below the expected, as chance alone brings about once in twenty times.

The rule is borne out (`prism evaluate-evidence`, MovieLens): judged by the first 80% of each
history, users liked 48% of what they touched later with such a trait, and 57% of the rest.
"""


@dataclass(frozen=True, slots=True)
class Told:
    """The items of a Dataset, as they are told to one user."""

    dataset: Dataset
    against: frozenset[Trait]
    _items: dict[int, Item] = field(default_factory=dict)

    def item(self, position: int) -> Item:
        """Return the item at a position, with what is left to be said of it, made once."""
        item = self._items.get(position)
        if item is None:
            item = self._left(self.dataset.item(position), position)
            self._items[position] = item
        return item

    def evidence(self, position: int, liking: Liking) -> Evidence:
        """Return the same as an entry of the evidence."""
        return self._left(self.dataset.evidence(position, liking), position)

    def _left(self, item: T, position: int) -> T:
        if not self.against or self.against.isdisjoint(self.dataset.traits.of_item(position)):
            return item
        return without(item, self.against)


def disliked_traits(
    dataset: Dataset, positions: NDArray[np.int64], liked: NDArray[np.bool_]
) -> frozenset[Trait]:
    """Return the traits that a history speaks against.

    A trait that at least three of the disliked items have, and fewer of the liked ones: none, or
    so few that chance explains it less than once in twenty times (a one-sided score test against
    the share of likings in the whole history; Wilson 1927).

    Parameters
    ----------
    positions : int64 array of shape (n,), the history's items
    liked : bool array of shape (n,), which of them are liked; the others are disliked
    """
    likings = np.count_nonzero(liked)
    if len(liked) - likings < _LEAST:
        return frozenset()
    share = likings / len(liked)
    traits = dataset.traits
    found, against = np.unique(traits.of_items(positions[~liked]), return_counts=True)
    found, against = found[against >= _LEAST], against[against >= _LEAST]
    if not len(found):
        return frozenset()
    others = traits.of_items(positions[liked])
    places = np.minimum(np.searchsorted(found, others), len(found) - 1)
    in_favour = np.bincount(places[found[places] == others], minlength=len(found))
    expected = share * (against + in_favour)
    surprising = expected - in_favour > _BY_CHANCE * np.sqrt(expected * (1 - share))
    found = found[(in_favour < against) & (surprising | (in_favour == 0))]
    return frozenset(traits.named[n] for n in found.tolist())


def without(item: T, against: Set[Trait]) -> T:
    """Return an item with what is left to be said of it."""
    kept = tuple(category for category in item.categories if trait("", category) not in against)
    told = {name: _kept(item, name, against) for name in item.attributes}
    attributes = {name: values for name, values in told.items() if values is not None}
    return item.model_copy(update={"categories": kept, "attributes": attributes})


def _kept(item: Item, name: str, against: Set[Trait]) -> Values | None:
    """Return the values of an attribute that are left, in the form that an `Item` has them."""
    kept = tuple(value for value in item.values(name) if trait(name, value) not in against)
    return kept if len(kept) > 1 else kept[0] if kept else None
