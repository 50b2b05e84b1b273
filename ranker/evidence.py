"""From a ranking to Facts: which entries of a user's history may explain an item."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.dataset import Dataset
from catalog.facts import MAX_EVIDENCE, Evidence, EvidenceKind, Facts
from catalog.types import History, Liking, RankedItem

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

    Evidence are likings of visible items: those with the largest positive contribution, ties by
    id. Where the ranker cannot tell contributions, those most similar to the item by category;
    where none is, the latest.
    """
    index = dataset.item_index
    positions = np.array([index.get(item, -1) for item in history.item_ids], dtype=np.int64)
    likings = dataset.likings(history.values)
    eligible = np.array([liking is not None for liking in likings], dtype=np.bool_)
    eligible &= positions >= 0
    eligible[eligible] = ~dataset.hidden[positions[eligible]]
    return [_recommendation(dataset, history, positions, likings, eligible, row) for row in ranked]


def _recommendation(
    dataset: Dataset,
    history: History,
    positions: NDArray[np.int64],
    likings: Sequence[Liking | None],
    eligible: NDArray[np.bool_],
    ranked: RankedItem,
) -> Recommendation:
    item = dataset.item_index[ranked.item_id]
    kind: EvidenceKind = "contribution"
    if ranked.contributions is not None:
        chosen = strongest(ranked.contributions, eligible, history)
    else:
        kind, chosen = _plausible(dataset, item, positions, eligible)
    facts = Facts(
        noun=dataset.info.noun,
        item=dataset.item(item),
        evidence=tuple(
            Evidence.of(dataset.item(int(positions[p])), liking)
            for p in chosen
            if (liking := likings[p]) is not None
        ),
        evidence_kind=kind if chosen else "none",
        popularity=dataset.popularity(item),
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


def _plausible(
    dataset: Dataset, item: int, positions: NDArray[np.int64], eligible: NDArray[np.bool_]
) -> tuple[EvidenceKind, list[int]]:
    """Return evidence for a ranker that does not tell: similar likings, or else the latest."""
    likings = np.flatnonzero(eligible)[::-1].tolist()  # latest first
    overlap = {p: dataset.overlap(item, int(positions[p])) for p in likings}
    similar = sorted((p for p in likings if overlap[p] >= _SIMILAR), key=lambda p: -overlap[p])
    if similar:
        return "similar", similar[:MAX_EVIDENCE]
    return "recent", likings[:MAX_EVIDENCE]


def strongest(
    contributions: NDArray[np.float64], eligible: NDArray[np.bool_], history: History
) -> list[int]:
    """Return the positions of the largest positive contributions, ties by id.

    Parameters
    ----------
    contributions : array of shape (n,), each history entry's share of the score
    eligible : bool array of shape (n,), the entries that may be named
    """
    positions = np.flatnonzero(eligible & (contributions > 0))
    if len(positions) > MAX_EVIDENCE:
        floor = np.partition(contributions[positions], -MAX_EVIDENCE)[-MAX_EVIDENCE]
        positions = positions[contributions[positions] >= floor]
    ordered = sorted(positions.tolist(), key=lambda p: (-contributions[p], history.item_ids[p]))
    return ordered[:MAX_EVIDENCE]
