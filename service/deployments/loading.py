"""What a deployment loads from disk: the Dataset and the ranker that was fitted to it."""

import numpy as np

from catalog import dataset as datasets
from catalog.dataset import Dataset
from ranker.als import AlsRanker, SnapshotError
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker
from service.settings import Settings


def open_ranker(settings: Settings) -> tuple[Dataset, Ranker]:
    """Return the Dataset and the ranker of the settings. Raises DatasetError, SnapshotError."""
    dataset = datasets.load(settings.data)
    ranker: Ranker = PopularityRanker(dataset)
    if settings.ranker == "als":
        fitted = ranker = AlsRanker.load(settings.snapshot)
        same_items = list(fitted.item_ids) == dataset.item_ids
        if not same_items or not np.array_equal(fitted.hidden, dataset.hidden):
            raise SnapshotError(
                f"{settings.snapshot} was fitted to other items than {settings.data}"
            )
    return dataset, ranker
