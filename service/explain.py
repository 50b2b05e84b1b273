"""Explanations within a deadline: cache, then jobs, then the grounded sentence.

Whatever is slow or gone costs an explanation its style, never the request its answer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

from catalog.facts import Facts
from models.writer import Reason, Writer, Written, grounded_text
from service.cache import Cache, cache_key
from service.jobs import Job, JobFailedError, Jobs, QueueFullError
from service.metrics import Metrics

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Explained:
    """A checked text, its public id, and whether it came from the cache."""

    id: str
    written: Written
    cached: bool


class Explainer:
    """Turns Facts into explanations."""

    def __init__(self, writer: Writer, cache: Cache, jobs: Jobs, metrics: Metrics) -> None:
        self.model = writer.model
        self._fingerprint = writer.fingerprint
        self._cache, self._jobs, self._metrics = cache, jobs, metrics

    async def explain(self, batch: Sequence[Facts], deadline: float) -> list[Explained]:
        """Return an explanation for each of the Facts, by the deadline (monotonic seconds)."""
        keys = [cache_key(self._fingerprint, facts) for facts in batch]
        started = monotonic()
        known = await self._known(keys, deadline)
        looked_up = monotonic()
        self._metrics.stage("cache", looked_up - started)
        missing = {
            key: facts
            for key, facts, found in zip(keys, batch, known, strict=True)
            if found is None
        }
        made = await self._make(missing, deadline) if missing else {}
        if missing:
            self._metrics.stage("explain", monotonic() - looked_up)
        explained = [
            Explained(key, found, cached=True)
            if found is not None
            else Explained(key, made[key], cached=False)
            for key, found in zip(keys, known, strict=True)
        ]
        for one in explained:
            self._metrics.cache.labels("hit" if one.cached else "miss").inc()
            self._metrics.explanations.labels(one.written.source, one.written.reason or "").inc()
        return explained

    async def _known(self, keys: Sequence[str], deadline: float) -> list[Written | None]:
        try:
            async with asyncio.timeout(deadline - monotonic()):
                return await self._cache.get_many(keys)
        except Exception:
            log.exception("cache failed")
            return [None] * len(keys)

    async def _make(self, missing: dict[str, Facts], deadline: float) -> dict[str, Written]:
        now = monotonic()
        waiting: dict[str, asyncio.Future[Written]] = {}
        made: dict[str, Written] = {}
        stand_ins: dict[str, Reason] = {}
        for key, facts in missing.items():
            try:
                waiting[key] = self._jobs.submit(Job(key, facts, now, deadline))
            except QueueFullError:
                stand_ins[key] = "shed"
        if waiting:
            # asyncio.wait leaves the futures alone at the deadline: others may share them.
            await asyncio.wait(waiting.values(), timeout=max(0.0, deadline - monotonic()))
        for key, result in waiting.items():
            written = _result(result)
            if written is None:
                stand_ins[key] = _reason(result)
            else:
                made[key] = written
        if stand_ins:  # in a thread, as a hundred of them would hold up everybody else
            made |= await asyncio.to_thread(
                lambda: {key: grounded_text(missing[key], why) for key, why in stand_ins.items()}
            )
        return made


def _result(result: "asyncio.Future[Written]") -> Written | None:
    return result.result() if result.done() and result.exception() is None else None


def _reason(result: "asyncio.Future[Written]") -> Reason:
    failed = result.done() and isinstance(result.exception(), JobFailedError)
    return "unavailable" if failed else "deadline"
