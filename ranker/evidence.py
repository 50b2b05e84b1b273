"""From a ranking to Facts: which entries of a user's history may explain an item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.dataset import Dataset
from catalog.facts import MAX_EVIDENCE, Evidence, EvidenceKind, Facts
from catalog.types import History, Item, RankedItem
from ranker.dislikes import Told, disliked_traits

_OF_SCORE, _OF_STRONGEST = 0.01, 0.1
"""An entry is a reason only if it contributes this share of the score, and this share of what the
strongest entry contributes.

It was measured what becomes of an item in a user's first ten where one entry is taken out of the
history (MovieLens, Last.fm HetRec 2011 and Steam, 60 users each): with an entry below 1% of the
score it keeps its place in 93% of cases or more, from 10% on it loses it in half. Entries below a
tenth of the strongest change nothing in 9 of 10 cases, except in very short histories.
"""
_OF_BEST = 0.01
"""Least share of the best score of an answer: an item below it has its score by rounding alone, and
no evidence."""
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
    """One ranked item with its Facts, and the contribution of each entry of their evidence."""

    score: float
    facts: Facts
    contributions: tuple[Contribution, ...]


def recommendations(
    dataset: Dataset, history: History, ranked: Sequence[RankedItem]
) -> list[Recommendation]:
    """Return ranked items with the Facts that may explain them.

    The evidence of an item is at most three likings of visible items. If the ranker tells
    contributions, the likings with the largest contributions are chosen (ties by id). A liking that
    contributes less than 1% of the score, or less than a tenth of the largest contribution, is left
    out, so there may be none. If the ranker does not tell, the likings most similar to the item by
    category are chosen, or the latest if none is similar. A category or a value of an
    attribute, such as a person, that the user mostly dislikes is left out of the Facts.
    """
    index = dataset.item_index
    positions = np.array([index.get(item, -1) for item in history.item_ids], dtype=np.int64)
    likings = dataset.likings(history.values)
    eligible = np.array([liking is not None for liking in likings], dtype=np.bool_)
    known = positions >= 0
    told = Told(dataset, disliked_traits(dataset, positions[known], eligible[known]))
    eligible &= known
    eligible[eligible] = ~dataset.hidden[positions[eligible]]
    places = np.array([index[row.item_id] for row in ranked], dtype=np.int64)
    scores = np.array([row.score for row in ranked])
    may = np.logical_and.outer(scores >= _OF_BEST * scores.max(initial=0.0), eligible)
    may &= positions != places[:, None]  # what was touched may be recommended, too
    reasons = _reasons(ranked, may, scores, history.item_ids)
    rows = []
    for n, (row, place) in enumerate(zip(ranked, places.tolist(), strict=True)):
        kind: EvidenceKind = "contribution"
        if n in reasons:
            chosen = reasons[n]
        else:
            latest = np.flatnonzero(may[n])[::-1].tolist()
            liked = {p: told.item(int(positions[p])) for p in latest}
            kind, chosen = _plausible(told.item(place), liked)
        evidence = tuple(
            told.evidence(int(positions[p]), liking)
            for p in chosen
            if (liking := likings[p]) is not None
        )
        rows.append(
            _recommendation(told, place, kind, evidence, row, _shares(row, chosen, history))
        )
    return rows


def _recommendation(
    told: Told,
    place: int,
    kind: EvidenceKind,
    evidence: tuple[Evidence, ...],
    row: RankedItem,
    contributions: tuple[Contribution, ...],
) -> Recommendation:
    used = any(entry.liking == "used" for entry in evidence)
    info = told.dataset.info
    facts = Facts(
        noun=info.noun,
        verb=info.verb if used else "chose",  # a verb that is not said changes no text
        item=told.item(place),
        evidence=evidence,
        evidence_kind=kind if evidence else "none",
        popularity=told.dataset.popularity(place),
    )
    return Recommendation(row.score, facts, contributions)


def _shares(row: RankedItem, chosen: Sequence[int], history: History) -> tuple[Contribution, ...]:
    shares = row.contributions
    return tuple(
        Contribution(
            history.item_ids[p],
            float(history.values[p]),
            None if shares is None else float(shares[p]),
        )
        for p in chosen
    )


def _reasons(
    ranked: Sequence[RankedItem],
    may: NDArray[np.bool_],
    scores: NDArray[np.float64],
    ids: Sequence[str],
) -> dict[int, list[int]]:
    """Return the evidence of each row of which the ranker tells the contributions."""
    told = {n: row.contributions for n, row in enumerate(ranked) if row.contributions is not None}
    if not told:
        return {}
    rows = list(told)
    return dict(
        zip(rows, strongest(np.stack([*told.values()]), may[rows], scores[rows], ids), strict=True)
    )


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
    scores: NDArray[np.float64],
    ids: Sequence[str],
) -> list[list[int]]:
    """Return for each item the positions of the largest contributions that are reasons, ties by id.

    Parameters
    ----------
    contributions : array of shape (m, n), each history entry's share of the score of each item
    eligible : bool array of shape (m, n), the entries that may be named of each item
    scores : array of shape (m,)
    ids : the n ids of the entries
    """
    weights = np.where(eligible, contributions, 0.0)
    most = weights.max(axis=1, initial=0.0)
    floor = np.maximum(_OF_SCORE * scores, _OF_STRONGEST * most)
    if len(ids) > MAX_EVIDENCE:
        floor = np.maximum(floor, np.partition(weights, -MAX_EVIDENCE)[:, -MAX_EVIDENCE])
    chosen: list[list[int]] = [[] for _ in scores]
    found = np.nonzero((weights > 0) & (weights >= floor[:, None]))
    for row, position in zip(*(axis.tolist() for axis in found), strict=True):
        chosen[row].append(position)
    return [
        sorted(positions, key=lambda p: (-row[p], ids[p]))[:MAX_EVIDENCE]
        for row, positions in zip(weights, chosen, strict=True)
    ]
