"""The worker: batches over requests, no job at another's mercy, nothing unchecked kept."""

import asyncio
import threading
import time
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
    new_service,
    running,
    until,
    working,
)

from catalog.facts import Facts
from models.faithfulness import check
from models.language.grounded import explain
from models.prism.writer import Written
from service.jobs import Job, JobFailedError
from service.worker import IN_FLIGHT, KNOWN

pytestmark = pytest.mark.anyio


async def submit(service: Service, item_id: str, *, alone: bool = False) -> asyncio.Future[Written]:
    """Queue a job, as one request does."""
    facts, now = facts_about(item_id), monotonic()
    key = service.key(facts)
    job = Job(key, facts, now, now + GENEROUS_S, attempt=2 if alone else 1)
    return (await service.jobs.submit([job]))[key]


async def text_of(service: Service, item_id: str) -> Written:
    """Queue a job and wait for its text."""
    return await (await submit(service, item_id))


class TestBatches:
    async def test_what_gathers_while_batches_are_written_is_the_next_batch(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            engine.gate.clear()
            first = await submit(service, "1")
            await until(lambda: engine.batches == [["1"]])
            second = await submit(service, "2")
            await until(lambda: engine.batches == [["1"], ["2"]])
            later = [
                await submit(service, str(n)) for n in range(3, 8)
            ]  # five requests of their own
            assert await service.jobs.depth() == 5
            engine.gate.set()
            texts = await asyncio.gather(first, second, *later)
        assert engine.batches == [["1"], ["2"], ["3", "4", "5", "6", "7"]]
        assert [text.text for text in texts] == [explain(facts_about(str(n))) for n in range(1, 8)]
        assert service.measured("prism_batch_size_count") == 3
        assert service.measured("prism_batch_size_sum") == 7

    async def test_a_batch_is_done_while_another_takes_longer(self) -> None:
        slow = threading.Event()

        def say(facts: Facts) -> str:
            assert facts.item.id != "1" or slow.wait(GENEROUS_S)
            return explain(facts)

        engine = ScriptedEngine(say)
        async with running(engine) as service:
            first = await submit(service, "1")
            await until(lambda: engine.batches == [["1"]])
            texts = [await text_of(service, n) for n in "23"]
            assert [text.text for text in texts] == [explain(facts_about(n)) for n in "23"]
            assert not first.done()
            slow.set()
            assert (await first).text == explain(facts_about("1"))

    async def test_what_may_have_killed_a_worker_is_written_with_nothing_beside_it(self) -> None:
        writing: set[str] = set()
        together: list[set[str]] = []

        def say(facts: Facts) -> str:
            writing.add(facts.item.id)
            time.sleep(0.05)
            together.append(set(writing))
            writing.remove(facts.item.id)
            return explain(facts)

        async with running(ScriptedEngine(say), batch_size=1) as service:
            await asyncio.gather(*[await submit(service, n, alone=n == "3") for n in "12345"])
        assert [others for others in together if "3" in others] == [{"3"}]

    async def test_no_batch_is_larger_than_the_limit(self) -> None:
        engine = ScriptedEngine()
        async with running(engine, batch_size=4) as service:
            await asyncio.gather(*[text_of(service, str(n)) for n in range(10)])
        assert [len(batch) for batch in engine.batches] == [4, 4, 2]

    async def test_requests_are_taken_while_the_engine_is_busy(self) -> None:
        engine = ScriptedEngine()
        async with running(engine) as service:
            engine.gate.clear()
            for busy in range(IN_FLIGHT):
                await submit(service, f"busy {busy}")
                await until(lambda: engine.batches[-1:] == [[f"busy {busy}"]])  # noqa: B023
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
            known, third = [KNOWN.item.id], [["3"], [KNOWN.item.id]]
            assert engine.batches == [
                [*"12345"], known, ["1"], ["2"], *third, ["4"], ["5"], *third,
            ]  # fmt: skip
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

    async def test_an_engine_that_is_broken_costs_no_job_and_leaves_the_fleet(self) -> None:
        """As one is after an error of CUDA: whatever it is asked, it raises."""

        def fail(facts: Facts) -> str:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

        engine = ScriptedEngine(fail)
        service, worker = new_service(engine, batch_size=8, on_trouble=lambda why: None)
        async with working(service, worker):
            jobs = [await submit(service, str(n)) for n in range(100)]
            await until(lambda: bool(worker.trouble))
            assert "illegal memory access" in worker.trouble
            assert not any(job.done() for job in jobs)
            tried = len(engine.batches)
            assert tried < 10  # and not once for each job
            engine.say = explain
            texts = await asyncio.gather(*jobs)
            assert not worker.trouble
        assert [text.text for text in texts] == [explain(facts_about(str(n))) for n in range(100)]

    async def test_an_engine_that_does_only_the_known_text_costs_few_jobs(self) -> None:
        def fail(facts: Facts) -> str:
            if facts != KNOWN:
                raise RuntimeError("no")
            return explain(facts)

        service, worker = new_service(
            ScriptedEngine(fail), batch_size=1, on_trouble=lambda why: None
        )
        async with working(service, worker):
            jobs = [await submit(service, str(n)) for n in range(100)]
            await until(lambda: bool(worker.trouble))
            assert sum(job.done() for job in jobs) < 10

    async def test_an_engine_that_fails_on_large_batches_does_each_alone(self) -> None:
        class Small(ScriptedEngine):
            def write(self, batch: Sequence[Facts]) -> list[str]:
                if len(batch) > 1:
                    raise MemoryError
                return super().write(batch)

        async with running(Small(), batch_size=8) as service:
            texts = await asyncio.gather(*[text_of(service, str(n)) for n in range(20)])
        assert [text.text for text in texts] == [explain(facts_about(str(n))) for n in range(20)]

    async def test_an_engine_that_hangs_lets_go_of_its_jobs_and_comes_back_when_it_returns(
        self,
    ) -> None:
        engine = ScriptedEngine()
        service, worker = new_service(engine, in_hand_s=0.1, on_trouble=lambda why: None)
        left: list[str] = []
        service.jobs.leave = lambda jobs: left.extend(j.key for j in jobs)  # type: ignore[method-assign]
        async with working(service, worker):
            engine.gate.clear()
            job = await submit(service, "1")
            await until(lambda: bool(worker.trouble))
            assert left == [service.key(facts_about("1"))]
            later = await submit(service, "2")
            engine.gate.set()
            assert (await job).text == explain(facts_about("1"))
            assert (await later).text == explain(facts_about("2"))
            assert not worker.trouble

    async def test_a_worker_whose_engine_hangs_can_be_stopped(self) -> None:
        engine = ScriptedEngine()
        service, worker = new_service(engine, in_hand_s=0.1, on_trouble=lambda why: None)
        engine.gate.clear()
        task = asyncio.create_task(worker.run())
        await submit(service, "1")
        await until(lambda: bool(worker.trouble))
        task.cancel()
        ended, _ = await asyncio.wait({task}, timeout=GENEROUS_S / 2)
        engine.gate.set()
        assert ended

    async def test_what_could_not_be_finished_is_left_and_the_next_is_served(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        left: list[str] = []

        async def fail(_: object) -> None:
            raise ConnectionError("the queue is gone")

        async with running(ScriptedEngine()) as service:
            monkeypatch.setattr(
                service.jobs, "leave", lambda batch: left.extend(j.key for j in batch)
            )
            with monkeypatch.context() as broken:
                broken.setattr(service.jobs, "finish", fail)
                for n in "12":
                    await submit(service, n)
                await until(lambda: len(left) == 2)
            assert left == [service.key(facts_about(n)) for n in "12"]
            assert (await text_of(service, "3")).text == explain(facts_about("3"))

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
