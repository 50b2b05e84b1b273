"""Chaos: for ten minutes every part is killed, stopped and slowed down at random, under load.

What happens follows from a seed and is printed first, so that it can be run again:

    PRISM_CHAOS_SEED=7 .venv/bin/python -m pytest -s -m long tests/test_chaos.py

An answer may be late by a tenth of its deadline, and by as long as the machine, or the loop that
asks, stood still meanwhile, which a probe sees. What a gateway was asked while it was stopped or
slowed down itself, and for a second after, while it does what has gathered, does not count.
"""

import asyncio
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import SLOW_WORKER, Cluster, Process, cluster, start_together, wait_for
from service_fixtures import GENEROUS_S

from catalog.dataset import Dataset
from catalog.facts import Facts
from models.faithfulness import check
from ranker.service import RankingQuery, RankingService

from service_fixtures import fitted  # isort: skip

pytestmark = [pytest.mark.slow, pytest.mark.long]
SECONDS = float(os.environ.get("PRISM_CHAOS_S", "600"))
SEED = int(os.environ.get("PRISM_CHAOS_SEED", "1"))
PARTS = ("gateway 0", "gateway 1", "ranker", "redis", "worker 0", "worker 1")
REQUESTS_PER_S, DEADLINES_MS = 12, (500, 1000, 2000)
BACKLOG_S = 1.0
"""For so long after its return who asks a gateway finds what came meanwhile before him."""
TOLD_APART_S = 0.05
"""What the way to the gateway and back may take on a busy machine."""


@dataclass(frozen=True)
class Event:
    """What happens to a part, when, and for how long."""

    at: float
    part: str
    what: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:7.1f} s  {self.part:10} {self.what:6} for {self.seconds:.1f} s"


def script(seed: int, seconds: float) -> list[Event]:
    """Return what happens: every part comes to everything, and some things happen at once."""
    dice = random.Random(seed)
    events, now = [], 3.0
    while now < seconds - 15:
        what = dice.choice(("kill", "stop", "slow"))
        length = dice.uniform(0.3, 8.0) if what != "slow" else dice.uniform(2.0, 10.0)
        events.append(Event(round(now, 1), dice.choice(PARTS), what, round(length, 1)))
        now += dice.uniform(0.5, 6.0)
    return events


@dataclass
class Probe:
    """Watches from the loop that asks: when the machine, or the asking, stood still, how long."""

    pauses: list[tuple[float, float]] = field(default_factory=list)  # when it ended, seconds

    async def run(self) -> None:
        """Watch until cancelled."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            now = time.monotonic()
            if now - last > 0.02:
                self.pauses.append((now, now - last))
            last = now

    def stood_still_s(self, since: float, until: float) -> float:
        """Return for how long the machine stood still between two times."""
        return sum(length for ended, length in self.pauses if since <= ended <= until + length)


@dataclass(frozen=True)
class Answer:
    """One answer: of which gateway, when asked, how long it took, about what, and what came."""

    gateway: int
    asked: float
    seconds: float
    deadline_s: float
    page: Sequence[Facts]
    response: httpx.Response

    def false(self, popular: Sequence[Facts]) -> list[str]:
        """Return the texts that are not true of their Facts: of the page, or of popular items."""
        if self.response.status_code != 200:
            return []
        body = self.response.json()
        if "items" in body:
            known = {facts.item.id: facts for facts in (*popular, *self.page)}
            if body["ranker"]["name"] == "popularity":
                known = {facts.item.id: facts for facts in popular}
            return [
                item["explanation"]["text"]
                for item in body["items"]
                if not check(item["explanation"]["text"], known[item["item_id"]]).passed
            ]
        told = body["explanations"]
        return [one["text"] for one, facts in zip(told, self.page, strict=True)
                if not check(one["text"], facts).passed]  # fmt: skip


class Chaos:
    """The deployment, and what is done to it."""

    def __init__(self, running: Cluster) -> None:
        self.cluster = running
        self.gateways = [running.new("gateway").unforked() for _ in range(2)]
        self.workers = [running.new("worker", SLOW_WORKER).unforked() for _ in range(2)]
        start_together(*self.gateways, *self.workers)
        self._busy: dict[str, threading.Lock] = {part: threading.Lock() for part in PARTS}
        self.still: list[tuple[int, float, float]] = []  # a gateway, since, until

    def process(self, part: str) -> Process | None:
        """Return the process of a part, None for Redis."""
        role, _, number = part.partition(" ")
        if role == "redis":
            return None
        if role == "ranker":
            return self.cluster.processes[0]
        return (self.gateways if role == "gateway" else self.workers)[int(number)]

    def do(self, event: Event) -> None:
        """Let an event happen; wait for its end."""
        with self._busy[event.part]:
            since = time.monotonic()
            process = self.process(event.part)
            running = self.cluster.redis.running if process is None else process.running
            assert running is not None
            if event.what == "kill":
                self._kill(process, event.seconds)
            elif event.what == "stop":
                running.send_signal(signal.SIGSTOP)
                time.sleep(event.seconds)
                running.send_signal(signal.SIGCONT)
            else:
                self._slow(running, event.seconds)
            if event.part.startswith("gateway"):
                self.still.append((int(event.part[-1]), since, time.monotonic()))

    def _kill(self, process: Process | None, seconds: float) -> None:
        if process is None:
            self.cluster.redis.stop()
            time.sleep(seconds)
            self.cluster.redis.start()
        else:
            process.kill()
            time.sleep(seconds)
            process.launch()
            process.wait_for_port()

    @staticmethod
    def _slow(running: Any, seconds: float) -> None:
        """Let a process run for half of the time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            running.send_signal(signal.SIGSTOP)
            time.sleep(0.05)
            running.send_signal(signal.SIGCONT)
            time.sleep(0.05)

    def stood_still(self, gateway: int, since: float, until: float) -> bool:
        """Return whether something was done to a gateway between two times."""
        return any(
            one == gateway and begin < until and end + BACKLOG_S > since
            for one, begin, end in self.still
        )

    def resident(self) -> dict[str, int]:
        """Return the memory of every part, bytes."""
        found = {}
        for part in PARTS:
            process = self.process(part)
            running = self.cluster.redis.running if process is None else process.running
            assert running is not None
            pages = int(Path(f"/proc/{running.pid}/statm").read_text().split()[1])
            found[part] = pages * os.sysconf("SC_PAGE_SIZE")
        return found


def all_facts(demo: Dataset, users: Sequence[str | None]) -> list[list[Facts]]:
    """Return the page of Facts that the ranker makes for each user."""
    service = RankingService(demo, fitted(demo))
    answers = service.rank([RankingQuery(user, 5) for user in users])
    return [[row.facts for row in answer.items] for answer in answers
            if not isinstance(answer, Exception)]  # fmt: skip


async def load(
    chaos: Chaos, pages: dict[str, list[Facts]], seconds: float, probe: Probe
) -> list[Answer]:
    """Ask for pages as they come, answered or not; where a gateway is gone, the other.

    Every second page is asked for by its user, the others by their Facts.
    """
    dice = random.Random(SEED)
    answers: list[Answer] = []

    async def ask(client: httpx.AsyncClient) -> None:
        user, deadline_ms = dice.choice([*pages]), dice.choice(DEADLINES_MS)
        page, is_by_user = pages[user], dice.random() < 0.5
        first = dice.randrange(2)
        for gateway in (first, 1 - first):
            asked = time.monotonic()
            try:
                url = chaos.gateways[gateway].url
                if is_by_user:
                    query: dict[str, str | int] = {"user_id": user, "k": 5}
                    query["deadline_ms"] = deadline_ms
                    response = await client.get(f"{url}/recommend", params=query)
                else:
                    facts = [one.model_dump() for one in page]
                    body = {"facts": facts, "deadline_ms": deadline_ms}
                    response = await client.post(f"{url}/explain", json=body)
            except httpx.TransportError:
                if chaos.stood_still(gateway, asked, time.monotonic()) or _is_down(chaos, gateway):
                    continue
                raise
            took = time.monotonic() - asked
            answers.append(Answer(gateway, asked, took, deadline_ms / 1000, page, response))
            return

    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=4 * GENEROUS_S, limits=limits) as client:
        watching = asyncio.create_task(probe.run())
        started, tasks = time.monotonic(), []
        for number in range(int(seconds * REQUESTS_PER_S)):
            await asyncio.sleep(max(0.0, started + number / REQUESTS_PER_S - time.monotonic()))
            tasks.append(asyncio.create_task(ask(client)))
        await asyncio.gather(*tasks)
        watching.cancel()
    return answers


def _is_down(chaos: Chaos, gateway: int) -> bool:
    running = chaos.gateways[gateway].running
    return chaos._busy[f"gateway {gateway}"].locked() or running is None or bool(running.poll())


@pytest.mark.timeout(SECONDS + 600)
def test_whatever_happens_to_the_parts_the_answers_are_true_and_in_time(
    tmp_path: Path, demo: Dataset
) -> None:
    events = script(SEED, SECONDS)
    print(f"\nseed {SEED}, {SECONDS:g} s, {len(events)} events", *events, sep="\n")
    users, probe = demo.user_ids, Probe()
    pages, [popular] = all_facts(demo, users), all_facts(demo, [None])
    with cluster(tmp_path, PRISM_TEST_TEXT_S="0.003", PRISM_BATCH_LIMIT_S="10") as running:
        chaos = Chaos(running)
        wait_for(lambda: is_well(chaos, pages[0]))
        before = chaos.resident()
        threads = [threading.Timer(event.at, chaos.do, [event]) for event in events]
        for thread in threads:
            thread.start()
        by_user = dict(zip(users, pages, strict=True))
        answers = asyncio.run(load(chaos, by_user, SECONDS, probe))
        for thread in threads:
            thread.join()
        statuses = Counter(answer.response.status_code for answer in answers)
        print(statuses)
        assert [text for answer in answers for text in answer.false(popular)] == []
        assert statuses.keys() <= {200, 503}
        late = [
            (round(answer.asked, 2), round(answer.seconds, 2), answer.deadline_s)
            for answer in answers
            if answer.seconds > answer.deadline_s * 1.1 + TOLD_APART_S
            + probe.stood_still_s(answer.asked, answer.asked + answer.seconds)
            and not chaos.stood_still(answer.gateway, answer.asked, answer.asked + answer.seconds)
        ]  # fmt: skip
        print(f"{len(answers)} answers, {len(late)} late, {len(probe.pauses)} pauses")
        assert not late, late[:20]
        wait_for(lambda: is_well(chaos, pages[1]), limit_s=60)
        nothing_is_left(running, before, chaos)


def is_well(chaos: Chaos, page: list[Facts]) -> bool:
    """Return whether both gateways answer with texts of the workers."""
    body = {"facts": [facts.model_dump() for facts in page], "deadline_ms": 5000}
    return all(gateway.post("/explain", body).json()["degraded"] == []
               for gateway in chaos.gateways)  # fmt: skip


def nothing_is_left(running: Cluster, before: dict[str, int], chaos: Chaos) -> None:
    """Check that no job is pending, and that nothing has grown."""
    redis = running.redis.client
    streams = [str(name) for name in redis.scan_iter("prism:jobs:*")]
    wait_for(lambda: all(redis.xlen(name) == 0 for name in streams), limit_s=60)
    assert all(redis.xpending(name, "prism")["pending"] == 0 for name in streams)
    wait_for(
        lambda: all(len(redis.xinfo_consumers(name, "prism")) <= 2 for name in streams),
        lambda: [redis.xinfo_consumers(name, "prism") for name in streams],
        limit_s=180,
    )
    assert int(redis.info("clients")["connected_clients"]) < 150
    after = chaos.resident()
    print({part: f"{before[part] / 2**20:.0f} to {after[part] / 2**20:.0f} MiB" for part in PARTS})
    for part in PARTS:
        assert after[part] < 1.3 * before[part] + 60 * 2**20, (part, before[part], after[part])
