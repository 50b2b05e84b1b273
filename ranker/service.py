"""The ranking service: owner of the Dataset and of the ranker's snapshot.

Everything that others want to know of users and items goes through it, so that there is one owner
of the data and the gateway opens no data folder.
"""

import heapq
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice

import numpy as np

from catalog.dataset import Dataset
from catalog.text import clean_title
from catalog.types import History, Interaction, Item, Liking, Ranking
from ranker.evidence import Recommendation, recommendations
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker


class InvalidValueError(ValueError):
    """An inline history has a value that the Dataset cannot take; `index` says in which entry."""

    def __init__(self, index: int) -> None:
        super().__init__("must be positive: in this Dataset values are counts")
        self.index = index


class UnknownUserError(LookupError):
    """No such user."""


class UnknownItemError(LookupError):
    """No such item; `ids` says which."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(", ".join(ids[:10]))  # of 10,000 the message would be megabytes
        self.ids = list(ids)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An entry of a user's history, as shown to people; `liking` is None for a dislike."""

    item: Item
    value: float
    timestamp: int
    liking: Liking | None


@dataclass(frozen=True, slots=True)
class Recommendations:
    """The answer for one user, which ranker gave it, and unknown items of an inline history."""

    ranker: str
    version: str
    items: list[Recommendation]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RankingQuery:
    """Whom to recommend how many items to: a known user, or whoever has this history."""

    user_id: str | None
    k: int
    excluded: Set[str] = frozenset()
    history: Sequence[Interaction] = ()


RankError = UnknownUserError | UnknownItemError | InvalidValueError


class RankingService:
    """Answers for one Dataset with one ranker.

    A user about whom the ranker can tell nothing (no history, or only dislikes) gets what most
    users like, and the answer says so.
    """

    def __init__(self, dataset: Dataset, ranker: Ranker) -> None:
        self.dataset, self.ranker = dataset, ranker
        self._popularity = PopularityRanker(dataset)
        self._titles = [title.casefold() for title in dataset.item_table["title"].to_pylist()]

    # ------------------------------------------------------------------ ranking

    def rank(self, queries: Sequence[RankingQuery]) -> list[Recommendations | RankError]:
        """Return for each query its top k, or what is wrong with it.

        An inline history may be in any order; its unknown items are left out and named. What may be
        wrong: an UnknownUserError; an UnknownItemError, the Dataset has no item of the history; an
        InvalidValueError, a value is not positive where values are counts.
        """
        answers: list[Recommendations | RankError | None] = [None] * len(queries)
        histories: dict[int, History] = {}
        for n, query in enumerate(queries):
            try:
                histories[n] = (
                    self._inline(query.history)
                    if query.user_id is None
                    else self._history(query.user_id)
                )
            except (UnknownUserError, UnknownItemError, InvalidValueError) as error:
                answers[n] = error
        for k in {queries[n].k for n in histories}:
            same = [n for n in histories if queries[n].k == k]
            ranked = self._top([histories[n] for n in same], k, [queries[n].excluded for n in same])
            for n, ranking in zip(same, ranked, strict=True):
                answers[n] = Recommendations(
                    ranking.ranker,
                    ranking.version,
                    recommendations(self.dataset, histories[n], ranking.items),
                    self._unknown(queries[n].history),
                )
        return [answer for answer in answers if answer is not None]

    def _top(
        self, histories: Sequence[History], k: int, excluded: Sequence[Set[str]]
    ) -> list[Ranking]:
        rankings = self.ranker.rank(histories, k, excluded)
        untold = [n for n, ranking in enumerate(rankings) if not ranking.items]
        popular = self._popularity.rank(
            [histories[n] for n in untold], k, [excluded[n] for n in untold]
        )
        for n, ranking in zip(untold, popular, strict=True):
            rankings[n] = ranking
        return rankings

    def most_active(self, limit: int) -> list[str]:
        """Return the users with the most interactions, the most active first."""
        counts = np.diff(self.dataset.indptr)
        return [self.dataset.user_ids[u] for u in np.argsort(-counts, kind="stable")[:limit]]

    def _inline(self, interactions: Sequence[Interaction]) -> History:
        """Return an inline history in order.

        As in a Dataset, of a repeat the later counts, or the sum where values are counts.
        """
        unknown = self._unknown(interactions)
        known = [one for one in interactions if one.item_id in self.dataset.item_index]
        if unknown and not known:
            raise UnknownItemError(unknown)
        info, threshold = self.dataset.info, self.dataset.info.liking_threshold
        plain = 1.0 if threshold is None else threshold
        for index, one in enumerate(interactions):
            if threshold is None and one.value is not None and one.value <= 0:
                raise InvalidValueError(index)
        entries: dict[str, tuple[float, int]] = {}  # value and time, oldest first
        for one in sorted(known, key=lambda entry: entry.timestamp):
            value = plain if one.value is None or info.kind == "events" else one.value
            earlier, _ = entries.pop(one.item_id, (0.0, 0))
            if info.kind == "counts":
                value += earlier
            entries[one.item_id] = value, one.timestamp
        return History(
            list(entries),
            np.array([value for value, _ in entries.values()], dtype=np.float64),
            np.array([timestamp for _, timestamp in entries.values()], dtype=np.int64),
        )

    def _unknown(self, interactions: Sequence[Interaction]) -> tuple[str, ...]:
        index = self.dataset.item_index
        return tuple(sorted({one.item_id for one in interactions if one.item_id not in index}))

    # ------------------------------------------------------------------ looking things up

    def item(self, item_id: str) -> Item:
        """Return an item. Raises UnknownItemError, for a hidden one too."""
        position = self.dataset.item_index.get(item_id)
        if position is None or self.dataset.hidden[position]:
            raise UnknownItemError([item_id])
        return self.dataset.item(position)

    def history(self, user_id: str, limit: int) -> list[HistoryEntry]:
        """Return a user's latest visible interactions, latest first. Raises UnknownUserError."""
        return list(islice(self._entries(self._history(user_id)), limit))

    def users(self, search: str, limit: int) -> list[tuple[str, int]]:
        """Return users whose id contains `search`, with their number of interactions.

        An equal id first, then ids that begin with it.
        """
        ids, counts = self.dataset.user_ids, np.diff(self.dataset.indptr)
        hits = _best_matches(ids, search, limit)
        return [(ids[u], int(counts[u])) for u in hits]

    def items(self, search: str, limit: int) -> list[Item]:
        """Return visible items whose title contains `search`, ignoring case and kinds of quotes.

        An equal title first, then titles that begin with it, the more liked first.
        """
        counts, wanted = self.dataset.liking_counts, clean_title(search).casefold()
        hits = _best_matches(self._titles, wanted, limit, counts, self.dataset.hidden)
        return [self.dataset.item(i) for i in hits]

    def _history(self, user_id: str) -> History:
        try:
            return self.dataset.history(user_id)
        except KeyError:
            raise UnknownUserError(user_id) from None

    def _entries(self, history: History) -> Iterator[HistoryEntry]:
        likings = self.dataset.likings(history.values)
        for p in range(len(history) - 1, -1, -1):
            position = self.dataset.item_index[history.item_ids[p]]
            value = float(history.values[p])
            if self.dataset.hidden[position]:
                continue
            timestamp = int(history.timestamps[p])
            yield HistoryEntry(self.dataset.item(position), value, timestamp, likings[p])


def _best_matches(
    names: Sequence[str],
    search: str,
    limit: int,
    weights: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None,
    hidden: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None,
) -> list[int]:
    """Return positions of names that contain `search`: equal, then prefixes, then by weight."""
    matches = (
        (
            name != search,
            not name.startswith(search),
            -int(weights[n]) if weights is not None else 0,
            n,
        )
        for n, name in enumerate(names)
        if search in name and (hidden is None or not hidden[n])
    )
    return [n for *_, n in heapq.nsmallest(limit, matches)]
