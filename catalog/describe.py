"""Describe: what a person looks at before serving a Dataset.

values: 0.5 to 5, median 4; likings: 63,413 of 99,997 (63%)
  0.5  ▏ 1,101 …
details: year 100%, categories 99.9%, director 87%
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from catalog.dataset import Dataset

_BARS = 10


@dataclass(frozen=True, slots=True)
class Description:
    """A Dataset in figures.

    Attributes
    ----------
    values : (label, number of interactions) of a histogram
    details : share of the visible items that have each detail, 0 to 1
    spoken : what is said of entries, and of how many: loved, liked, used, or a dislike
    per_user : quantiles of interactions a user, 0, 50, 90 and 100%
    unused : items that nobody touched
    """

    values: list[tuple[str, int]]
    details: dict[str, float]
    spoken: dict[str, int]
    per_user: list[int]
    unused: int


def describe(dataset: Dataset) -> Description:
    """Return a Dataset in figures."""
    counts = np.diff(dataset.indptr)
    return Description(
        values=_histogram(dataset),
        details=_details(dataset),
        spoken=_spoken(dataset),
        per_user=np.quantile(counts, (0, 0.5, 0.9, 1)).astype(int).tolist(),
        unused=len(dataset.item_ids) - len(np.unique(dataset.items)),
    )


def _histogram(dataset: Dataset) -> list[tuple[str, int]]:
    """Return each value where there are few, else ranges that hold equally many, or nearly."""
    values, counts = np.unique(dataset.values, return_counts=True)
    if len(values) <= 2 * _BARS:
        return [(f"{value:g}", int(n)) for value, n in zip(values, counts, strict=True)]
    edges = np.unique(np.quantile(dataset.values, np.linspace(0, 1, _BARS + 1)))
    found, _ = np.histogram(dataset.values, edges)
    return [
        (f"{low:g} to {high:g}", int(n))
        for low, high, n in zip(edges, edges[1:], found, strict=False)
    ]


def _details(dataset: Dataset) -> dict[str, float]:
    have: Counter[str] = Counter()
    for position in range(len(dataset.item_ids)):
        item = dataset.item(position)
        have.update(
            name
            for name, told in (
                ("year", item.year is not None),
                ("categories", bool(item.categories)),
                ("description", item.description is not None),
            )
            if told
        )
        have.update(item.attributes.keys())
    return {name: count / len(dataset.item_ids) for name, count in have.most_common()}


def _spoken(dataset: Dataset) -> dict[str, int]:
    said: Counter[str] = Counter()
    for begin, end in zip(dataset.indptr, dataset.indptr[1:], strict=False):
        said.update(liking or "dislike" for liking in dataset.likings(dataset.values[begin:end]))
    return dict(said.most_common())
