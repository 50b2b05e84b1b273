"""Cache and jobs in a real Redis: what several gateways and workers may count on."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from time import monotonic

import pytest
from cluster import RedisServer
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

from models.writer import Written
from service.cache import MemoryCache
from service.jobs import Job, JobFailedError
from service.redis.cache import NearCache, RedisCache
from service.redis.connection import connect
from service.redis.jobs import DeadLetters, RedisJobs, queue_names
from service.settings import Settings

pytestmark = pytest.mark.anyio
FINGERPRINT = "ab" * 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    url = f"redis://127.0.0.1:{server.port}/0"
    client = connect(Settings.model_validate({"redis_url": url}))
    await client.flushall()
    yield client
    await client.aclose()


def queue(redis: Redis, limit: int = 100) -> RedisJobs:
    return RedisJobs(redis, FINGERPRINT, limit, claim_after_s=0.5)


def job(key: str, seconds: float = GENEROUS_S) -> Job:
    return Job(key, facts_about(key), monotonic(), monotonic() + seconds)


async def taken(jobs: RedisJobs, limit: int = 10) -> list[Job]:
    """Take jobs; a first call may only make the groups."""
    return await jobs.take(limit) or await jobs.take(limit)


async def taken_at_last(jobs: RedisJobs) -> str:
    """Take until there is a job, and return its key."""
    async with asyncio.timeout(GENEROUS_S):
        while not (batch := await jobs.take(10)):
            pass
    [one] = batch
    return one.key


async def waiting_in(redis: Redis) -> tuple[int, int]:
    """Return how many jobs somebody waits for, and how many nobody does."""
    awaited, bulk = [await redis.xlen(name) for name in queue_names(FINGERPRINT)]
    return awaited, bulk


async def until_waiting(redis: Redis, awaited: int, bulk: int) -> None:
    """Wait until there are so many."""
    async with asyncio.timeout(GENEROUS_S):
        while await waiting_in(redis) != (awaited, bulk):
            await asyncio.sleep(0.01)


class TestWithdrawing:
    async def test_a_job_whose_callers_are_gone_is_done_after_all_others(
        self, redis: Redis
    ) -> None:
        jobs, worker = queue(redis), queue(redis)
        await jobs.submit([job("a"), job("b")])
        jobs.withdraw(["a"])
        await until_waiting(redis, 1, 1)
        await jobs.submit([job("c")])
        assert [one.key for one in await taken(worker)] == ["b", "c"]
        assert await taken_at_last(worker) == "a"

    async def test_one_that_others_wait_for_stays_where_it_is(self, redis: Redis) -> None:
        jobs = queue(redis)
        async with jobs.listening():
            await jobs.submit([job("a"), job("b")])
            text = (await jobs.submit([job("a")]))["a"]
            jobs.withdraw(["a", "b"])
            await until_waiting(redis, 1, 1)
            worker = queue(redis)
            await worker.finish([(each, written()) for each in await taken(worker)])
            assert await text == written()

    async def test_one_that_a_worker_has_is_not_queued_again(self, redis: Redis) -> None:
        jobs, worker = queue(redis), queue(redis)
        await jobs.submit([job("a"), job("b")])
        await taken(worker, limit=1)
        jobs.withdraw(["a", "b"])
        await until_waiting(redis, 1, 1)
        assert await taken_at_last(worker) == "b"

    async def test_whoever_asks_for_it_again_queues_it_again(self, redis: Redis) -> None:
        jobs, worker = queue(redis), queue(redis)
        await jobs.submit([job("a")])
        jobs.withdraw(["a"])
        await until_waiting(redis, 0, 1)
        await jobs.submit([job("a")])
        assert [one.key for one in await taken(worker)] == ["a"]

    async def test_a_caller_that_leaves_in_the_middle_of_queueing_leaves_nothing_to_wait_for(
        self, redis: Redis
    ) -> None:
        jobs = queue(redis)
        for n in range(20):
            leaving = asyncio.create_task(jobs.submit([job(str(n))]))
            for _ in range(n % 5 + 1):
                await asyncio.sleep(0)
            leaving.cancel()
        await until_waiting(redis, 0, 20)
        assert not jobs._waiting

    async def test_there_is_no_more_bulk_than_the_limit(self, redis: Redis) -> None:
        jobs = queue(redis, limit=3)
        for keys in ("abc", "def"):
            await jobs.submit([job(key) for key in keys])
            jobs.withdraw([*keys])
            await until_waiting(redis, 0, 3)


class TestJobs:
    async def test_a_text_reaches_everybody_who_waits_in_any_gateway(self, redis: Redis) -> None:
        one, other, worker = queue(redis), queue(redis), queue(redis)
        async with one.listening(), other.listening(), worker.working():
            waiting = [(await jobs.submit([job("a")]))["a"] for jobs in (one, other)]
            done = await taken(worker)
            await worker.finish([(each, written("done")) for each in done])
            assert [await text for text in waiting] == [written("done")] * 2
            assert await worker.depth() == 0

    async def test_who_asks_for_what_is_in_flight_joins_it(self, redis: Redis) -> None:
        jobs = queue(redis)
        first = (await jobs.submit([job("a")]))["a"]
        for _ in range(50):
            assert (await jobs.submit([job("a")]))["a"] is first
        assert await jobs.depth() == 1

    async def test_who_waits_much_longer_queues_it_anew(self, redis: Redis) -> None:
        jobs = queue(redis)
        await jobs.submit([job("a", 1)])
        await jobs.submit([job("a", 60)])
        assert await jobs.depth() == 2

    async def test_a_full_queue_sheds_the_rest_and_keeps_who_waits_already(
        self, redis: Redis
    ) -> None:
        jobs = queue(redis, limit=2)
        async with jobs.listening():
            queued = await jobs.submit([job("a", 1), job("b"), job("c")])
            assert sorted(queued) == ["a", "b"]
            again = await jobs.submit([job("a", 60)])  # finds no room, but the first is in flight
            worker = queue(redis)
            await worker.finish([(each, written()) for each in await taken(worker)])
            assert await again["a"] == await queued["a"] == written()

    async def test_a_queue_is_no_longer_than_can_be_done_in_time(self, redis: Redis) -> None:
        jobs, worker = queue(redis, limit=200), queue(redis)
        async with jobs.listening():
            worker.measured(0.1)  # ten a second
            first = await jobs.submit([job("first")])
            await worker.finish([(each, written()) for each in await taken(worker)])
            await first["first"]
            wanted = [job(str(n), seconds=10) for n in range(150)]
            assert 75 <= len(await jobs.submit(wanted)) <= 80

    async def test_what_could_not_be_queued_is_not_waited_for(self) -> None:
        nowhere = connect(Settings.model_validate({"redis_url": "redis://127.0.0.1:1/0"}))
        jobs = queue(nowhere)
        with pytest.raises(RedisError):
            await jobs.submit([job("a", 60)])
        assert not jobs._waiting
        await nowhere.aclose()

    async def test_what_expired_does_not_hold_up_what_somebody_waits_for(
        self, redis: Redis
    ) -> None:
        jobs = queue(redis)
        await jobs.submit([job(f"old-{n}", -10) for n in range(30)])
        await jobs.submit([job("new")])
        assert [each.key for each in await taken(jobs, 10)] == ["new"]
        # They still warm the cache, half a batch at a time.
        assert [len(await taken(jobs, 10)) for _ in range(3)] == [5, 5, 5]

    async def test_a_failed_job_is_a_dead_letter_and_not_tried_again_at_once(
        self, redis: Redis
    ) -> None:
        jobs = queue(redis)
        async with jobs.listening():
            failed = (await jobs.submit([job("a")]))["a"]
            await jobs.finish([(each, JobFailedError("no ink")) for each in await taken(jobs)])
            with pytest.raises(JobFailedError, match="no ink"):
                await failed
            again = (await jobs.submit([job("a")]))["a"]
            with pytest.raises(JobFailedError, match="given up"):
                await again
        assert await jobs.depth() == 0
        letters = DeadLetters(redis)
        [letter] = await letters.list()
        assert (letter.reason, letter.item_id) == ("no ink", "a")
        await letters.replay(letter)
        assert await jobs.depth() == 1
        assert await letters.list() == []

    async def test_what_a_silent_worker_left_is_done_by_another_alone(self, redis: Redis) -> None:
        silent, busy = queue(redis), queue(redis)
        for key in "ab":  # in two batches
            await silent.submit([job(key)])
            assert [each.key for each in await taken(silent)] == [key]
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
        assert await busy.depth() == 0

    async def test_what_a_worker_could_not_finish_is_left_to_others(self, redis: Redis) -> None:
        unlucky, other = queue(redis), queue(redis)
        await unlucky.submit([job("a")])
        async with unlucky.working():
            done = [(each, written()) for each in await taken(unlucky)]
            await redis.replicaof("127.0.0.1", "1")  # a replica of nobody takes no writes
            with pytest.raises(RedisError):
                await unlucky.finish(done)
            await redis.replicaof("no", "one")
            unlucky.leave([each for each, _ in done])
            assert await taken_at_last(other) == "a"

    async def test_what_a_worker_could_only_half_take_is_left_to_others(self, redis: Redis) -> None:
        unlucky, other = queue(redis), queue(redis)
        await unlucky.take(1)  # makes the groups
        await unlucky.submit([job("old", -10), job("new")])
        async with unlucky.working():
            await redis.config_set("maxmemory", 1)
            with pytest.raises(RedisError, match="maxmemory"):
                await unlucky.take(10)  # no room to move what expired
            await redis.config_set("maxmemory", 0)
            assert await taken_at_last(other) == "old"  # the oldest first
            assert await taken_at_last(other) == "new"

    async def test_what_is_left_and_what_is_new_take_turns(self, redis: Redis) -> None:
        silent, busy = queue(redis), queue(redis)
        await silent.submit([job(f"left {n}") for n in range(3)])
        assert len(await taken(silent)) == 3
        assert await taken_at_last(busy) == "left 0"
        turns = []
        for n in range(2):
            await busy.submit([job(f"new {n}")])
            turns += [await taken_at_last(busy), await taken_at_last(busy)]
        assert turns == ["new 0", "left 1", "new 1", "left 2"]

    async def test_a_redis_that_was_emptied_is_used_anew(self, redis: Redis) -> None:
        jobs = queue(redis)
        await taken(jobs)
        await redis.flushall()
        await jobs.submit([job("a")])
        assert [each.key for each in await taken(jobs)] == ["a"]


class TestCache:
    async def test_the_first_write_wins_and_everybody_learns_which(self, redis: Redis) -> None:
        cache = RedisCache(redis, 60)
        assert await cache.put_many({"a": written("first")}) == {"a": written("first")}
        assert await cache.put_many({"a": written("second")}) == {"a": written("first")}
        assert await cache.get_many(["a", "b"]) == [written("first"), None]

    @pytest.mark.parametrize("value", [b"", b"{}", b"\xff\xfe", b'{"text": 1}', b"null"])
    async def test_what_is_corrupt_or_foreign_is_a_miss_and_is_replaced(
        self, redis: Redis, value: bytes
    ) -> None:
        cache = RedisCache(redis, 60)
        await redis.set("prism:text:a", value)
        assert await cache.get_many(["a"]) == [None]
        assert await cache.put_many({"a": written()}) == {"a": written()}
        assert await cache.get_many(["a"]) == [written()]

    async def test_every_text_expires_and_not_all_at_once(self, redis: Redis) -> None:
        await RedisCache(redis, 1000).put_many({str(n): written() for n in range(50)})
        lives = [await redis.pttl(f"prism:text:{n}") for n in range(50)]
        assert all(890_000 < life <= 1_100_000 for life in lives)
        assert max(lives) - min(lives) > 50_000

    async def test_a_near_cache_saves_the_way_and_outlives_the_far_one(self, redis: Redis) -> None:
        failures: list[int] = []
        near = MemoryCache(10**6, 60)
        cache = NearCache(near, RedisCache(redis, 60), lambda: failures.append(1))
        await RedisCache(redis, 60).put_many({"a": written()})
        assert await cache.get_many(["a"]) == [written()]
        alone = NearCache(near, _Gone(), lambda: failures.append(1))
        assert await alone.get_many(["a", "b"]) == [written(), None]
        assert failures == [1]


class _Gone(BrokenCache):
    async def get_many(self, keys: Sequence[str]) -> list[Written | None]:
        raise RedisError("gone")
