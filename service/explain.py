"""Explanations within a deadline: cache, then jobs, then the grounded sentence.

Whatever is slow or gone costs an explanation its style, never the request its answer.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

from catalog.facts import Facts
from models.faithfulness import warm
from models.language.grounded import GroundedEngine
from models.prism.writer import Reason, Written, grounded_text
from service import admission
from service.cache import Cache, cache_key
from service.jobs import Job, JobFailedError, JobQueue
from service.metrics import Metrics

log = structlog.get_logger()
GROUNDED = f"{GroundedEngine.name}@{GroundedEngine.version}"
_CACHE_S = 0.5
"""Longest wait for the cache, and for the queue, but for who has a lot of time: they answer at once
or are gone."""
_LATE_S = 0.05
"""Time for a look into the cache once waiting is over."""
_ANSWER_S, _TURNS = 0.05, 3
"""What is kept of the deadline to make and send the answer once waiting is over: some time, some
turns of the event loop, and as long as the stand-ins took of late."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A checked text, its public id, and whether it came from the cache."""

    id: str
    written: Written
    cached: bool


@dataclass(frozen=True, slots=True)
class Explanations:
    """The explanations of a request, all by one model."""

    model: str
    items: list[Explained]


@dataclass(frozen=True, slots=True)
class Serving:
    """The model that writes now: its name, the fingerprint of all it depends on, its queue.

    The queue is None while nobody takes jobs from it, and says so: then nobody need wait.
    """

    model: str
    fingerprint: bytes
    jobs: JobQueue | None


class Explainer:
    """Turns Facts into explanations.

    Parameters
    ----------
    serving : tells which model writes now, None where none ever has: then texts are grounded
    lag_s : tells how late the event loop is, seconds: waiting ends so much before the deadline
    """

    def __init__(
        self,
        serving: Callable[[], Serving | None],
        cache: Cache,
        metrics: Metrics,
        lag_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._serving, self._cache, self._metrics = serving, cache, metrics
        self._lag_s = lag_s
        self._longest_s, self._longest_at = 0.0, 0.0  # of the stand-ins of late
        warm()

    @property
    def model(self) -> str:
        """What answers name as their model."""
        serving = self._serving()
        return GROUNDED if serving is None else serving.model

    async def explain(self, batch: Sequence[Facts], deadline: float) -> Explanations:
        """Return an explanation for each of the Facts, by the deadline (monotonic seconds)."""
        serving = self._serving()
        if serving is None:
            keys = [cache_key(b"", facts) for facts in batch]
            made = await self._stand_in(
                dict(zip(keys, batch, strict=True)), dict.fromkeys(keys, "unavailable")
            )
            return self._counted(GROUNDED, [Explained(k, made[k], cached=False) for k in keys])
        keys = [cache_key(serving.fingerprint, facts) for facts in batch]
        started = monotonic()
        about = dict(zip(keys, batch, strict=True))
        known = await self._known(about, deadline)
        looked_up = monotonic()
        self._metrics.stage("cache", looked_up - started)
        missing = {key: facts for key, facts in about.items() if key not in known}
        made = await self._make(serving.jobs, missing, deadline) if missing else {}
        if missing:
            self._metrics.stage("explain", monotonic() - looked_up)
        return self._counted(
            serving.model,
            [
                Explained(key, known[key], cached=True)
                if key in known
                else Explained(key, made[key], cached=False)
                for key in keys
            ],
        )

    def _counted(self, model: str, explained: list[Explained]) -> Explanations:
        for one in explained:
            self._metrics.cache.labels("hit" if one.cached else "miss").inc()
            self._metrics.explanations.labels(one.written.source, one.written.reason or "").inc()
        return Explanations(model, explained)

    async def _known(self, about: Mapping[str, Facts], deadline: float) -> dict[str, Written]:
        # Never less than a moment: a timeout that is over at once may be lost on the way to Redis.
        within_s = min(_CACHE_S, max(_LATE_S, (deadline - monotonic()) / 2))
        try:
            async with asyncio.timeout(2 * within_s):  # should a cache not keep to its time
                return await self._cache.get_many(about, within_s)
        except Exception as error:
            self._metrics.failed("cache")
            log.warning("cache failed", error=repr(error))
            return {}

    async def _make(
        self, queue: JobQueue | None, missing: dict[str, Facts], deadline: float
    ) -> dict[str, Written]:
        if queue is None:
            return await self._stand_in(missing, dict.fromkeys(missing, "unavailable"))
        now = monotonic()
        kept = _ANSWER_S + _TURNS * self._lag_s() + self._stand_ins_s(now)
        wait_s = max((deadline - now) / 2, deadline - now - kept)
        if wait_s <= 0:
            return await self._stand_in(missing, dict.fromkeys(missing, "deadline"))
        jobs = [Job(key, facts, now, now + wait_s) for key, facts in missing.items()]
        try:
            waiting = await queue.submit(jobs, min(wait_s, max(_CACHE_S, wait_s / 4)))
        except Exception as error:
            self._metrics.failed("queue")
            log.warning("queue failed", error=repr(error))
            return await self._stand_in(missing, dict.fromkeys(missing, "unavailable"))
        try:
            if waiting:
                # asyncio.wait leaves the futures alone at the deadline: others may share them.
                with admission.waiting(wait_s):
                    await asyncio.wait(waiting.values(), timeout=now + wait_s - monotonic())
        except asyncio.CancelledError:
            queue.withdraw([key for key, result in waiting.items() if not result.done()])
            raise
        waited = monotonic()
        results = {key: _result(result) for key, result in waiting.items()}
        late = {key: missing[key] for key, result in results.items() if result is None}
        if late and waited + _LATE_S <= deadline:
            # A message may be lost: the cache knows what was written all the same.
            results |= await self._known(late, monotonic() + _LATE_S)
        made = {key: text for key, text in results.items() if text is not None}
        reasons: dict[str, Reason] = {
            key: _reason(waiting[key]) if key in waiting else "shed"
            for key in missing
            if key not in made
        }
        if reasons:
            made |= await self._stand_in(missing, reasons)
            now = monotonic()
            if now - waited > self._stand_ins_s(now):
                self._longest_s, self._longest_at = now - waited, now
        return made

    def _stand_ins_s(self, now: float) -> float:
        """Return how long stand-ins took of late: the longest, half of it a second later."""
        return float(self._longest_s * 0.5 ** (now - self._longest_at))

    async def _stand_in(
        self, facts: Mapping[str, Facts], reasons: Mapping[str, Reason]
    ) -> dict[str, Written]:
        """Return a grounded text for each key that has a reason."""
        # In a thread, as a hundred of them would hold up everybody else.
        return await asyncio.to_thread(
            lambda: {key: grounded_text(facts[key], why) for key, why in reasons.items()}
        )


def _result(result: "asyncio.Future[Written]") -> Written | None:
    return result.result() if result.done() and result.exception() is None else None


def _reason(result: "asyncio.Future[Written]") -> Reason:
    failed = result.done() and isinstance(result.exception(), JobFailedError)
    return "unavailable" if failed else "deadline"
