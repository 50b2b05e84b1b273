"""Contribution fidelity: whether an item falls without the entries that its explanation names.

An explanation names two likings. The item is ranked again as if they had never been, and as if two
others had never been:

    history                        score  rank
    all of it                       0.90     3
    without the two that it names   0.61    41
    without two others, at random   0.88     3

Only `rank` and `score` of the ranker are asked, so what it says of contributions is put to the test
and not believed. The measure is known as comprehensiveness (DeYoung et al., "ERASER", ACL 2020,
section 4.2), here of entries of a history instead of words of a text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from catalog.dataset import Dataset
from catalog.facts import MAX_EVIDENCE
from catalog.types import History
from ranker.evaluate import Floats
from ranker.evidence import overlap, recommendations
from ranker.protocol import Ranker, Scorer

TOP = 10
"""Items of each user that are looked at, and the places that an item may leave."""
DEPTH = 100
"""Places that are told apart; an item that falls deeper has the rank DEPTH + 1."""
_DRAWS = 5
Removal = Literal[
    "named", "random", "similar", "latest", "first", "second", "third", "first two",
]  # fmt: skip
"""What is removed: the entries that are named; as many others at random; as many of those most
similar to the item by category, or of the latest, named or not; of three that are named, only some.
"""
PARTS: dict[Removal, slice] = {
    "first": slice(0, 1), "second": slice(1, 2), "third": slice(2, 3), "first two": slice(0, 2),
}  # fmt: skip
Positions = NDArray[np.int64]


class ScoringRanker(Ranker, Scorer, Protocol):
    """A ranker that can also be asked for the score of one item."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a removal does to an item; at random, on average over the draws.

    Attributes
    ----------
    lost : share of the score that is lost
    left : share of the draws in which the item leaves the first ten: 0 or 1, if there is but one
    rank : its median place afterwards
    """

    lost: float
    left: float
    rank: float


@dataclass(frozen=True, slots=True)
class Fall:
    """What becomes of one of a user's first ten items without some entries of the history.

    Attributes
    ----------
    likings : number of likings that the whole history has
    share : what the named entries contribute to the score, as the ranker tells it
    effects : by removal; of parts only where three entries are named
    """

    user_id: str
    likings: int
    share: float
    effects: Mapping[Removal, Effect]


def falls(
    dataset: Dataset, ranker: ScoringRanker, user_id: str, rng: np.random.Generator
) -> list[Fall]:
    """Return what becomes of those of a user's first ten items that contributions explain.

    Left out are items beside whose named entries there are not as many other likings.
    """
    history = dataset.history(user_id)
    place = {item_id: p for p, item_id in enumerate(history.item_ids)}
    hidden = [dataset.hidden[dataset.item_index[item_id]] for item_id in place]
    likings = np.flatnonzero(dataset.is_liking(history.values) & ~np.array(hidden))
    [ranking] = ranker.rank([history], TOP, [frozenset()])
    found = []
    for row in recommendations(dataset, history, ranking.items):
        named = np.array([place[entry.id] for entry in row.facts.evidence], np.int64)
        others = np.setdiff1d(likings, named)
        if row.facts.evidence_kind != "contribution" or len(others) < len(named):
            continue
        item_id, count = row.facts.item.id, len(named)
        removals: dict[Removal, list[Positions]] = {
            "named": [named],
            "random": [rng.choice(others, count, replace=False) for _ in range(_DRAWS)],
            "similar": [_by_likeness(dataset, item_id, history, likings)[-count:]],
            "latest": [likings[-count:]],
        }
        if count == MAX_EVIDENCE:
            removals |= {part: [named[which]] for part, which in PARTS.items()}
        effects = _effects(ranker, history, item_id, row.score, removals)
        told = sum(one.share or 0.0 for one in row.contributions) / row.score
        found.append(Fall(user_id, len(likings), told, effects))
    return found


def _by_likeness(dataset: Dataset, item_id: str, history: History, likings: Positions) -> Positions:
    """Return likings by their overlap of categories with an item, the closest and latest last."""
    item, of = dataset.item(dataset.item_index[item_id]), dataset.item_index
    shared = [overlap(item, dataset.item(of[history.item_ids[p]])) for p in likings.tolist()]
    return likings[np.argsort(shared, kind="stable")]


def _effects(
    ranker: ScoringRanker,
    history: History,
    item_id: str,
    score: float,
    removals: Mapping[Removal, Sequence[Positions]],
) -> dict[Removal, Effect]:
    """Ask the ranker again without some entries, which it may not recommend in turn."""
    reduced: list[History] = []
    gone: list[set[str]] = []
    for draw in chain.from_iterable(removals.values()):
        kept = np.delete(np.arange(len(history)), draw)
        ids = [history.item_ids[p] for p in kept.tolist()]
        reduced.append(History(ids, history.values[kept], history.timestamps[kept]))
        gone.append({history.item_ids[p] for p in draw.tolist()})
    scores = [
        ranking.items[0].score if ranking.items else 0.0
        for ranking in ranker.score(reduced, [[item_id]] * len(reduced))
    ]
    ranks = []
    for ranking in ranker.rank(reduced, DEPTH, gone):
        found = (place for place, row in enumerate(ranking.items, 1) if row.item_id == item_id)
        ranks.append(next(found, DEPTH + 1))
    measured = zip(scores, ranks, strict=True)
    effects = {}
    for removal, draws in removals.items():
        after, places = np.array(list(islice(measured, len(draws)))).T
        effects[removal] = Effect(
            lost=1 - float(after.mean()) / score,
            left=float((places > TOP).mean()),
            rank=float(np.median(places)),
        )
    return effects


# ---------------------------------------------------------------------- over users


def share(found: Sequence[Fall]) -> Floats:
    """Return what is told of the named entries, per user: the mean of their shares of a score."""
    return _per_user(found, [fall.share for fall in found])


def lost(found: Sequence[Fall], removal: Removal) -> Floats:
    """Return what a removal takes of the scores, per user: the mean over the items."""
    return _per_user(found, [fall.effects[removal].lost for fall in found])


def left(found: Sequence[Fall], removal: Removal) -> Floats:
    """Return in what share of the items a removal costs the place among the first ten, per user."""
    return _per_user(found, [fall.effects[removal].left for fall in found])


def _per_user(found: Sequence[Fall], values: Sequence[float]) -> Floats:
    _, users = np.unique([fall.user_id for fall in found], return_inverse=True)
    means: Floats = np.bincount(users, values) / np.bincount(users)
    return means


def by_length(found: Sequence[Fall], parts: int = 3) -> list[list[Fall]]:
    """Return the falls in parts of about as many users each, the shortest histories first."""
    likings = {fall.user_id: fall.likings for fall in found}
    edges = np.quantile(list(likings.values()), np.linspace(0, 1, parts + 1)[1:-1])
    groups: list[list[Fall]] = [[] for _ in range(parts)]
    for fall in found:
        groups[int(np.searchsorted(edges, fall.likings))].append(fall)
    return [group for group in groups if group]
