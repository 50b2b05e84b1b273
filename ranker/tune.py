"""Tuning: settings of ALS drawn at random and compared on a validation split of their own.

The test splits are never looked at: each user's last liking is held out for the test, and the one
before it to choose by.
"""

from collections.abc import Callable

import numpy as np

from catalog.dataset import Dataset
from catalog.split import leave_last_out
from ranker import als
from ranker.evaluate import Interval, evaluate, interval

_FACTORS = (16, 32, 64, 128)
_REGULARIZATION, _ALPHA = (-1.0, 2.0), (0.0, 1.7)
"""Powers of ten between which they are drawn."""


def candidates(base: als.AlsConfig, count: int) -> list[als.AlsConfig]:
    """Return `count` settings, the first of which is `base`; the same for the same seed."""
    rng = np.random.default_rng(base.seed)
    drawn = [
        base.model_copy(
            update={
                "factors": int(rng.choice(_FACTORS)),
                "regularization": float(f"{10 ** rng.uniform(*_REGULARIZATION):.2g}"),
                "alpha": float(f"{10 ** rng.uniform(*_ALPHA):.2g}"),
            }
        )
        for _ in range(count - 1)
    ]
    return [base, *drawn]


def tune(
    dataset: Dataset,
    base: als.AlsConfig,
    count: int,
    on_iteration: Callable[[], None] = lambda: None,
) -> list[tuple[als.AlsConfig, Interval]]:
    """Return settings with their NDCG@10 on the validation split, the best first.

    It is empty where there is too little data to hold anything out.
    """
    train, _ = leave_last_out(dataset)
    train, validation = leave_last_out(train)
    if not len(validation.items):
        return []
    found = []
    for config in candidates(base, count):
        quality = evaluate(als.fit(train, config, on_iteration), train, validation)
        found.append((config, interval(quality.ndcg)))
    return sorted(found, key=lambda one: -one[1].mean)
