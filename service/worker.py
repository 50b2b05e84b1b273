"""The Prism worker: takes jobs, writes them in batches, keeps the texts in the cache.

Batching needs no timer: while batches are being written in the engine's threads, the jobs of all
concurrent requests gather, and the next batch takes them together.

When an engine fails on a batch, either the engine or a job is to blame. To find out, the engine is
asked for the known text, which any engine can write:

- it writes it: the jobs are to blame. Each is tried again alone, perhaps by another worker, and one
  that fails on every attempt is given up;
- it does not write it, or this is the sixth batch in a row that failed: the engine is to blame.

What becomes of a worker whose engine is to blame:

    batch of 32 fails, known text fails     the 32 jobs go back as they were; a pause
    known text fails again, and again       out of the fleet: not ready, no jobs, and says why
    known text is written                   back in the fleet
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from catalog.facts import Facts
from catalog.types import Item
from models.prism.writer import Writer, Written
from service.background import background
from service.cache import Cache
from service.jobs import Job, WorkQueue
from service.metrics import Metrics

log = structlog.get_logger()
IN_FLIGHT = 2
"""Batches at a time: one keeps the engine busy while the other is read, checked and kept."""
_CACHE_S = 1.0
"""Time for the cache; the texts go to those who wait even where it fails."""
_OUT_AFTER, _DOUBTED_AFTER = 3, 5
"""Failures in a row. With the third or a later one a worker leaves the fleet, if the engine is to
blame for it. Where only batches fail, and never the known text, the jobs are to blame for the first
five, and the engine for the sixth."""
_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 30.0
"""How long a worker whose engine failed takes no jobs, twice as long after each failure."""
_WATCH_S = 0.25
KNOWN = Facts(item=Item(id="known", title="A"))
"""What an engine is asked to write about when it has failed: no simpler Facts are possible."""


class Worker:
    """Writes what is in the queue until it is cancelled, or told to stop.

    Parameters
    ----------
    in_hand_s : seconds for a batch, after which its jobs are left to others and the worker is out
        of the fleet until the engine returns
    on_trouble : told why the worker is out of the fleet, each time that it is
    pause_s : see `_PAUSE_S`
    """

    def __init__(
        self,
        jobs: WorkQueue,
        writer: Writer,
        cache: Cache,
        metrics: Metrics,
        batch_size: int,
        in_hand_s: float = 60.0,
        on_trouble: Callable[[str], None] = lambda why: None,
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._jobs, self._writer, self._cache = jobs, writer, cache
        self._metrics, self._batch_size = metrics, batch_size
        self._in_hand_s, self._on_trouble, self._pause_s = in_hand_s, on_trouble, pause_s
        self._stopping = asyncio.Event()
        self._full_batch_ended = 0.0
        self._in_flight: dict[asyncio.Task[None], tuple[float, Sequence[Job]]] = {}
        self._hung: set[asyncio.Task[None]] = set()
        self._failures = 0  # since the last success
        self._why = ""  # it takes no jobs; empty while it does
        self._known: asyncio.Task[list[Written] | Exception] | None = None

    @property
    def trouble(self) -> str:
        """Why the worker is out of the fleet; empty while it is not."""
        if self._hung:
            return f"the engine has not returned from a batch for {self._in_hand_s:g} s"
        return self._why if self._failures >= _OUT_AFTER else ""

    def stop(self) -> None:
        """Take no more jobs; `run` returns once those it took are done."""
        self._stopping.set()

    async def run(self) -> None:
        """Serve jobs. A job that fails does not end it; an error in taking jobs does."""
        async with background(self._watch, "watch"):
            try:
                while not self._stopping.is_set():
                    if self._hung:
                        await self._stops_within(_WATCH_S)
                    elif self._why:
                        await self._recover()
                    elif batch := await self._jobs.take(self._batch_size):
                        if self._hung:  # meanwhile
                            await self._jobs.give_back(batch)
                            self._jobs.leave(batch)
                        else:
                            await self._begin(batch)
            finally:
                await self._until_at_most(0)

    async def _begin(self, batch: Sequence[Job]) -> None:
        """Start a batch, and wait until there may be another."""
        if alone := any(job.alone for job in batch):
            await self._until_at_most(0)
        task = asyncio.create_task(self._run_batch(batch))
        self._in_flight[task] = monotonic(), batch
        await self._until_at_most(0 if alone else IN_FLIGHT - 1)

    async def _until_at_most(self, rest: int) -> None:
        """Wait until no more batches are in flight than these; for none that hangs."""
        while len(self._in_flight) > rest:
            ended, _ = await asyncio.wait(
                self._in_flight, timeout=_WATCH_S, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                self._in_flight.pop(task, None)

    async def _watch(self) -> None:
        """Let go of the jobs of batches that take too long."""
        while True:
            await asyncio.sleep(_WATCH_S)
            for task, (since, batch) in list(self._in_flight.items()):
                if not task.done() and monotonic() - since > self._in_hand_s:
                    self._jobs.leave(batch)
                    del self._in_flight[task]
                    self._hung.add(task)
                    task.add_done_callback(self._hung.discard)
                    self._leave_the_fleet()

    async def _recover(self) -> None:
        """Wait a while, then until the engine writes the known text again."""
        await self._until_at_most(0)
        pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2 ** min(self._failures - 1, 20))
        if await self._stops_within(pause_s):
            return
        error = await self._fails_on_known()
        if error is None:
            log.info("engine works again", after=self._why)
            self._why = ""
        else:
            self._failed(error)

    async def _stops_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._why = f"the engine fails: {error!r}"[:500]
        if self.trouble:
            self._leave_the_fleet()

    def _leave_the_fleet(self) -> None:
        log.error("out of the fleet", why=self.trouble)
        self._on_trouble(self.trouble)

    async def _run_batch(self, batch: Sequence[Job]) -> None:
        try:
            await self._do(batch)
        except Exception:  # of the queue: what is not finished goes to others
            log.exception("queue failed")
        finally:
            self._jobs.leave(batch)

    async def _do(self, batch: Sequence[Job]) -> None:
        now = monotonic()
        for job in batch:
            if job.expires > now:  # not what nobody waits for
                self._metrics.stage("queue", now - job.created)
        groups: dict[str, list[Job]] = {}  # two gateways may ask for the same
        for job in await self._not_done(batch):
            groups.setdefault(job.key, []).append(job)
        if not groups:
            return
        self._metrics.batch_size.observe(len(groups))
        written = await self._write([group[0].facts for group in groups.values()])
        if isinstance(written, Exception):
            await self._blame([job for group in groups.values() for job in group], written)
            return
        self._failures = 0
        self._measure(len(batch))
        kept = await self._keep(groups, written)
        await self._jobs.finish(
            [(job, kept[key]) for key, group in groups.items() for job in group]
        )

    async def _blame(self, jobs: Sequence[Job], error: Exception) -> None:
        """Find out whether the jobs or the engine are to blame for a failure."""
        log.error("engine failed", exc_info=error)
        self._metrics.failed("engine")
        known = await self._fails_on_known()
        if known is None and self._failures < _DOUBTED_AFTER:
            self._failures += 1
            await self._jobs.fail(jobs, f"the engine failed: {error!r}")
        else:
            self._failed(known or error)
            await self._jobs.give_back(jobs)

    async def _fails_on_known(self) -> Exception | None:
        """Return what the engine says to a text that it certainly can write, if it fails."""
        if self._known is None or self._known.done():  # or it hangs: one such thread is enough
            self._known = asyncio.create_task(self._write([KNOWN]))
        ended, _ = await asyncio.wait({self._known}, timeout=self._in_hand_s)
        if not ended:
            return TimeoutError(f"no text within {self._in_hand_s:g} s")
        written = self._known.result()
        return written if isinstance(written, Exception) else None

    def _measure(self, jobs: int) -> None:
        """Tell the queue how long a job takes: the time between the ends of two full batches."""
        now, before = monotonic(), self._full_batch_ended
        self._full_batch_ended = now if jobs >= self._batch_size else 0.0
        if before and self._full_batch_ended:
            self._jobs.measured((now - before) / jobs)

    async def _not_done(self, batch: Sequence[Job]) -> list[Job]:
        """Finish what another worker has written meanwhile; return the rest."""
        try:
            known = await self._cache.get_many({job.key: job.facts for job in batch}, _CACHE_S)
        except Exception as error:
            log.warning("cache failed", error=repr(error))
            return list(batch)
        done = [(job, known[job.key]) for job in batch if job.key in known]
        if done:
            await self._jobs.finish(done)
        return [job for job in batch if job.key not in known]

    async def _write(self, facts: Sequence[Facts]) -> list[Written] | Exception:
        """Write a batch in a thread of its own.

        No pool: its threads would have to return before the process may end, and an engine that
        hangs never does.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Written] | Exception] = loop.create_future()

        def write() -> None:
            result: list[Written] | Exception
            try:
                result = self._writer.write(facts)
            except Exception as error:  # returned, as asyncio loses a StopIteration
                result = error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, done, result)

        threading.Thread(target=write, name="engine", daemon=True).start()
        return await done

    async def _keep(
        self, groups: dict[str, list[Job]], written: Sequence[Written]
    ) -> dict[str, Written]:
        """Keep the texts; return under each key the one that everybody gets."""
        texts = dict(zip(groups, written, strict=True))
        try:
            async with asyncio.timeout(_CACHE_S):
                return await self._cache.put_many(
                    texts, {key: group[0].facts for key, group in groups.items()}
                )
        except Exception:
            log.exception("cache failed")
            return texts


def _settle(
    done: "asyncio.Future[list[Written] | Exception]", result: list[Written] | Exception
) -> None:
    if not done.done():
        done.set_result(result)
