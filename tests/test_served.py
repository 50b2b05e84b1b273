"""Which model is served: one rule, which no restart, no clock and no failed poll can upset."""

import asyncio
import json
from collections.abc import Callable

import pytest
from cluster import RedisServer
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import RedisError
from service_fixtures import GENEROUS_S, Clock, anyio_backend  # noqa: F401

from service.breaker import Breaker
from service.redis.gateway_queue import RedisJobQueue
from service.redis.served import ALIVE_S, Announced, Announcements, ServedModel, chosen
from service.redis.trust import Trust

pytestmark = pytest.mark.anyio
CPU, GPU = "c" * 64, "a" * 64
TRUST = Trust([], "strict")


class Fleet:
    """Workers that announce models, and a gateway that follows; time is moved by the test."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.clock = redis, Clock()
        self.announcements = Announcements(redis, TRUST)
        self.redis_now = 1_000_000.0
        self.announcements.now = self._now  # type: ignore[method-assign]
        self.served = ServedModel(self.announcements, self._queue, self.clock)

    async def _now(self) -> float:
        return self.redis_now

    def _queue(self, fingerprint: str) -> RedisJobQueue:
        return RedisJobQueue(self.redis, fingerprint, 10, TRUST, Breaker())

    async def announce(
        self, fingerprint: str, priority: int = 0, trouble: Callable[[], str] = str
    ) -> None:
        """Let a worker announce its model."""
        await self.announcements.announce(fingerprint, f"model@{fingerprint[0]}", priority, trouble)

    async def passes(self, seconds: float, *announcing: tuple[str, int]) -> None:
        """Let time pass, second by second, while these models are announced."""
        for _ in range(int(seconds)):
            self.clock.now += 1
            self.redis_now += 1
            for fingerprint, priority in announcing:
                await self.announce(fingerprint, priority)
            await self.served.look()

    @property
    def name(self) -> str:
        """The model that is served."""
        serving = self.served.serving
        return "" if serving is None else serving.model


@pytest.fixture
async def fleet(redis: Redis) -> Fleet:
    return Fleet(redis)


async def test_before_any_worker_was_heard_of_nothing_is_served(fleet: Fleet) -> None:
    await fleet.served.look()
    assert fleet.served.serving is None


async def test_a_cpu_worker_that_restarts_takes_nothing_from_a_live_gpu_worker(
    fleet: Fleet,
) -> None:
    async with fleet.served.released():
        await fleet.passes(3, (CPU, 0))
        await fleet.passes(3, (CPU, 0), (GPU, 0))
        assert fleet.name == "model@a"
        await fleet.passes(60, (GPU, 0))
        await fleet.passes(30, (GPU, 0), (CPU, 0))
        assert fleet.name == "model@a"


async def test_the_higher_priority_is_served_while_it_is_there_however_new_the_other_is(
    fleet: Fleet,
) -> None:
    async with fleet.served.released():
        await fleet.passes(3, (GPU, 1))
        await fleet.passes(3, (GPU, 1), (CPU, 0))
        assert fleet.name == "model@a"
        await fleet.passes(ALIVE_S + 3, (CPU, 0))
        assert fleet.name == "model@c"
        await fleet.passes(3, (GPU, 1), (CPU, 0))
        assert fleet.name == "model@a"


async def test_a_new_model_takes_over_and_an_old_one_comes_back_when_it_is_withdrawn(
    fleet: Fleet,
) -> None:
    async with fleet.served.released():
        await fleet.passes(3, (CPU, 0))
        await fleet.passes(3, (CPU, 0), (GPU, 0))
        assert fleet.name == "model@a"
        await fleet.passes(ALIVE_S + 3, (CPU, 0))
        assert fleet.name == "model@c"


async def test_a_short_absence_changes_nothing(fleet: Fleet) -> None:
    async with fleet.served.released():
        await fleet.passes(3, (CPU, 0))
        await fleet.passes(3, (CPU, 0), (GPU, 0))
        await fleet.passes(ALIVE_S - 2, (CPU, 0))
        assert fleet.name == "model@a"


async def test_while_no_worker_is_heard_of_the_last_choice_stays(fleet: Fleet) -> None:
    async with fleet.served.released():
        await fleet.passes(3, (CPU, 0))
        await fleet.passes(100)
        assert fleet.name == "model@c"


async def test_a_worker_in_trouble_is_not_heard_of(fleet: Fleet) -> None:
    async with fleet.served.released():
        await fleet.passes(3, (CPU, 0), (GPU, 1))
        assert fleet.name == "model@a"
        for _ in range(int(ALIVE_S) + 3):
            await fleet.announce(GPU, 1, lambda: "the engine fails")
            await fleet.passes(1, (CPU, 0))
        assert fleet.name == "model@c"


async def write(fleet: Fleet, fingerprint: str, **about: object) -> None:
    """Write an announcement as another host would, with another clock or another mind."""
    now = fleet.redis_now
    one = {"fingerprint": fingerprint, "model": "other@1", "since": now, "seen": now}
    await fleet.redis.hset("prism:models", fingerprint, json.dumps({**one, **about}))


@pytest.mark.parametrize("ahead_s", [6.0, 3600.0, 1e9])
async def test_a_clock_that_runs_ahead_keeps_no_dead_model_alive(
    fleet: Fleet, ahead_s: float
) -> None:
    async with fleet.served.released():
        await write(fleet, GPU, seen=fleet.redis_now + ahead_s, priority=9)
        await fleet.passes(ALIVE_S + 8, (CPU, 0))
        assert fleet.name == "model@c"


async def test_one_that_is_a_little_ahead_is_heard_of_while_it_goes_on(fleet: Fleet) -> None:
    async with fleet.served.released():
        for _ in range(3):
            await write(fleet, GPU, seen=fleet.redis_now + 4, priority=9)
            await fleet.passes(1, (CPU, 0))
        assert fleet.name == "other@1"
        await fleet.passes(ALIVE_S + 1, (CPU, 0))
        assert fleet.name == "model@c"


async def test_a_redis_whose_clock_steps_back_goes_on(fleet: Fleet) -> None:
    async with fleet.served.released():
        await fleet.passes(3, (CPU, 0))
        fleet.redis_now -= 3600
        await fleet.passes(3, (CPU, 0))
        assert fleet.name == "model@c"


async def test_a_failed_look_changes_nothing(
    fleet: Fleet, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> list[Announced]:
        raise RedisError("gone")

    async with fleet.served.released():
        await fleet.passes(3, (CPU, 0))
        before = fleet.served.serving
        monkeypatch.setattr(fleet.announcements, "all", fail)
        following = asyncio.create_task(fleet.served.follow())
        await asyncio.wait_for(fleet.served.followed.wait(), GENEROUS_S)
        following.cancel()
        assert fleet.served.serving == before


async def test_what_belongs_to_retired_models_is_released(fleet: Fleet, redis: Redis) -> None:
    async with fleet.served.released():
        for n in range(20):
            await fleet.passes(15, (f"{n:064x}", n))
        listening = await redis.pubsub_numsub(*[f"prism:done:{n:064x}" for n in range(20)])
        # The last, and those that it has replaced within a minute.
        assert sum(count for _, count in listening) <= 6
    listening = await redis.pubsub_numsub(*[f"prism:done:{n:064x}" for n in range(20)])
    assert sum(count for _, count in listening) == 0


@given(
    models=st.lists(
        st.tuples(st.integers(-5, 5), st.floats(0, 1e9)), min_size=1, max_size=8, unique=True
    ),
    order=st.randoms(use_true_random=False),
)
def test_every_gateway_chooses_the_same(models: list[tuple[int, float]], order: object) -> None:
    known = [
        Announced(fingerprint=f"{n:064x}", model="m", priority=p, since=s, seen=s)
        for n, (p, s) in enumerate(models)
    ]
    first = chosen(known)
    order.shuffle(known)  # type: ignore[attr-defined]
    assert chosen(known) == first
    assert first is not None
    assert first.priority == max(one.priority for one in known)
