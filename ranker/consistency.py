"""Preference consistency: how often a user's own dislikes speak against what is true of an item.

A user dislikes six westerns of eight; "Unforgiven" is recommended all the same, because they loved
"Tombstone". It is a western, and so are both: true, and no reason for this user. `dislikes.py`
leaves it untold. Here it is counted how often, and whether what users do later bears the rule out.
"""

from dataclasses import dataclass

import numpy as np

from catalog.dataset import Dataset
from catalog.traits import Trait, trait
from catalog.types import Item
from ranker.dislikes import disliked_traits
from ranker.evaluate import Floats
from ranker.evidence import recommendations
from ranker.protocol import Ranker

_TOP = 10
_LATER = 0.2
"""Share of a history that is judged by the rest."""


@dataclass(frozen=True, slots=True)
class Untold:
    """Of one user's first ten items, the share of which something is not told.

    Attributes
    ----------
    of_item : a trait of the item is left out
    shared : a trait is left out that an entry of the evidence has, too: "both are westerns"
    everything : the item has categories, and all of them are left out
    """

    of_item: float
    shared: float
    everything: float


def untold(dataset: Dataset, ranker: Ranker, user_id: str) -> Untold | None:
    """Return what is not told to a user, or None where nothing is recommended."""
    history = dataset.history(user_id)
    [ranking] = ranker.rank([history], _TOP, [frozenset()])
    rows = []
    for row in recommendations(dataset, history, ranking.items):
        item = dataset.item(dataset.item_index[row.facts.item.id])
        left_out = _traits(item) - _traits(row.facts.item)
        entries = [dataset.item(dataset.item_index[entry.id]) for entry in row.facts.evidence]
        shared = any(left_out & _traits(entry) for entry in entries)
        everything = bool(item.categories) and not row.facts.item.categories
        rows.append((bool(left_out), shared, everything))
    return Untold(*np.mean(rows, axis=0).tolist()) if rows else None


def _traits(item: Item) -> set[Trait]:
    categories = {trait("", category) for category in item.categories}
    return categories | {trait(name, value) for name, value in item.pairs()}


def borne_out(dataset: Dataset) -> tuple[Floats, Floats]:
    """Return how users later like items with a trait that they disliked before, and the others.

    The first 80% of a history say which traits are disliked. Both arrays, of shape (users,), hold
    the share of likings among the rest, of users who touched items of both kinds.
    """
    those, others = [], []
    for begin, end in zip(dataset.indptr, dataset.indptr[1:], strict=False):
        cut = end - max(1, int(_LATER * (end - begin)))
        liked = dataset.is_liking(dataset.values[begin:end])
        positions = dataset.items[begin:end].astype(np.int64)
        before, later = positions[: cut - begin], positions[cut - begin :]
        against = disliked_traits(dataset, before, liked[: len(before)])
        has = np.array([not _traits(dataset.item(p)).isdisjoint(against) for p in later.tolist()])
        if has.any() and not has.all():
            likes = liked[len(before) :]
            those.append(likes[has].mean())
            others.append(likes[~has].mean())
    return np.array(those), np.array(others)
