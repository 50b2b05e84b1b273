"""Offline quality of rankers: NDCG, recall and coverage, with bootstrap intervals over users."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.dataset import Dataset
from ranker.protocol import Ranker

Floats = NDArray[np.float64]
NDCG_AT, RECALL_AT = 10, 20
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one ranker finds the held-out likings.

    Attributes
    ----------
    ndcg, recall : arrays of shape (users,), per user: NDCG@10 and Recall@20
    coverage : share of the catalogue that appears in some user's first 10
    """

    ranker: str
    ndcg: Floats
    recall: Floats
    coverage: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over users, with its 95% bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.4f} [{self.low:.4f}, {self.high:.4f}]"


def evaluate(ranker: Ranker, train: Dataset, test: Dataset) -> Quality:
    """Rank for every user with a held-out liking, from the training history alone."""
    users = [u for u in range(len(test.user_ids)) if test.indptr[u] < test.indptr[u + 1]]
    ndcg, recall = np.zeros(len(users)), np.zeros(len(users))
    shown: set[str] = set()
    for begin in range(0, len(users), _BATCH):
        batch = users[begin : begin + _BATCH]
        histories = [train.history(train.user_ids[u]) for u in batch]
        rankings = ranker.rank(histories, RECALL_AT, [frozenset()] * len(batch))
        for row, (user, ranking) in enumerate(zip(batch, rankings, strict=True), start=begin):
            wanted = set(test.history(test.user_ids[user]).item_ids)
            ranked = [item.item_id for item in ranking.items]
            hits = np.array([item in wanted for item in ranked], dtype=np.float64)
            ndcg[row] = _ndcg(hits[:NDCG_AT], len(wanted))
            recall[row] = hits[:RECALL_AT].sum() / len(wanted)
            shown.update(ranked[:NDCG_AT])
    visible = int((~train.hidden).sum())
    return Quality(ranker.name, ndcg, recall, len(shown) / visible)


def _ndcg(hits: Floats, relevant: int) -> float:
    """Return the normalised discounted cumulative gain of binary hits, best first."""
    discounts = 1 / np.log2(np.arange(2, NDCG_AT + 2))
    ideal = discounts[: min(relevant, NDCG_AT)].sum()
    return float((hits * discounts[: len(hits)]).sum() / ideal)


def interval(per_user: Floats, seed: int = 0) -> Interval:
    """Return the mean over users and its 95% percentile bootstrap interval (2,000 resamples).

    For a paired comparison give the per-user differences.
    """
    # Imported here: it takes as long as all the rest of the `prism` command.
    from scipy.stats import bootstrap  # noqa: PLC0415

    mean = float(per_user.mean())
    if np.ptp(per_user) == 0:
        return Interval(mean, mean, mean)
    found = bootstrap(
        (per_user,), np.mean, n_resamples=2000, method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Interval(mean, float(found.low), float(found.high))
