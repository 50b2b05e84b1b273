"""Temporal splits: each user's past to learn from, each user's later likings to be found.

Both splits are per user, so one user's training data may be later than another's test data. That
matches what the service does (it learns from everybody's past and is asked about each user's
next), and is what most published ALS figures use.
"""

import numpy as np

from catalog.dataset import Dataset


def leave_last_out(dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Hold out each user's last liking, and drop what came after it, so nothing leaks back.

    Returns (train, test); the test part holds one liking per user who has a liking and at least
    one earlier interaction.
    """
    return _split(dataset, fraction=None)


def last_fifth(dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Hold out the last 20% of each user's interactions, at least one, never all.

    Returns (train, test); the test part holds the likings among them.
    """
    return _split(dataset, fraction=0.2)


def _split(dataset: Dataset, fraction: float | None) -> tuple[Dataset, Dataset]:
    likings = dataset.is_liking(dataset.values)
    train = np.zeros(len(likings), dtype=np.bool_)
    test = np.zeros(len(likings), dtype=np.bool_)
    for begin, end in zip(dataset.indptr, dataset.indptr[1:], strict=False):
        if fraction is None:
            liked = np.flatnonzero(likings[begin:end])
            cut = begin + liked[-1] if len(liked) else end
            held_out = slice(cut, min(cut + 1, end))
        else:
            cut = end - max(1, int(fraction * (end - begin)))
            held_out = slice(cut, end)
        if cut == begin:  # nothing earlier to learn from
            train[begin:end] = True
            continue
        train[begin:cut] = True
        test[held_out] = likings[held_out]
    return dataset.keep(train), dataset.keep(test)
