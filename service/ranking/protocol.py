"""The Ranking protocol: what the gateway asks the ranking service, in this process or over HTTP."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from catalog.types import Item
from ranker.service import HistoryEntry, Query, RankError, RankingService, Recommendations
from service.ranking.batches import Batcher


class RankingUnavailableError(RuntimeError):
    """The ranking service does not answer."""


class Ranking(Protocol):
    """Answers about users and items.

    Every method may raise UnknownUserError, UnknownItemError, InvalidValueError (what is asked is
    wrong) or RankingUnavailableError.
    """

    async def rank(self, query: Query, timeout_s: float) -> Recommendations:
        """Return the top k for a query."""
        ...

    async def history(self, user_id: str, limit: int) -> list[HistoryEntry]:
        """Return a user's latest visible interactions, latest first."""
        ...

    async def users(self, search: str, limit: int) -> list[tuple[str, int]]:
        """Return users whose id contains the text, with their number of interactions."""
        ...

    async def items(self, search: str, limit: int) -> list[Item]:
        """Return visible items whose title contains the text."""
        ...

    async def item(self, item_id: str) -> Item:
        """Return an item."""
        ...


class LocalRanking:
    """A ranking service in this process, off the event loop; queries that meet are one batch."""

    def __init__(self, service: RankingService) -> None:
        self.service = service
        self._batcher: Batcher[Query, Recommendations | RankError] = Batcher(
            lambda queries: self.service.rank(queries)  # noqa: PLW0108 the service may be swapped
        )

    async def rank(self, query: Query, timeout_s: float) -> Recommendations:
        """Return the top k for a query; see `Ranking`."""
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._batcher.ask(query)
        except TimeoutError:
            raise RankingUnavailableError("ranking took too long") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def rank_many(self, queries: Sequence[Query]) -> list[Recommendations | RankError]:
        """Return an answer or an error for each query."""
        return list(await asyncio.gather(*map(self._batcher.ask, queries)))

    async def history(self, user_id: str, limit: int) -> list[HistoryEntry]:
        """Return a user's latest interactions; see `Ranking`."""
        return await asyncio.to_thread(self.service.history, user_id, limit)

    async def users(self, search: str, limit: int) -> list[tuple[str, int]]:
        """Return users by a part of their id; see `Ranking`."""
        return await asyncio.to_thread(self.service.users, search, limit)

    async def items(self, search: str, limit: int) -> list[Item]:
        """Return items by a part of their title; see `Ranking`."""
        return await asyncio.to_thread(self.service.items, search, limit)

    async def item(self, item_id: str) -> Item:
        """Return an item; see `Ranking`."""
        return await asyncio.to_thread(self.service.item, item_id)
