"""Work in the background of a process: it goes on after an error, and ends with the process."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

log = structlog.get_logger()
_PAUSE_S = 1.0
"""Longest pause after an error."""


@contextlib.asynccontextmanager
async def background(work: Callable[[], Awaitable[None]], name: str) -> AsyncIterator[None]:
    """Run `work` until the end of the block, anew after each error."""
    task = asyncio.create_task(forever(work, name), name=name)
    try:
        yield
    finally:
        # On Python 3.11 `asyncio.wait_for` may swallow a cancellation, so once may not be enough.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_PAUSE_S)


async def forever(work: Callable[[], Awaitable[None]], name: str) -> None:
    """Run `work` until it returns, anew after each error."""
    while True:
        try:
            await work()
            return
        except Exception as error:
            log.warning("background work failed", work=name, error=repr(error))
            await asyncio.sleep(random.uniform(0.1, _PAUSE_S))  # noqa: S311
