"""The Prism worker: takes jobs, writes them in batches, keeps the texts in the cache.

Batching needs no timer: while batches are being written in the engine's threads, the jobs of all
concurrent requests gather, and the next batch takes them together.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import structlog

from catalog.facts import Facts
from models.writer import Writer, Written
from service.cache import Cache
from service.jobs import Job, JobFailedError, Jobs
from service.metrics import Metrics

log = structlog.get_logger()
IN_FLIGHT = 2
"""Batches at a time: one keeps the engine busy while the other is read, checked and kept."""
_CACHE_S = 1.0
"""Time for the cache; the texts go to those who wait even where it fails."""


class Worker:
    """Writes what is in the queue until it is cancelled, or told to stop."""

    def __init__(
        self, jobs: Jobs, writer: Writer, cache: Cache, metrics: Metrics, batch_size: int
    ) -> None:
        self._jobs, self._writer, self._cache = jobs, writer, cache
        self._metrics, self._batch_size = metrics, batch_size
        self._stopping = False
        self._full_batch_ended = 0.0

    def stop(self) -> None:
        """Take no more jobs; `run` returns once those it took are done."""
        self._stopping = True

    async def run(self) -> None:
        """Serve jobs; the failure of a job is its own. Errors in taking jobs pass through."""
        in_flight: set[asyncio.Task[None]] = set()
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="engine") as threads:
            try:
                while not self._stopping:
                    batch = await self._jobs.take(self._batch_size)
                    if not batch:
                        continue
                    if alone := any(job.alone for job in batch):
                        await _until_at_most(0, in_flight)
                    in_flight.add(asyncio.create_task(self._run_batch(batch, threads)))
                    await _until_at_most(0 if alone else IN_FLIGHT - 1, in_flight)
            finally:
                await _until_at_most(0, in_flight)

    async def _run_batch(self, batch: Sequence[Job], threads: ThreadPoolExecutor) -> None:
        try:
            await self._do(batch, threads)
        except Exception:  # of the queue: what is not finished goes to others
            log.exception("queue failed")
        finally:
            self._jobs.leave(batch)

    async def _do(self, batch: Sequence[Job], threads: ThreadPoolExecutor) -> None:
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
        jobs = list(groups.values())
        written = await self._write(jobs, threads)
        self._measure(len(batch))
        if isinstance(written, Exception) and len(jobs) > 1:
            # One job may poison a batch: find it, and spare the others.
            for one in jobs:
                await self._settle([one], await self._write([one], threads))
        else:
            await self._settle(jobs, written)

    def _measure(self, jobs: int) -> None:
        """Tell the queue how long a job takes: the time between the ends of two full batches."""
        now, before = monotonic(), self._full_batch_ended
        self._full_batch_ended = now if jobs >= self._batch_size else 0.0
        if before and self._full_batch_ended:
            self._jobs.measured((now - before) / jobs)

    async def _not_done(self, batch: Sequence[Job]) -> list[Job]:
        """Finish what another worker has written meanwhile; return the rest."""
        try:
            async with asyncio.timeout(_CACHE_S):
                known = await self._cache.get_many([job.key for job in batch])
        except Exception as error:
            log.warning("cache failed", error=repr(error))
            return list(batch)
        done = [(job, text) for job, text in zip(batch, known, strict=True) if text is not None]
        if done:
            await self._jobs.finish(done)
        return [job for job, text in zip(batch, known, strict=True) if text is None]

    async def _settle(
        self, groups: Sequence[list[Job]], written: list[Written] | Exception
    ) -> None:
        if isinstance(written, Exception):
            log.error("engine failed", exc_info=written)
            failed = JobFailedError(f"the engine failed: {written!r}")
            await self._jobs.finish([(job, failed) for group in groups for job in group])
            return
        texts = {group[0].key: text for group, text in zip(groups, written, strict=True)}
        kept = await self._keep(texts)
        await self._jobs.finish([(job, kept[job.key]) for group in groups for job in group])

    async def _write(
        self, groups: Sequence[list[Job]], threads: ThreadPoolExecutor
    ) -> list[Written] | Exception:
        facts = [group[0].facts for group in groups]
        return await asyncio.get_running_loop().run_in_executor(threads, self._try, facts)

    def _try(self, facts: Sequence[Facts]) -> list[Written] | Exception:
        try:
            return self._writer.write(facts)
        except Exception as error:  # returned, as asyncio loses a StopIteration raised in a thread
            return error

    async def _keep(self, texts: dict[str, Written]) -> dict[str, Written]:
        """Keep the texts; return under each key the one that everybody gets."""
        try:
            async with asyncio.timeout(_CACHE_S):
                return await self._cache.put_many(texts)
        except Exception:
            log.exception("cache failed")
            return texts


async def _until_at_most(rest: int, in_flight: "set[asyncio.Task[None]]") -> None:
    """Wait until no more batches are in flight than these."""
    while len(in_flight) > rest:
        ended, _ = await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
        in_flight -= ended
