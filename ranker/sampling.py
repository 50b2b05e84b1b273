"""Facts files from a ranker: what a Prism is distilled from and measured on.

Users and items are set aside first. Training Facts come from random parts of the other users'
histories, so that one user yields many situations, and name no item that is set aside.
"""

import random
from collections.abc import Iterator

import numpy as np

from catalog.dataset import Dataset
from catalog.facts_file import Sample
from catalog.types import History
from ranker.evidence import recommendations
from ranker.protocol import Ranker


def sample_facts(
    dataset: Dataset,
    ranker: Ranker,
    *,
    held_out: float = 0.1,
    parts: int = 10,
    k: int = 20,
    seed: int = 0,
) -> Iterator[Sample]:
    """Yield Facts of top-k items, in training order.

    Parameters
    ----------
    held_out : share of the users, and of the items, that are set aside
    parts : random parts of each training history
    k : items ranked for each part; a test user gets k seen and k unseen ones
    seed : of the choice of users, items and parts
    """
    rng = random.Random(seed)  # noqa: S311
    items = list(dataset.item_ids)
    unseen = frozenset(rng.sample(items, int(held_out * len(items))))
    seen = frozenset(items) - unseen
    users = list(dataset.user_ids)
    test_users = rng.sample(users, int(held_out * len(users)))
    training = [(user, part) for user in users for part in range(parts)]
    rng.shuffle(training)
    aside = set(test_users)
    page = 0
    for user, _ in training:
        if user in aside:
            continue
        history = _part(dataset.history(user), rng, unseen)
        if len(history):
            [ranking] = ranker.rank([history], k, [unseen])
            for row in recommendations(dataset, history, ranking.items):
                yield Sample(row.facts, "train", unseen=False, page=page)
            page += 1
    for user in test_users:
        history = dataset.history(user)
        for excluded, is_unseen in ((unseen, False), (seen, True)):
            [ranking] = ranker.rank([history], k, [excluded])
            for row in recommendations(dataset, history, ranking.items):
                yield Sample(row.facts, "test", is_unseen, page)
            page += 1


def _part(history: History, rng: random.Random, unseen: frozenset[str]) -> History:
    """Return a random part of a history, without the items that are set aside."""
    share = rng.uniform(0.1, 1.0)
    kept = [
        n for n, item in enumerate(history.item_ids) if item not in unseen and rng.random() < share
    ]
    rows = np.array(kept, dtype=np.int64)
    return History(
        [history.item_ids[n] for n in kept], history.values[rows], history.timestamps[rows]
    )
