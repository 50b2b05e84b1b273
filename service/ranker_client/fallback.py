"""What the gateway recommends while the ranking service is gone: the last good, then the popular.

A user's last good answer is kept for a while, for a bounded number of users; for everybody else
there is what most users like. Both are marked by `degraded: ["ranker"]`.
"""

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

from ranker.service import RankingQuery, Recommendations, UnknownUserError
from service.metrics import Metrics
from service.ranker_client.protocol import RankerClient, RankerUnavailableError
from service.ranker_client.wire import RankAnswer, answer_of, recommendations_of

_LEARN_S = 60.0
"""How often it asks what is popular."""
_RENEWED_S = 60.0
"""For so long a last good answer is kept as it is: to keep each one costs more than to look."""


@dataclass(frozen=True, slots=True)
class _LastGood:
    """A user's last good answer as compressed JSON, when it came, and what it was."""

    at: float
    version: str
    items: int
    packed: bytes

    def answer(self) -> Recommendations:
        return recommendations_of(RankAnswer.model_validate_json(zlib.decompress(self.packed)))


class Fallback:
    """Asks a ranking service, and remembers its answers for when it does not answer.

    Parameters
    ----------
    ranker : the ranking service
    metrics : counts failures
    users : most users whose last answer is kept
    age_s : seconds for which it is
    """

    def __init__(
        self,
        ranker: RankerClient,
        metrics: Metrics,
        users: int,
        age_s: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ranker, self._metrics = ranker, metrics
        self._users, self._age_s, self._clock = users, age_s, clock
        self._last: OrderedDict[str, _LastGood] = OrderedDict()
        self._popular: Recommendations | None = None
        self._reached = False

    @property
    def lacking(self) -> str:
        """What there must be before anybody can be answered; empty once it is there."""
        return "" if self._reached else "the ranking service has not answered yet"

    async def rank(self, query: RankingQuery, timeout_s: float) -> tuple[Recommendations, bool]:
        """Return the top k, and whether they are a fallback.

        Raises what `RankerClient.rank` raises, RankerUnavailableError only where nothing is known.
        """
        try:
            answer = await self._ranker.rank(query, timeout_s)
        except RankerUnavailableError:
            self._metrics.failed("ranker")
            return self._known(query), True
        except UnknownUserError:  # erased, perhaps: nothing of the user is to come back later
            self._last.pop(query.user_id or "", None)
            raise
        self._reached = True
        self._remember(query, answer)
        return answer, False

    async def keep_learning(self, k: int) -> None:
        """Learn again and again what is popular, for ever."""
        while True:
            await self.learn_what_is_popular(k)
            await asyncio.sleep(_LEARN_S)

    async def learn_what_is_popular(self, k: int) -> None:
        """Ask for what most users like, which is what somebody without a history gets."""
        self._popular = await self._ranker.rank(RankingQuery(None, k), timeout_s=5.0)
        self._reached = True

    def _remember(self, query: RankingQuery, answer: Recommendations) -> None:
        if not self._users or query.user_id is None or not answer.items:
            return
        if (
            query.excluded or query.history or query.candidates
        ):  # not all that there is for the user
            return
        now, known = self._clock(), self._last.get(query.user_id)
        if known is not None and known.version != answer.version:
            known = None
        if known is not None and len(answer.items) < known.items:  # more may be asked for again
            known = replace(known, at=now)
        elif known is None or len(answer.items) > known.items or now - known.at >= _RENEWED_S:
            packed = zlib.compress(answer_of(answer).model_dump_json().encode(), level=1)
            known = _LastGood(now, answer.version, len(answer.items), packed)
        self._last[query.user_id] = known
        self._last.move_to_end(query.user_id)
        if len(self._last) > self._users:
            self._last.popitem(last=False)

    def _known(self, query: RankingQuery) -> Recommendations:
        answer = self._popular
        if query.user_id is not None:
            last = self._last.get(query.user_id)
            if last is not None and self._clock() - last.at <= self._age_s:
                answer = last.answer()
        if answer is None:
            raise RankerUnavailableError("the ranking service does not answer")
        touched = set() if query.candidates else {t.item_id for t in query.history}
        left_out = query.excluded | touched
        items = [row for row in answer.items if row.facts.item.id not in left_out]
        if query.candidates:
            place = {item_id: n for n, item_id in enumerate(query.candidates)}
            items = [row for row in items if row.facts.item.id in place]
            if query.order == "theirs":
                items.sort(key=lambda row: place[row.facts.item.id])
        return replace(answer, items=items[: query.k])
