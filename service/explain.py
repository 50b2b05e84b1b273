"""Explanations within a deadline: cache, then jobs, then the grounded sentence.

If something is slow or gone, a grounded text may be served in place of the Prism's; the request is
still answered.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic

import structlog

from catalog.facts import Facts
from models.faithfulness import warm
from models.language.grounded import GroundedEngine
from models.prism.writer import Reason, Source, Written
from service import admission
from service.cache import Cache, cache_key
from service.jobs import Job, JobFailedError, JobQueue
from service.metrics import Metrics
from service.stand_ins import StandIns

log = structlog.get_logger()
GROUNDED = f"{GroundedEngine.name}@{GroundedEngine.version}"
_CACHE_S = 0.5
"""Longest wait for an answer of the cache or of the queue, which come at once or not at all. The
queue is given a quarter of the waiting time, where that is longer."""
_LATE_S = 0.05
"""Time for a look into the cache once waiting is over."""
_ANSWER_S, _ANSWER_SHARE, _TURNS = 0.05, 0.05, 4
"""What is kept of the deadline to make and send the answer once waiting is over: 50 ms, a twentieth
of the time that there is, and four turns of the event loop. The time for stand-ins comes on top
(`service.stand_ins`)."""
_CHANCE_S = 0.25
"""Waited in any case, but for no more than half of the time: a page with little time, or whose slot
for stand-ins comes early, may have texts of the Prism, too."""


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
class Explaining:
    """Explanations on their way, all by one model: `ready` yields each with its place, once.

    A caller that stops reading before the end must close `ready`: that withdraws the jobs whose
    texts nobody else waits for.
    """

    model: str
    ready: AsyncGenerator[list[tuple[int, Explained]], None]


@dataclass(frozen=True, slots=True)
class Serving:
    """The model that writes now: its name, the fingerprint of all it depends on, its queue.

    `jobs` is None while the worker is known to take no jobs: then it is no use to wait for texts.
    """

    model: str
    fingerprint: bytes
    jobs: JobQueue | None


class Explainer:
    """Turns Facts into explanations.

    Parameters
    ----------
    serving : returns the model that writes now; None until a first model is known, and until then
        all texts are grounded
    lag_s : tells how late the event loop is, seconds: the later, the sooner waiting ends
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
        self._stand_ins = StandIns()
        warm()

    @property
    def model(self) -> str:
        """What answers name as their model."""
        serving = self._serving()
        return GROUNDED if serving is None else serving.model

    async def explain(
        self, batch: Sequence[Facts], deadline: float, engine: Source = "prism"
    ) -> Explanations:
        """Return an explanation for each of the Facts, by the deadline (monotonic seconds)."""
        explaining = self.begin(batch, deadline, engine)
        found: dict[int, Explained] = {}
        async with aclosing(explaining.ready) as groups:
            async for group in groups:
                found.update(group)
        return Explanations(explaining.model, [found[place] for place in range(len(batch))])

    def begin(
        self, batch: Sequence[Facts], deadline: float, engine: Source = "prism"
    ) -> Explaining:
        """Return the explanations on their way. With `engine="grounded"` no cache is asked."""
        serving = self._serving() if engine == "prism" else None
        keys = [cache_key(b"" if serving is None else serving.fingerprint, f) for f in batch]
        about = dict(zip(keys, batch, strict=True))
        if serving is None:
            reason: Reason | None = "unavailable" if engine == "prism" else None
            return Explaining(GROUNDED, self._grounded(keys, about, reason))
        return Explaining(serving.model, self._written(serving, keys, about, deadline))

    async def _grounded(
        self, keys: Sequence[str], about: Mapping[str, Facts], reason: Reason | None
    ) -> AsyncGenerator[list[tuple[int, Explained]], None]:
        yield self._placed(keys, await self._stand_ins.make(about, dict.fromkeys(about, reason)))

    async def _written(
        self, serving: Serving, keys: Sequence[str], about: Mapping[str, Facts], deadline: float
    ) -> AsyncGenerator[list[tuple[int, Explained]], None]:
        """Yield known texts, others as they are written, and what stands in for those not in time.

        `keys` has the key at each place of the answer, and `about` the Facts under each key.
        """
        started = monotonic()
        known = await self._known(about, deadline)
        looked_up = monotonic()
        self._metrics.stage("cache", looked_up - started)
        missing = {key: facts for key, facts in about.items() if key not in known}
        self._metrics.cache.labels("hit").inc(len(known))
        self._metrics.cache.labels("miss").inc(len(missing))
        if known:
            yield self._placed(keys, known, cached=True)
        if not missing:
            return
        now = monotonic()
        kept = _ANSWER_S + _ANSWER_SHARE * max(0.0, deadline - now)
        kept += _TURNS * self._lag_s() + self._stand_ins.longest_s(now)
        with self._stand_ins.slot(len(missing), deadline - kept) as begin:
            wait_s = max(begin - now, min(_CHANCE_S, (deadline - now) / 2))
            waiting, why_not = await self._submit(serving.jobs, missing, now, wait_s)
            late = dict(waiting)
            try:
                if unqueued := missing.keys() - waiting.keys():
                    reasons = dict.fromkeys(unqueued, why_not)
                    yield self._placed(keys, await self._stand_ins.make(missing, reasons))
                left_s = wait_s
                while late and left_s > 0:
                    left_s = now + wait_s - monotonic()
                    # asyncio.wait leaves the futures alone at the deadline: others may share them.
                    with admission.waiting(max(0.0, left_s)):
                        await asyncio.wait(
                            late.values(), timeout=left_s, return_when=asyncio.FIRST_COMPLETED
                        )
                    done = {
                        key: late.pop(key) for key in waiting if key in late and late[key].done()
                    }
                    if done:
                        yield self._placed(keys, await self._results(missing, done))
            except BaseException:  # nobody is there any more, or cares for the rest
                if serving.jobs is not None:
                    serving.jobs.withdraw(
                        [key for key, result in waiting.items() if not result.done()]
                    )
                raise
            if late:
                yield self._placed(keys, await self._too_late(missing, late, deadline))
        self._metrics.stage("explain", monotonic() - looked_up)

    def _placed(
        self, keys: Sequence[str], texts: Mapping[str, Written], *, cached: bool = False
    ) -> list[tuple[int, Explained]]:
        """Return texts at all places of their keys, and count them."""
        found = [
            (place, Explained(key, texts[key], cached))
            for place, key in enumerate(keys)
            if key in texts
        ]
        kinds = Counter((one.written.source, one.written.reason or "") for _, one in found)
        for (source, reason), number in kinds.items():
            self._metrics.explanations.labels(source, reason).inc(number)
        return found

    async def _submit(
        self, queue: JobQueue | None, missing: Mapping[str, Facts], now: float, wait_s: float
    ) -> "tuple[Mapping[str, asyncio.Future[Written]], Reason]":
        """Queue a job for each key; return what to wait for, and why some keys are not in it."""
        if queue is None:
            return {}, "unavailable"
        if wait_s <= 0:
            return {}, "deadline"
        jobs = [Job(key, facts, now, now + wait_s) for key, facts in missing.items()]
        try:
            return await queue.submit(jobs, min(wait_s, max(_CACHE_S, wait_s / 4))), "shed"
        except Exception as error:
            self._metrics.failed("queue")
            log.warning("queue failed", error=repr(error))
            return {}, "unavailable"

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

    async def _too_late(
        self,
        missing: Mapping[str, Facts],
        late: "Mapping[str, asyncio.Future[Written]]",
        deadline: float,
    ) -> dict[str, Written]:
        """Return what stands in for texts that are not there in time."""
        waited = monotonic()
        known = {}
        if waited + _LATE_S <= deadline:
            # A message may be lost: the cache knows what was written all the same.
            known = await self._known({key: missing[key] for key in late}, monotonic() + _LATE_S)
        reasons = {key: _reason(result) for key, result in late.items() if key not in known}
        texts = known | await self._stand_ins.make(missing, reasons)
        self._stand_ins.took(monotonic() - waited)
        return texts

    async def _results(
        self, about: Mapping[str, Facts], done: "Mapping[str, asyncio.Future[Written]]"
    ) -> dict[str, Written]:
        """Return the texts of jobs that are done, and what stands in for those that failed."""
        texts = {key: _result(result) for key, result in done.items()}
        made = {key: text for key, text in texts.items() if text is not None}
        failed = {key: _reason(done[key]) for key in done if key not in made}
        return made | await self._stand_ins.make(about, failed) if failed else made


def _result(result: "asyncio.Future[Written]") -> Written | None:
    return result.result() if result.done() and result.exception() is None else None


def _reason(result: "asyncio.Future[Written]") -> Reason:
    failed = result.done() and isinstance(result.exception(), JobFailedError)
    return "unavailable" if failed else "deadline"
