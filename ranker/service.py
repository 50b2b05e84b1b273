"""The ranking service: owner of the Dataset and of the ranker's snapshot.

Everything that others want to know of users and items goes through it, so that there is one owner
of the data and the gateway opens no data folder.
"""

import heapq
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalog.dataset import Dataset
from catalog.facts import Noun
from catalog.text import clean_title
from catalog.types import History, Interaction, Item, Liking, Ranking
from ranker.evidence import Recommendation, recommendations
from ranker.popularity import PopularityRanker
from ranker.protocol import Ranker, Scorer

Attitude = Literal[Liking, "disliked"]


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


Order = Literal["ours", "theirs"]


@dataclass(frozen=True, slots=True)
class RankingQuery:
    """Whom to recommend how many items to: a known user, or whoever has this history.

    Attributes
    ----------
    user_id, history : of a known user, the history is what happened since
    removed : positions in the history of entries that only take away what was before of their item
    candidates : of these items only, in any case; none: of all that the user has not touched
    order : of candidates: theirs, as they are given, or ours, the best first
    """

    user_id: str | None
    k: int
    excluded: Set[str] = frozenset()
    history: Sequence[Interaction] = ()
    removed: Set[int] = frozenset()
    candidates: Sequence[str] = ()
    order: Order = "theirs"


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What a Dataset calls its items, and the usual value of each kind of entry.

    Where users gave stars, `usual` may be {"loved": 5.0, "liked": 4.0, "disliked": 2.0}: somebody
    who wants to say "I loved it" of an item says it with the value 5.
    """

    name: str
    noun: Noun
    usual: dict[Attitude, float]


RankError = UnknownUserError | UnknownItemError | InvalidValueError


class RankingService:
    """Answers for one Dataset with one ranker.

    A user about whom the ranker can tell nothing (no history, or only dislikes) gets what most
    users like, and the answer says so.
    """

    def __init__(self, dataset: Dataset, ranker: Ranker) -> None:
        self.dataset, self.ranker = dataset, ranker
        self._popularity = PopularityRanker(dataset)
        if dataset.info.liking_threshold is not None:
            _ = dataset.traits  # built here, not in somebody's first request
        self._titles = [title.casefold() for title in dataset.item_table["title"].to_pylist()]

    # ------------------------------------------------------------------ ranking

    def rank(self, queries: Sequence[RankingQuery]) -> list[Recommendations | RankError]:
        """Return for each query its top k, or what is wrong with it.

        An inline history may be in any order; its unknown items are left out and named. What may be
        wrong: an UnknownUserError; an UnknownItemError, no item of the history is known, or one of
        the candidates is not; an InvalidValueError, a value is not positive where they are counts.
        """
        answers: list[Recommendations | RankError | None] = [None] * len(queries)
        histories: dict[int, History] = {}
        chosen: dict[int, list[str]] = {}
        for n, query in enumerate(queries):
            try:
                if query.candidates:
                    chosen[n] = self._chosen(query)
                histories[n] = self._history_of(query)
            except (UnknownUserError, UnknownItemError, InvalidValueError) as error:
                answers[n] = error
        rankings: dict[int, Ranking] = {}
        for k in {queries[n].k for n in histories.keys() - chosen.keys()}:
            same = [n for n in histories if queries[n].k == k and n not in chosen]
            ranked = self._top([histories[n] for n in same], k, [queries[n].excluded for n in same])
            rankings.update(zip(same, ranked, strict=True))
        for n in histories.keys() & chosen.keys():
            rankings[n] = self._scored(histories[n], chosen[n], queries[n])
        for n, ranking in rankings.items():
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

    def _chosen(self, query: RankingQuery) -> list[str]:
        """Return the candidates that are not excluded, each once. Raises UnknownItemError."""
        index, hidden = self.dataset.item_index, self.dataset.hidden
        unknown = [i for i in query.candidates if i not in index or hidden[index[i]]]
        if unknown:
            raise UnknownItemError(sorted(set(unknown)))
        return [i for i in dict.fromkeys(query.candidates) if i not in query.excluded]

    def _scored(self, history: History, chosen: list[str], query: RankingQuery) -> Ranking:
        """Return the first k of the candidates, in the order that is asked for.

        By popularity where the ranker does not score what others chose, or cannot tell for this
        user.
        """
        ranking = None
        if isinstance(self.ranker, Scorer):
            [ranking] = self.ranker.score([history], [chosen])
        if ranking is None or (chosen and not ranking.items):
            [ranking] = self._popularity.score([history], [chosen])
        rows = ranking.items
        if query.order == "theirs":
            place = {item_id: n for n, item_id in enumerate(chosen)}
            rows = sorted(rows, key=lambda row: place[row.item_id])
        return replace(ranking, items=rows[: query.k])

    def most_active(self, limit: int) -> list[str]:
        """Return the users with the most interactions, the most active first."""
        counts = np.diff(self.dataset.indptr)
        return [self.dataset.user_ids[u] for u in np.argsort(-counts, kind="stable")[:limit]]

    def _history_of(self, query: RankingQuery) -> History:
        """Return the history of a known user and what happened since, or that of somebody else."""
        if query.user_id is None:
            return self._inline(query.history)
        known = self._history(query.user_id)
        if not query.history:
            return known
        return self._inline(query.history, known, query.removed)

    def _inline(
        self,
        interactions: Sequence[Interaction],
        before: History | None = None,
        removed: Set[int] = frozenset(),
    ) -> History:
        """Return an inline history in order, after all that was before.

        As in a Dataset, of a repeat the later counts, or the sum where values are counts. What
        stands at a position of `removed` only takes away what there was of its item.
        """
        unknown = self._unknown(interactions)
        if unknown and before is None and len(unknown) == len({i.item_id for i in interactions}):
            raise UnknownItemError(unknown)
        info, threshold = self.dataset.info, self.dataset.info.liking_threshold
        plain = 1.0 if threshold is None else threshold
        for index, one in enumerate(interactions):
            if threshold is None and one.value is not None and one.value <= 0:
                raise InvalidValueError(index)
        entries: dict[str, tuple[float, int]] = {}  # value and time, oldest first
        if before is not None:
            rows = zip(before.values.tolist(), before.timestamps.tolist(), strict=True)
            entries.update(zip(before.item_ids, rows, strict=True))
        for place, one in sorted(enumerate(interactions), key=lambda entry: entry[1].timestamp):
            if one.item_id not in self.dataset.item_index:
                continue
            if place in removed:
                entries.pop(one.item_id, None)
                continue
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

    @cached_property
    def summary(self) -> DatasetSummary:
        """What the Dataset is about; the usual value of a kind is the median of all such entries.

        A kind that no entry is of is left out.
        """
        info, values = self.dataset.info, self.dataset.values
        likes = self.dataset.is_liking(values)
        loves = likes & (
            values >= (np.inf if info.loved_threshold is None else info.loved_threshold)
        )
        plain: Attitude = "liked" if info.kind == "ratings" else "used"
        kinds: dict[Attitude, NDArray[np.bool_]] = {
            "loved": loves, plain: likes & ~loves, "disliked": ~likes,
        }  # fmt: skip
        usual = {
            kind: float(np.quantile(values[those], 0.5, method="lower"))
            for kind, those in kinds.items()
            if those.any()
        }
        return DatasetSummary(info.name, info.noun, usual)

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
