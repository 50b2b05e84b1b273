"""The ranking service in this process, as the gateway asks it: in micro-batches, without a timer.

The first question is asked at once, in a thread; what comes meanwhile is the next batch.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from catalog.types import Item
from ranker.service import (
    DatasetSummary,
    HistoryEntry,
    RankError,
    RankingQuery,
    RankingService,
    Recommendations,
)
from service.ranker_client.protocol import RankerUnavailableError

Q = TypeVar("Q")
A = TypeVar("A")


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


class Batcher(Generic[Q, A]):
    """Answers single questions in batches, in a thread: what is asked during one is the next.

    Parameters
    ----------
    answer : n questions to n answers, in order
    limit : most questions of a batch
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]], limit: int = 64) -> None:
        self._answer, self._limit = answer, limit
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._busy: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """Return the answer to one question."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._busy is None:
            self._busy = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                # Who has stopped waiting needs no answer.
                await self._do([one for one in batch if not one[1].done()])
        finally:
            self._busy = None

    async def _do(self, batch: Sequence[tuple[Q, "asyncio.Future[A]"]]) -> None:
        try:
            answers = await asyncio.to_thread(self._answer, [question for question, _ in batch])
        except Exception as error:
            if len(batch) > 1:  # one question may poison a batch: find it, and spare the others
                for one in batch:
                    await self._do([one])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
