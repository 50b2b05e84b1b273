"""The Prism worker: takes jobs, writes them in batches, keeps the texts in the cache.

Batching needs no timer: while a batch is being written in the engine's thread, the jobs of all
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


class Worker:
    """Writes what is in the queue until it is cancelled."""

    def __init__(
        self, jobs: Jobs, writer: Writer, cache: Cache, metrics: Metrics, batch_size: int
    ) -> None:
        self._jobs, self._writer, self._cache = jobs, writer, cache
        self._metrics, self._batch_size = metrics, batch_size

    async def run(self) -> None:
        """Serve jobs for ever; the failure of a job is its own, never the worker's."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine") as thread:
            while True:
                batch = await self._jobs.take(self._batch_size)
                if batch:
                    await self._do(batch, thread)

    async def _do(self, batch: Sequence[Job], thread: ThreadPoolExecutor) -> None:
        now = monotonic()
        for job in batch:
            self._metrics.stage("queue", now - job.created)
        self._metrics.batch_size.observe(len(batch))
        facts = [job.facts for job in batch]
        loop = asyncio.get_running_loop()
        texts = await loop.run_in_executor(thread, self._write, facts)
        if isinstance(texts, Exception):
            if len(batch) > 1:  # one job may poison a batch: find it, and spare the others
                for job in batch:
                    await self._do([job], thread)
                return
            log.error("engine failed", key=batch[0].key, exc_info=texts)
            self._jobs.finish(batch[0].key, JobFailedError("the engine failed"))
            return
        for job, written in zip(batch, texts, strict=True):
            await self._keep(job.key, written)
            self._jobs.finish(job.key, written)

    def _write(self, facts: Sequence[Facts]) -> list[Written] | Exception:
        try:
            return self._writer.write(facts)
        except Exception as error:  # returned, as asyncio loses a StopIteration raised in a thread
            return error

    async def _keep(self, key: str, written: Written) -> None:
        try:
            await self._cache.put(key, written)
        except Exception:
            log.exception("cache failed", key=key)
