"""The worker: batches over requests, no job at another's mercy, nothing unchecked kept."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic

import pytest
from service_fixtures import (
    GENEROUS_S,
    BrokenCache,
    ScriptedEngine,
    Service,
    a_lie,
    anyio_backend,  # noqa: F401
    facts_about,
    running,
    until,
)

from catalog.facts import Facts
from models.faithfulness import check
from models.grounded import explain
from models.writer import Written
from service.jobs import Job, JobFailedError

pytestmark = pytest.mark.anyio


async def submit(service: Service, item_id: str) -> asyncio.Future[Written]:
    """Queue a job, as one request does."""
    facts, now = facts_about(item_id), monotonic()
    key = service.key(facts)
    return (await service.jobs.submit([Job(key, facts, now, now + GENEROUS_S)]))[key]


async def text_of(service: Service, item_id: str) -> Written:
    """Queue a job and wait for its text."""
    return await (await submit(service, item_id))


class TestBatches:
    async def test_what_gathers_while_a_batch_is_written_is_the_next_batch(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            engine.gate.clear()
            first = await submit(service, "1")
            await until(lambda: engine.batches == [["1"]])
            later = [
                await submit(service, str(n)) for n in range(2, 8)
            ]  # six requests of their own
            engine.gate.set()
            texts = await asyncio.gather(first, *later)
        assert engine.batches == [["1"], ["2", "3", "4", "5", "6", "7"]]
        assert [text.text for text in texts] == [explain(facts_about(str(n))) for n in range(1, 8)]
        assert service.measured("prism_batch_size_count") == 2
        assert service.measured("prism_batch_size_sum") == 7

    async def test_no_batch_is_larger_than_the_limit(self) -> None:
        engine = ScriptedEngine()
        async with running(engine, batch_size=4) as service:
            await asyncio.gather(*[text_of(service, str(n)) for n in range(10)])
        assert [len(batch) for batch in engine.batches] == [4, 4, 2]

    async def test_requests_are_taken_while_the_engine_is_busy(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            engine.gate.clear()
            await submit(service, "1")
            await until(lambda: bool(engine.batches))
            await submit(service, "2")
            await submit(service, "3")
            assert await service.jobs.depth() == 2

    async def test_the_time_of_every_stage_is_measured(self) -> None:
        async with running(ScriptedEngine()) as service:
            await text_of(service, "1")
        for stage in ("queue", "generate", "check"):
            assert service.measured("prism_stage_seconds_count", stage=stage) == 1


class TestFailures:
    @pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, StopIteration])
    async def test_a_poisoned_job_fails_alone(self, error: type[Exception]) -> None:
        def say(facts: Facts) -> str:
            if facts.item.id == "3":
                raise error
            return explain(facts)

        engine = ScriptedEngine(say)
        async with running(engine) as service:
            jobs = {n: await submit(service, n) for n in "12345"}
            await asyncio.wait(jobs.values(), timeout=GENEROUS_S)
            failed = [n for n, job in jobs.items() if isinstance(job.exception(), JobFailedError)]
            assert failed == ["3"]
            assert engine.batches == [[*"12345"], ["1"], ["2"], ["3"], ["4"], ["5"]]
            assert [n for n in "12345" if await service.cached(facts_about(n))] == [*"1245"]
            assert (await text_of(service, "6")).text == explain(facts_about("6"))

    async def test_an_engine_that_loses_texts_fails_rather_than_mixes_them_up(self) -> None:
        class Forgetful(ScriptedEngine):
            def write(self, batch: Sequence[Facts]) -> list[str]:
                texts = super().write(batch)
                return texts[1:] if len(batch) > 1 else texts

        async with running(Forgetful()) as service:
            texts = await asyncio.gather(*[text_of(service, n) for n in "123"])
        assert [text.text for text in texts] == [explain(facts_about(n)) for n in "123"]

    async def test_a_cache_that_is_gone_does_not_cost_the_answer(self) -> None:
        async with running(ScriptedEngine(), cache=BrokenCache()) as service:
            assert (await text_of(service, "1")).text == explain(facts_about("1"))
            assert (await text_of(service, "2")).text == explain(facts_about("2"))


class TestTheCheck:
    async def test_a_true_text_is_kept_as_the_engine_wrote_it(self) -> None:
        async with running(ScriptedEngine(lambda facts: f"Try “{facts.item.title}”.")) as service:
            text = await text_of(service, "1")
            assert (text.text, text.source, text.reason) == ("Try “Film 1”.", "prism", None)
            assert await service.cached(facts_about("1")) == text
        assert service.measured("prism_rejected_claims_total") == 0

    @pytest.mark.parametrize(
        "say",
        [
            a_lie,
            lambda _: "You loved “Heat” for its gripping plot.",
            lambda _: "You loved “Ronin”, so try “Film 1”.",
            lambda _: "You liked “Heat”, so “Film 1”, from the 1980s, may be for you.",
            lambda _: "lorem ipsum",
        ],
    )
    async def test_a_false_text_is_replaced_counted_and_the_replacement_kept(
        self, say: Callable[[Facts], str]
    ) -> None:
        facts = facts_about("1")
        async with running(ScriptedEngine(say)) as service:
            text = await text_of(service, "1")
            assert (text.text, text.source) == (explain(facts), "grounded")
            assert text.reason == "rejected"
            assert await service.cached(facts) == text
        failures = check(say(facts), facts).failures()
        counted = Counter((claim.type, claim.outcome) for claim in failures)
        assert counted
        for (type_, outcome), count in counted.items():
            labels = {"type": type_, "outcome": outcome}
            assert service.measured("prism_rejected_claims_total", **labels) == count
