"""Micro-batches without a timer: what is asked during one batch is the next."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Batcher(Generic[Q, A]):
    """Answers single questions in batches, in a thread.

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
