"""From a ranking to Facts: which entries of a user's history may explain an item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.dataset import Dataset
from catalog.facts import MAX_EVIDENCE, EvidenceKind, Facts
from catalog.types import History, Item, Liking, RankedItem
from ranker.dislikes import Told, disliked_traits

_OF_SCORE, _OF_STRONGEST = 0.01, 0.1
"""Least share of the score, and of the strongest entry's, with which an entry is a reason.

It was measured what becomes of an item in a user's first ten where one entry is taken out of the
history (MovieLens, Last.fm HetRec 2011 and Steam, 60 users each): with an entry below 1% of the
score it keeps its place in 93% of cases or more, from 10% on it loses it in half. Entries below a
tenth of the strongest are such in 9 of 10 cases, but where histories are very short.
"""
_OF_BEST = 0.01
"""Least share of the best score of an answer that an item has for reasons and not by rounding."""
_SIMILAR = 0.5
"""Least Jaccard overlap of categories that may be called similar."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One history entry and its share of one score; None where the ranker cannot tell."""

    item_id: str
    value: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One ranked item with its Facts, and for each evidence entry of these, its contribution."""

    score: float
    facts: Facts
    contributions: tuple[Contribution, ...]


def recommendations(
    dataset: Dataset, history: History, ranked: Sequence[RankedItem]
) -> list[Recommendation]:
    """Return ranked items with the Facts that may explain them.

    Evidence are likings of visible items: those with the largest contribution, ties by id, as far
    as they weigh enough in the score and beside the strongest; there may be none. Where the ranker
    cannot tell contributions, those most similar to the item by category; where none is, the
    latest. What the user's own dislikes speak against is said of none of them.
    """
    index = dataset.item_index
    positions = np.array([index.get(item, -1) for item in history.item_ids], dtype=np.int64)
    likings = dataset.likings(history.values)
    eligible = np.array([liking is not None for liking in likings], dtype=np.bool_)
    known = positions >= 0
    told = Told(dataset, disliked_traits(dataset, positions[known], eligible[known]))
    eligible &= known
    eligible[eligible] = ~dataset.hidden[positions[eligible]]
    floor = _OF_BEST * max((row.score for row in ranked), default=0.0)
    return [
        _recommendation(told, history, positions, likings, eligible & (row.score >= floor), row)
        for row in ranked
    ]


def _recommendation(
    told: Told,
    history: History,
    positions: NDArray[np.int64],
    likings: Sequence[Liking | None],
    eligible: NDArray[np.bool_],
    ranked: RankedItem,
) -> Recommendation:
    dataset = told.dataset
    position = dataset.item_index[ranked.item_id]
    item = told.item(position)
    eligible = eligible & (positions != position)  # what was touched may be recommended, too
    kind: EvidenceKind = "contribution"
    if ranked.contributions is not None:
        chosen = strongest(ranked.contributions, eligible, history, ranked.score)
    else:
        latest = np.flatnonzero(eligible)[::-1].tolist()
        kind, chosen = _plausible(item, {p: told.item(int(positions[p])) for p in latest})
    evidence = tuple(
        told.evidence(int(positions[p]), liking)
        for p in chosen
        if (liking := likings[p]) is not None
    )
    used = any(entry.liking == "used" for entry in evidence)
    facts = Facts(
        noun=dataset.info.noun,
        verb=dataset.info.verb if used else "chose",  # a verb that is not said changes no text
        item=item,
        evidence=evidence,
        evidence_kind=kind if chosen else "none",
        popularity=dataset.popularity(position),
    )
    shares = ranked.contributions
    contributions = tuple(
        Contribution(
            history.item_ids[p],
            float(history.values[p]),
            None if shares is None else float(shares[p]),
        )
        for p in chosen
    )
    return Recommendation(ranked.score, facts, contributions)


def _plausible(item: Item, likings: Mapping[int, Item]) -> tuple[EvidenceKind, list[int]]:
    """Return evidence for a ranker that does not tell: similar likings, or else the latest.

    `likings` are those of the history, by their place there, the latest first.
    """
    shared = {p: overlap(item, liked) for p, liked in likings.items()}
    similar = sorted((p for p in likings if shared[p] >= _SIMILAR), key=lambda p: -shared[p])
    if similar:
        return "similar", similar[:MAX_EVIDENCE]
    return "recent", list(likings)[:MAX_EVIDENCE]


def overlap(first: Item, second: Item) -> float:
    """Return the Jaccard overlap of two items' categories, 0 to 1."""
    ours = {category.casefold() for category in first.categories}
    theirs = {category.casefold() for category in second.categories}
    return len(ours & theirs) / max(1, len(ours | theirs))


def strongest(
    contributions: NDArray[np.float64],
    eligible: NDArray[np.bool_],
    history: History,
    score: float,
) -> list[int]:
    """Return the positions of the largest contributions that are reasons, ties by id.

    Parameters
    ----------
    contributions : array of shape (n,), each history entry's share of the score
    eligible : bool array of shape (n,), the entries that may be named
    """
    most = contributions[eligible].max(initial=0.0)
    floor = max(_OF_SCORE * score, _OF_STRONGEST * most)
    positions = np.flatnonzero(eligible & (contributions > 0) & (contributions >= floor))
    if len(positions) > MAX_EVIDENCE:
        floor = np.partition(contributions[positions], -MAX_EVIDENCE)[-MAX_EVIDENCE]
        positions = positions[contributions[positions] >= floor]
    ordered = sorted(positions.tolist(), key=lambda p: (-contributions[p], history.item_ids[p]))
    return ordered[:MAX_EVIDENCE]
