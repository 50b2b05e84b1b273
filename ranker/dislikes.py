"""Dislikes: what is true of an item, but no reason to somebody who dislikes just that.

A user has rated eight westerns, liked two of them and disliked six; of everything they like 63%.
Because of the two, "Unforgiven" is recommended. What may be said of it to this user:

    before: You loved “Tombstone”; “Unforgiven”, a 1992 western, may suit you.
    after:  You loved “Tombstone”; “Unforgiven”, a 1992 drama, may suit you.

What brought the item up is told as before: the evidence stays. Only the trait that the user's own
dislikes speak against is left out of what the Facts say of the item and of the evidence.
"""

from collections.abc import Set
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from catalog.dataset import Dataset
from catalog.traits import Trait, trait
from catalog.types import Item, Values

T = TypeVar("T", bound=Item)
_LEAST = 3
"""Dislikes that are no accident."""
_BY_CHANCE = 1.645
"""Standard deviations below what is expected, that chance alone exceeds once in twenty times.

It was measured what the rule foretells (MovieLens, judged by the first 80% of each history): of
what the 671 users touched later, they liked X of that with such a category, and Y of the rest.
"""


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
    if len(liked) - np.count_nonzero(liked) < _LEAST:
        return frozenset()
    against = dataset.traits.counts(positions[~liked])
    often = np.flatnonzero(against >= _LEAST)
    if not len(often):
        return frozenset()
    against, speaking_for = against[often], dataset.traits.counts(positions[liked])[often]
    touched, share = against + speaking_for, liked.mean()
    expected = share * touched
    surprising = expected - speaking_for > _BY_CHANCE * np.sqrt(expected * (1 - share))
    found = often[(speaking_for < against) & (surprising | (speaking_for == 0))]
    return frozenset(dataset.traits.named[n] for n in found)


def without(item: T, against: Set[Trait]) -> T:
    """Return an item with what is left to be said of it."""
    if not against:
        return item
    names = {name for name, _ in against}
    changed: dict[str, object] = {}
    if "" in names:
        kept = tuple(c for c in item.categories if trait("", c) not in against)
        if len(kept) < len(item.categories):
            changed["categories"] = kept
    if not names.isdisjoint(item.attributes):
        told = {name: _kept(item, name, against) for name in item.attributes}
        changed["attributes"] = {
            name: values for name, values in told.items() if values is not None
        }
    return item.model_copy(update=changed) if changed else item


def _kept(item: Item, name: str, against: Set[Trait]) -> Values | None:
    """Return the values of an attribute that are left, in the form that an `Item` has them."""
    kept = tuple(value for value in item.values(name) if trait(name, value) not in against)
    return kept if len(kept) > 1 else kept[0] if kept else None
