"""The simplest black box: what most users like."""

import hashlib
from collections.abc import Sequence, Set

import numpy as np

from catalog.dataset import Dataset
from catalog.types import History, RankedItem, Ranking


class PopularityRanker:
    """Ranks items by the number of users who like them, ties by the order of the Dataset."""

    name = "popularity"

    def __init__(self, dataset: Dataset) -> None:
        counts = dataset.liking_counts
        visible = np.flatnonzero(~dataset.hidden)
        order = visible[np.argsort(-counts[visible], kind="stable")]
        self._ranked = [(dataset.item_ids[i], float(counts[i])) for i in order]
        self._places = {item_id: n for n, (item_id, _) in enumerate(self._ranked)}
        self.version = hashlib.sha256(repr(self._ranked).encode()).hexdigest()[:12]

    def rank(
        self, histories: Sequence[History], k: int, excluded: Sequence[Set[str]]
    ) -> list[Ranking]:
        """Return each user's k most liked items; see `Ranker`."""
        return [
            self._rank_one({*history.item_ids, *excluded_ids}, k)
            for history, excluded_ids in zip(histories, excluded, strict=True)
        ]

    def score(
        self, histories: Sequence[History], candidates: Sequence[Sequence[str]]
    ) -> list[Ranking]:
        """Return each user's candidates, the most liked first; see `Scorer`."""
        places = [sorted(map(self._places.__getitem__, chosen)) for chosen in candidates]
        return [
            Ranking(self.name, self.version, [RankedItem(*self._ranked[n]) for n in found])
            for found in places
        ]

    def _rank_one(self, left_out: Set[str], k: int) -> Ranking:
        items: list[RankedItem] = []
        for item_id, count in self._ranked:
            if len(items) == k:
                break
            if item_id not in left_out:
                items.append(RankedItem(item_id, count))
        return Ranking(self.name, self.version, items)
