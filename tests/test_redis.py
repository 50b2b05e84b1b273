"""Cache and jobs in a real Redis: what several gateways and workers may count on."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from service_fixtures import (  # noqa: F401
    GENEROUS_S,
    BrokenCache,
    anyio_backend,
    facts_about,
    until,
    written,
)

from models.prism.writer import Written
from service.breaker import Breaker
from service.cache import cache_key
from service.jobs import Job, JobFailedError, QueueUnavailableError
from service.redis.connection import connect
from service.redis.dead_letters import DeadLetters
from service.redis.gateway_queue import RedisJobQueue
from service.redis.queue import QueueState, Streams
from service.redis.trust import Trust
from service.redis.worker_queue import RedisWorkQueue
from service.settings import Settings

pytestmark = pytest.mark.anyio
FINGERPRINT = "ab" * 32
SIGNED = Trust([b"k" * 32], "strict")
"""So that any text is believed here."""


def gateway(redis: Redis, limit: int = 100) -> RedisJobQueue:
    """Return a gateway's end of the queue."""
    return RedisJobQueue(redis, FINGERPRINT, limit, SIGNED, Breaker())


def worker_of(redis: Redis, limit: int = 100) -> RedisWorkQueue:
    """Return a worker's end of the queue."""
    return RedisWorkQueue(redis, FINGERPRINT, limit, SIGNED, claim_after_s=0.5)


def key_of(item: str) -> str:
    """Return the key of a job about an item."""
    return cache_key(bytes.fromhex(FINGERPRINT), facts_about(item))


def job(item: str, seconds: float = GENEROUS_S) -> Job:
    return Job(key_of(item), facts_about(item), monotonic(), monotonic() + seconds)


async def submit(jobs: RedisJobQueue, *wanted: Job) -> "dict[str, asyncio.Future[Written]]":
    """Queue jobs; return what to wait for, by item."""
    items = {one.key: one.facts.item.id for one in wanted}
    return {items[key]: text for key, text in (await jobs.submit(wanted, GENEROUS_S)).items()}


def items_of(jobs: Sequence[Job]) -> list[str]:
    """Return what jobs are about."""
    return [one.facts.item.id for one in jobs]


async def taken(jobs: RedisWorkQueue, limit: int = 10) -> list[Job]:
    """Take jobs; a first call may only make the groups."""
    return await jobs.take(limit) or await jobs.take(limit)


async def taken_at_last(jobs: RedisWorkQueue) -> str:
    """Take until there is a job, and return its item."""
    async with asyncio.timeout(GENEROUS_S):
        while not (batch := await jobs.take(10)):
            pass
    [one] = items_of(batch)
    return one


async def depth(redis: Redis) -> int:
    """Return the number of jobs not done."""
    return await QueueState(redis, FINGERPRINT).depth()


async def waiting_in(redis: Redis) -> tuple[int, int]:
    """Return how many jobs somebody waits for, and how many nobody does."""
    streams = Streams(FINGERPRINT)
    return await redis.xlen(streams.awaited), await redis.xlen(streams.bulk)


async def until_waiting(redis: Redis, awaited: int, bulk: int) -> None:
    """Wait until there are so many."""
    async with asyncio.timeout(GENEROUS_S):
        while await waiting_in(redis) != (awaited, bulk):
            await asyncio.sleep(0.01)


class TestWithdrawing:
    async def test_a_job_whose_callers_are_gone_is_done_after_all_others(
        self, redis: Redis
    ) -> None:
        jobs, worker = gateway(redis), worker_of(redis)
        await submit(jobs, job("a"), job("b"))
        jobs.withdraw([*map(key_of, ["a"])])
        await until_waiting(redis, 1, 1)
        await submit(jobs, job("c"))
        assert items_of(await taken(worker)) == ["b", "c"]
        assert await taken_at_last(worker) == "a"

    async def test_one_that_others_wait_for_stays_where_it_is(self, redis: Redis) -> None:
        jobs = gateway(redis)
        async with jobs.listening():
            await submit(jobs, job("a"), job("b"))
            text = (await submit(jobs, job("a")))["a"]
            jobs.withdraw([*map(key_of, ["a", "b"])])
            await until_waiting(redis, 1, 1)
            worker = worker_of(redis)
            await worker.finish([(each, written()) for each in await taken(worker)])
            assert await text == written()

    async def test_one_that_a_worker_has_is_not_queued_again(self, redis: Redis) -> None:
        jobs, worker = gateway(redis), worker_of(redis)
        await submit(jobs, job("a"), job("b"))
        await taken(worker, limit=1)
        jobs.withdraw([*map(key_of, ["a", "b"])])
        await until_waiting(redis, 1, 1)
        assert await taken_at_last(worker) == "b"

    async def test_whoever_asks_for_it_again_queues_it_again(self, redis: Redis) -> None:
        jobs, worker = gateway(redis), worker_of(redis)
        await submit(jobs, job("a"))
        jobs.withdraw([*map(key_of, ["a"])])
        await until_waiting(redis, 0, 1)
        await submit(jobs, job("a"))
        assert items_of(await taken(worker)) == ["a"]

    async def test_a_caller_that_leaves_in_the_middle_of_queueing_leaves_nothing_to_wait_for(
        self, redis: Redis
    ) -> None:
        jobs = gateway(redis)
        for n in range(20):
            leaving = asyncio.create_task(submit(jobs, job(str(n))))
            for _ in range(n % 5 + 1):
                await asyncio.sleep(0)
            leaving.cancel()
        await until_waiting(redis, 0, 20)
        assert not jobs._waiting

    async def test_there_is_no_more_bulk_than_the_limit(self, redis: Redis) -> None:
        jobs = gateway(redis, limit=3)
        for keys in ("abc", "def"):
            await submit(jobs, *map(job, keys))
            jobs.withdraw([*map(key_of, keys)])
            await until_waiting(redis, 0, 3)


class TestJobs:
    async def test_a_text_reaches_everybody_who_waits_in_any_gateway(self, redis: Redis) -> None:
        one, other, worker = gateway(redis), gateway(redis), worker_of(redis)
        async with one.listening(), other.listening(), worker.working():
            waiting = [(await submit(each, job("a")))["a"] for each in (one, other)]
            done = await taken(worker)
            await worker.finish([(each, written("done")) for each in done])
            assert [await text for text in waiting] == [written("done")] * 2
            assert await depth(redis) == 0

    async def test_who_asks_for_what_is_in_flight_joins_it(self, redis: Redis) -> None:
        jobs = gateway(redis)
        first = (await submit(jobs, job("a")))["a"]
        for _ in range(50):
            assert (await submit(jobs, job("a")))["a"] is first
        assert await depth(redis) == 1

    async def test_who_waits_much_longer_queues_it_anew(self, redis: Redis) -> None:
        jobs = gateway(redis)
        await submit(jobs, job("a", 1))
        await submit(jobs, job("a", 60))
        assert await depth(redis) == 2

    async def test_a_full_queue_sheds_the_rest_and_keeps_who_waits_already(
        self, redis: Redis
    ) -> None:
        jobs = gateway(redis, limit=2)
        async with jobs.listening():
            queued = await submit(jobs, job("a", 1), job("b"), job("c"))
            assert sorted(queued) == ["a", "b"]
            again = await submit(jobs, job("a", 60))  # finds no room, but the first is in flight
            worker = worker_of(redis)
            await worker.finish([(each, written()) for each in await taken(worker)])
            assert await again["a"] == await queued["a"] == written()

    async def test_a_queue_is_no_longer_than_can_be_done_in_time(self, redis: Redis) -> None:
        jobs, worker = gateway(redis, limit=200), worker_of(redis)
        async with jobs.listening():
            worker.measured(0.1)  # ten a second
            first = await submit(jobs, job("first"))
            await worker.finish([(each, written()) for each in await taken(worker)])
            await first["first"]
            wanted = [job(str(n), seconds=10) for n in range(150)]
            assert 75 <= len(await submit(jobs, *wanted)) <= 80

    async def test_what_could_not_be_queued_is_not_waited_for(self) -> None:
        nowhere = connect(Settings.model_validate({"redis_url": "redis://127.0.0.1:1/0"}))
        jobs = gateway(nowhere)
        with pytest.raises(QueueUnavailableError):
            await submit(jobs, job("a", 60))
        assert not jobs._waiting
        await nowhere.aclose()

    async def test_what_expired_does_not_hold_up_what_somebody_waits_for(
        self, redis: Redis
    ) -> None:
        jobs, worker = gateway(redis), worker_of(redis)
        await submit(jobs, *(job(f"old-{n}", -10) for n in range(30)))
        await submit(jobs, job("new"))
        assert items_of(await taken(worker, 10)) == ["new"]
        # They still warm the cache, half a batch at a time.
        assert [len(await taken(worker, 10)) for _ in range(3)] == [5, 5, 5]

    async def test_a_failed_job_is_a_dead_letter_and_not_tried_again_at_once(
        self, redis: Redis
    ) -> None:
        jobs, worker = gateway(redis), worker_of(redis)
        async with jobs.listening():
            failed = (await submit(jobs, job("a")))["a"]
            await worker.finish([(each, JobFailedError("no ink")) for each in await taken(worker)])
            with pytest.raises(JobFailedError, match="no ink"):
                await failed
            again = (await submit(jobs, job("a")))["a"]
            with pytest.raises(JobFailedError, match="given up"):
                await again
        assert await depth(redis) == 0
        letters = DeadLetters(redis)
        [letter] = await letters.list()
        assert (letter.reason, letter.item_id) == ("no ink", "a")
        await letters.drop(letter)
        assert await letters.list() == []

    async def test_what_a_silent_worker_left_is_done_by_another_alone(self, redis: Redis) -> None:
        jobs, silent, busy = gateway(redis), worker_of(redis), worker_of(redis)
        for key in "ab":  # in two batches
            await submit(jobs, job(key))
            assert items_of(await taken(silent)) == [key]
        left: list[Job] = []
        async with silent.working():  # it keeps what it is doing
            for _ in range(4):
                left += await busy.take(10)
        assert left == []
        while len(left) < 2:
            got = await busy.take(10)
            assert len(got) <= 1
            assert all(each.alone for each in got)
            left += got
            await busy.finish([(each, written()) for each in got])
        assert await depth(redis) == 0

    async def test_what_a_worker_could_not_finish_is_left_to_others(self, redis: Redis) -> None:
        jobs, unlucky, other = gateway(redis), worker_of(redis), worker_of(redis)
        await submit(jobs, job("a"))
        async with unlucky.working():
            done = [(each, written()) for each in await taken(unlucky)]
            await redis.replicaof("127.0.0.1", "1")  # a replica of nobody takes no writes
            with pytest.raises(RedisError):
                await unlucky.finish(done)
            await redis.replicaof("no", "one")
            unlucky.leave([each for each, _ in done])
            assert await taken_at_last(other) == "a"

    async def test_what_a_worker_could_only_half_take_is_left_to_others(self, redis: Redis) -> None:
        jobs, unlucky, other = gateway(redis), worker_of(redis), worker_of(redis)
        await unlucky.take(1)  # makes the groups
        await submit(jobs, job("old", -10), job("new"))
        async with unlucky.working():
            await redis.config_set("maxmemory", 1)
            with pytest.raises(RedisError, match="maxmemory"):
                await unlucky.take(10)  # no room to move what expired
            await redis.config_set("maxmemory", 0)
            assert await taken_at_last(other) == "old"  # the oldest first
            assert await taken_at_last(other) == "new"

    async def test_what_is_left_and_what_is_new_take_turns(self, redis: Redis) -> None:
        jobs, silent, busy = gateway(redis), worker_of(redis), worker_of(redis)
        await submit(jobs, *(job(f"left {n}") for n in range(20)))
        assert len(await taken(silent, 20)) == 20
        assert await taken_at_last(busy) == "left 0"
        turns = []
        for n in range(2):
            await submit(jobs, job(f"new {n}"))
            while (one := await taken_at_last(busy)) != f"new {n}":
                turns.append(one)
        assert turns == [f"left {n}" for n in range(1, 16)]

    async def test_a_redis_that_was_emptied_is_used_anew(self, redis: Redis) -> None:
        jobs, worker = gateway(redis), worker_of(redis)
        await taken(worker)
        await redis.flushall()
        await submit(jobs, job("a"))
        assert items_of(await taken(worker)) == ["a"]

    async def test_who_joins_a_job_that_finds_no_room_is_told_at_once(self, redis: Redis) -> None:
        jobs = gateway(redis, limit=1)
        await submit(jobs, job("other"))
        first, second = await asyncio.gather(
            submit(jobs, job("a")), submit(jobs, job("a", seconds=5))
        )
        assert first == {}
        for text in second.values():
            with pytest.raises(JobFailedError):
                await asyncio.wait_for(text, GENEROUS_S / 4)
        assert not [key for key in jobs._waiting if key == key_of("a")]

    async def test_consumers_of_workers_that_are_gone_leave_and_those_with_jobs_stay(
        self, redis: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("service.redis.worker_queue._GONE_MS", 0)
        jobs, gone, busy = gateway(redis), worker_of(redis), worker_of(redis)
        await gone.take(1)
        await gone.take(1)
        await submit(jobs, job("a"))
        assert items_of(await taken(busy)) == ["a"]
        await asyncio.sleep(0.01)
        async with worker_of(redis).working():
            async with asyncio.timeout(GENEROUS_S):
                while len(await consumers(redis)) != 1:
                    await asyncio.sleep(0.01)
        [left] = await consumers(redis)
        assert left["pending"] == 1

    async def test_what_an_engine_failed_on_is_tried_alone_and_then_given_up(
        self, redis: Redis
    ) -> None:
        jobs, worker = gateway(redis), worker_of(redis)
        async with jobs.listening():
            text = (await submit(jobs, job("a"), job("b")))["a"]
            batch = await taken(worker)
            await worker.fail(batch, "no ink")
            worker.leave(batch)
            attempts = []
            while not text.done():
                for one in await worker.take(10):
                    attempts.append((one.facts.item.id, one.attempt))
                    assert one.alone
                    if one.facts.item.id == "a":
                        await worker.fail([one], "no ink")
                    else:
                        await worker.finish([(one, written())])
            assert attempts == [("a", 2), ("b", 2), ("a", 3)]
            with pytest.raises(JobFailedError, match="no ink"):
                await text
        [letter] = await DeadLetters(redis).list()
        assert letter.item_id == "a"
        assert await depth(redis) == 0

    async def test_what_is_given_back_is_done_by_others_as_if_nothing_had_been(
        self, redis: Redis
    ) -> None:
        jobs, broken, sound = gateway(redis), worker_of(redis), worker_of(redis)
        await submit(jobs, job("a"), job("b"), job("late", -10))
        batch = await taken(broken)
        await broken.give_back(batch)
        broken.leave(batch)
        again = await taken(sound)
        assert [(one.facts.item.id, one.attempt) for one in again] == [("a", 1), ("b", 1)]
        assert await DeadLetters(redis).list() == []


async def consumers(redis: Redis) -> list[dict[str, object]]:
    """Return the consumers of the awaited jobs."""
    found: list[dict[str, object]] = await redis.xinfo_consumers(
        Streams(FINGERPRINT).awaited, "prism"
    )
    return found
