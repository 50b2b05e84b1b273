"""The ranking service in this process, as the gateway asks it."""

import asyncio
from collections.abc import Sequence

from catalog.types import Item
from ranker.service import (
    DatasetSummary,
    HistoryEntry,
    RankError,
    RankingQuery,
    RankingService,
    Recommendations,
)
from service.ranker_client.batches import Batcher
from service.ranker_client.protocol import RankerUnavailableError


class LocalRankerClient:
    """A ranking service in this process, off the event loop; queries that meet are one batch."""

    def __init__(self, service: RankingService) -> None:
        self.service = service
        self._batcher: Batcher[RankingQuery, Recommendations | RankError] = Batcher(
            lambda queries: self.service.rank(queries)  # noqa: PLW0108 the service may be swapped
        )

    async def rank(self, query: RankingQuery, timeout_s: float) -> Recommendations:
        """Return the top k for a query; see `RankerClient`."""
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._batcher.ask(query)
        except TimeoutError:
            raise RankerUnavailableError("ranking took too long") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def rank_many(self, queries: Sequence[RankingQuery]) -> list[Recommendations | RankError]:
        """Return an answer or an error for each query."""
        return list(await asyncio.gather(*map(self._batcher.ask, queries)))

    async def summary(self) -> DatasetSummary:
        """Return what the Dataset is about; see `RankerClient`."""
        return await asyncio.to_thread(lambda: self.service.summary)

    async def history(self, user_id: str, limit: int) -> list[HistoryEntry]:
        """Return a user's latest interactions; see `RankerClient`."""
        return await asyncio.to_thread(self.service.history, user_id, limit)

    async def users(self, search: str, limit: int) -> list[tuple[str, int]]:
        """Return users by a part of their id; see `RankerClient`."""
        return await asyncio.to_thread(self.service.users, search, limit)

    async def items(self, search: str, limit: int) -> list[Item]:
        """Return items by a part of their title; see `RankerClient`."""
        return await asyncio.to_thread(self.service.items, search, limit)

    async def item(self, item_id: str) -> Item:
        """Return an item; see `RankerClient`."""
        return await asyncio.to_thread(self.service.item, item_id)
