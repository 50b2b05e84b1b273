"""Explanations within a deadline: whatever is slow or gone costs the style, never the answer."""

import asyncio
import json
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_facts import anything, hostile_facts, random_facts
from service_fixtures import (
    GENEROUS_S,
    BrokenCache,
    ScriptedEngine,
    Service,
    a_lie,
    anyio_backend,  # noqa: F401
    facts_about,
    new_service,
    running,
    until,
    working,
)

from catalog.facts import Facts
from models.faithfulness import check
from models.language.grounded import explain
from models.prism.writer import Written
from service.cache import MemoryCache
from service.explain import Explained, Explainer, Serving
from service.jobs import Job, new_result
from service.metrics import Metrics

pytestmark = pytest.mark.anyio

ONE, TWO = facts_about("1"), facts_about("2")
SOON_S = 0.05


async def drained(service: Service, depth: int) -> None:
    """Wait until so many jobs wait."""
    async with asyncio.timeout(GENEROUS_S):
        while await service.jobs.depth() != depth:
            await asyncio.sleep(0.001)


class TestCaching:
    async def test_the_second_time_it_comes_from_the_cache(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            [first] = await service.explain(ONE)
            [second] = await service.explain(ONE)
        assert first == Explained(service.key(ONE), first.written, cached=False)
        assert second == replace(first, cached=True)
        assert engine.batches == [["1"]]

    async def test_only_what_is_missing_is_written(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            await service.explain(ONE)
            both = await service.explain(TWO, ONE)
        assert [one.cached for one in both] == [False, True]
        assert [one.written.text for one in both] == [explain(TWO), explain(ONE)]
        assert engine.batches == [["1"], ["2"]]

    async def test_hits_and_misses_and_sources_are_counted(self) -> None:
        async with running(ScriptedEngine(a_lie)) as service:
            await service.explain(ONE)
            await service.explain(ONE, TWO)
        assert service.measured("prism_cache_total", result="hit") == 1
        assert service.measured("prism_cache_total", result="miss") == 2
        counted = {"source": "grounded", "reason": "rejected"}
        assert service.measured("prism_explanations_total", **counted) == 3

    async def test_a_text_that_replaced_a_rejected_one_is_cached_with_its_reason(self) -> None:
        engine = ScriptedEngine(a_lie)
        async with running(engine) as service:
            [first], [second] = await service.explain(ONE), await service.explain(ONE)
        assert (second.cached, second.written) == (True, first.written)
        assert (second.written.source, second.written.reason) == ("grounded", "rejected")
        assert len(engine.batches) == 1


class TestSingleFlight:
    async def test_fifty_requests_for_the_same_at_once_write_it_once(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            engine.gate.clear()
            requests = [asyncio.create_task(service.explain(ONE, TWO)) for _ in range(50)]
            await until(lambda: bool(engine.batches))
            engine.gate.set()
            answers = await asyncio.gather(*requests)
        assert all(answer == answers[0] for answer in answers)
        assert sorted(item for batch in engine.batches for item in batch) == ["1", "2"]
        assert service.measured("prism_batch_size_sum") == 2

    async def test_equal_facts_in_one_request_are_written_once(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            answers = await service.explain(ONE, TWO, ONE, facts_about("1"))
        assert answers[0] == answers[2] == answers[3] != answers[1]
        assert engine.batches == [["1", "2"]]


class TestDeadline:
    async def test_a_slow_engine_costs_the_style_and_what_it_writes_late_warms_the_cache(
        self,
    ) -> None:
        engine = ScriptedEngine(lambda facts: f"Try “{facts.item.title}”.")
        async with running(engine) as service:
            engine.gate.clear()
            started = monotonic()
            [bridged] = await service.explain(ONE, within_s=SOON_S)
            assert monotonic() - started < SOON_S + GENEROUS_S / 2
            assert (bridged.written.text, bridged.cached) == (explain(ONE), False)
            assert (bridged.written.source, bridged.written.reason) == ("grounded", "deadline")
            assert await service.cached(ONE) is None

            engine.gate.set()
            while await service.cached(ONE) is None:
                await asyncio.sleep(0.001)
            [after] = await service.explain(ONE)
        assert (after.written.text, after.written.source) == ("Try “Film 1”.", "prism")
        assert after.cached
        assert engine.batches == [["1"]]

    async def test_what_is_ready_by_the_deadline_is_not_lost_with_the_rest(self) -> None:
        engine = ScriptedEngine()
        async with running(engine, batch_size=1) as service:
            await service.explain(ONE)
            engine.gate.clear()
            both = await service.explain(ONE, TWO, within_s=SOON_S)
        assert [one.written.reason for one in both] == [None, "deadline"]

    async def test_one_who_gives_up_does_not_take_it_from_those_who_wait_longer(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            engine.gate.clear()
            patient = asyncio.create_task(service.explain(ONE))
            [hasty] = await service.explain(ONE, within_s=SOON_S)
            engine.gate.set()
            [answer] = await patient
        assert (hasty.written.reason, answer.written.reason) == ("deadline", None)
        assert engine.batches == [["1"]]

    async def test_a_request_that_is_cancelled_does_not_take_it_from_others(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            engine.gate.clear()
            patient, gone = (asyncio.create_task(service.explain(ONE)) for _ in range(2))
            await until(lambda: bool(engine.batches))
            gone.cancel()
            await asyncio.wait([gone])
            engine.gate.set()
            [answer] = await patient
        assert answer.written.reason is None

    async def test_after_the_deadline_the_cache_still_answers(self) -> None:
        async with running(ScriptedEngine()) as service:
            await service.explain(ONE)
            [late] = await service.explain(ONE, within_s=-1)
        assert (late.cached, late.written.reason) == (True, None)

    async def test_after_the_deadline_nothing_is_waited_for(self) -> None:
        service, _ = new_service(ScriptedEngine())  # nobody works
        [late] = await service.explain(ONE, within_s=-1)
        assert (late.written.text, late.written.reason) == (explain(ONE), "deadline")

    async def test_pages_wait_until_their_slot_but_a_quarter_of_a_second_in_any_case(self) -> None:
        queue, cache = NeverDone(), MemoryCache(0, ttl_s=1)
        explainer = Explainer(lambda: Serving("slow@1", b"", queue), cache, Metrics())
        deadline = monotonic() + 4
        async with asyncio.TaskGroup() as pages:
            waiting = [
                pages.create_task(
                    explainer.explain([facts_about(f"{page} {n}") for n in range(50)], deadline)
                )
                for page in range(60)
            ]
            while len(queue.waits_s) < len(waiting):
                await asyncio.sleep(0)
            for page in waiting:
                page.cancel()
        assert queue.waits_s[0] < 4 - 0.25  # 50 ms and a twentieth are kept, and its slot
        waits_s = [round(wait_s, 6) for wait_s in queue.waits_s]
        assert waits_s == sorted(waits_s, reverse=True)
        assert waits_s[-1] == pytest.approx(0.25)


class NeverDone:
    """A queue that notes how long each page would wait for its texts, which never come."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []

    async def submit(
        self, jobs: Sequence[Job], within_s: float
    ) -> dict[str, asyncio.Future[Written]]:
        self.waits_s.append(jobs[0].expires - jobs[0].created)
        return {job.key: new_result() for job in jobs}

    def withdraw(self, keys: Sequence[str]) -> None:
        """Forget them."""


class TestTrouble:
    async def test_a_full_queue_sheds(self) -> None:
        service, worker = new_service(ScriptedEngine(), queue_limit=2)
        three = await service.explain(ONE, TWO, facts_about("3"), within_s=SOON_S)
        assert [one.written.reason for one in three] == ["deadline", "deadline", "shed"]
        assert {one.written.source for one in three} == {"grounded"}
        async with working(service, worker):
            await drained(service, 0)
            [later] = await service.explain(facts_about("3"))
        assert (later.cached, later.written.reason) == (False, None)

    async def test_an_engine_that_fails_is_not_waited_for_and_tried_again_later(self) -> None:
        def fail(facts: Facts) -> str:
            raise RuntimeError(f"cannot write about {facts.item.title}")

        engine = ScriptedEngine(fail)
        service, worker = new_service(engine)
        async with working(service, worker):
            [failed] = await asyncio.wait_for(service.explain(ONE), GENEROUS_S / 2)
            engine.say = explain
            await until(lambda: not worker.trouble)
            [mended] = await service.explain(ONE)
        assert (failed.written.text, failed.written.reason) == (explain(ONE), "unavailable")
        assert (mended.cached, mended.written.reason) == (False, None)

    async def test_a_service_that_stops_answers_at_once(self) -> None:
        service, _ = new_service(ScriptedEngine())  # nobody works
        request = asyncio.create_task(service.explain(ONE))
        await drained(service, 1)
        service.jobs.close()
        [answer] = await asyncio.wait_for(request, GENEROUS_S / 2)
        assert (answer.written.text, answer.written.reason) == (explain(ONE), "unavailable")

    async def test_without_a_cache_everything_is_written_anew(self) -> None:
        engine = ScriptedEngine()
        async with running(engine, cache=BrokenCache()) as service:
            answers = [*await service.explain(ONE), *await service.explain(ONE)]
        assert [(one.cached, one.written.reason) for one in answers] == [(False, None)] * 2
        assert engine.batches == [["1"], ["1"]]

    async def test_a_cache_that_hangs_costs_no_more_than_the_deadline(self) -> None:
        class Hanging(MemoryCache):
            async def get_many(
                self, wanted: Iterable[str], within_s: float = math.inf
            ) -> dict[str, Written]:
                await asyncio.sleep(3600)
                return await super().get_many(wanted)

        async with running(ScriptedEngine(), cache=Hanging(10**6, ttl_s=60)) as service:
            answer = service.explain(ONE, within_s=SOON_S)
            [late] = await asyncio.wait_for(answer, SOON_S + GENEROUS_S / 2)
        assert (late.written.text, late.written.reason) == (explain(ONE), "deadline")


class TestTheGuarantee:
    """Whatever an engine writes, what is served passes the strict check."""

    @staticmethod
    def served(batch: Sequence[Facts], texts: Sequence[str]) -> list[Explained]:
        """Return what a service with an engine of these texts serves, twice."""
        said = dict(zip([facts.canonical() for facts in batch], texts, strict=True))

        async def serve() -> list[Explained]:
            async with running(ScriptedEngine(lambda facts: said[facts.canonical()])) as service:
                first = await service.explain(*batch)
                again = await service.explain(*batch)
            assert [one.written for one in again] == [one.written for one in first]
            return first

        return asyncio.run(serve())

    @staticmethod
    def assert_all_pass(batch: Sequence[Facts], answers: Sequence[Explained]) -> None:
        for facts, one in zip(batch, answers, strict=True):
            text = one.written.text
            verdict = check(text, facts, "strict")
            assert verdict.passed, (text, verdict.failures())
            assert text
            assert all(0 <= claim.start < claim.end <= len(text) for claim in one.written.claims)
            assert json.dumps(asdict(one.written)).isascii()

    @settings(max_examples=50)  # of 8 texts each
    @given(seed=st.integers(0, 2**32))
    def test_whether_it_tells_the_truth_of_these_facts_or_of_others(self, seed: int) -> None:
        rng = random.Random(seed)
        catalogue = [facts_about(str(number)).item for number in range(9)]
        batch = [random_facts(rng, catalogue=catalogue) for _ in range(8)]
        true = [explain(facts) for facts in batch]
        false = [
            *[explain(random_facts(rng, catalogue=catalogue)) for _ in range(3)],
            *map(a_lie, batch[3:6]),
            f"{true[6]} Its plot is gripping.",
            true[7].replace("”", "s”", 1),
        ]
        texts = [rng.choice(pair) for pair in zip(true, false, strict=True)]
        self.assert_all_pass(batch, self.served(batch, texts))

    @given(facts=hostile_facts(), text=anything)
    def test_whatever_comes_in_and_whatever_it_makes_of_it(self, facts: Facts, text: str) -> None:
        self.assert_all_pass([facts], self.served([facts], [text]))
