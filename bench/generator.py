"""Sends a load of requests, closed or open loop, over kept connections.

In a closed loop each connection asks again as soon as it is answered: the rate is what the service
makes of it. In an open loop requests come at times of their own (a Poisson process), answered or
not, as they do from many users who know nothing of each other. A latency counts from the time a
request was due, so that a service that falls behind cannot hide it (no coordinated omission).

Reads what to do as JSON from standard input (a `Job`), and prints what came of it (a `Load`):

    echo '{"url": "http://127.0.0.1:8000", "paths": ["/recommend?user_id=42"], "rate": 100,
           "seconds": 10}' | python -m bench.generator
"""

import asyncio
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import cast
from urllib.parse import urlsplit

import numpy as np
import uvloop
from pydantic import BaseModel

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_KEPT_S = 4.0
"""How long an unused connection is kept: less than the five seconds of the server."""
_PATIENCE_S = 30.0
"""How long the last requests of an open loop are waited for."""

Answered = Callable[[int, bytes], None]


class Job(BaseModel):
    """One load: open at `rate` requests a second, or else closed over `connections`.

    Each request asks for one of `paths`, chosen at random, and shall be answered in `deadline_ms`.
    """

    url: str
    paths: list[str]
    seconds: float
    rate: float = 0.0
    connections: int = 0
    deadline_ms: int = 2000


class Load(BaseModel):
    """What came of a load.

    Attributes
    ----------
    seconds : for which requests were sent
    sent : requests
    statuses : answers by status; "lost" are connections that ended without an answer
    good : answers 200 that came by their deadline and 10%
    degraded : answers 200 that name a part which could not do its work
    latency_ms : p50, p90, p99 and max of the answers 200
    latest_ms : by how much the latest answer of any status missed its deadline
    """

    seconds: float
    sent: int
    statuses: dict[str, int]
    good: int
    degraded: int
    latency_ms: dict[str, float]
    latest_ms: float

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds


class Connection(asyncio.Protocol):
    """One kept connection with at most one request on its way."""

    def __init__(self) -> None:
        self._buffer = b""
        self._used = perf_counter()
        self._answered: Answered = _ignore
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to ask."""
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    @property
    def is_fresh(self) -> bool:
        """Whether the other side will not close it at this very moment."""
        return self.open and perf_counter() - self._used < _KEPT_S

    def ask(self, request: bytes, answered: Answered) -> None:
        """Send a request; `answered` gets status and body, 0 where the connection ends first."""
        self._answered = answered
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer."""
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if end and length is not None and len(body) >= int(length[1]):
            if b"\r\nconnection: close" in head.lower():
                self.open = False
            self._finish(int(head[9:12]), body)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell whoever waits that there will be no answer."""
        self.open = False
        self._finish(0, b"")

    def close(self) -> None:
        """End it."""
        self._transport.close()

    def _finish(self, status: int, body: bytes) -> None:
        answered, self._answered, self._buffer = self._answered, _ignore, b""
        self._used = perf_counter()
        answered(status, body)


def _ignore(_: int, __: bytes) -> None:
    pass


class _Tally:
    """Collects answers as they come."""

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self.sent = self.good = self.degraded = 0
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.latest = 0.0

    def count(self, due: float, status: int, body: bytes) -> None:
        seconds = perf_counter() - due
        self.statuses[str(status) if status else "lost"] += 1
        if status:
            self.latest = max(self.latest, seconds - self._deadline_s)
        if status == 200:
            self.latencies.append(seconds)
            self.good += seconds <= self._deadline_s * 1.1
            self.degraded += b'"degraded":[]' not in body

    @property
    def answered(self) -> int:
        """How many requests have come to an end."""
        return self.statuses.total()

    def load(self, seconds: float) -> Load:
        statuses = dict(self.statuses)
        if missing := self.sent - self.answered:
            statuses["unanswered"] = missing
        latency_ms: dict[str, float] = {}
        if self.latencies:
            q = np.quantile(self.latencies, [0.5, 0.9, 0.99, 1.0]) * 1000
            latency_ms = dict(zip(("p50", "p90", "p99", "max"), map(float, q), strict=True))
        return Load(
            seconds=seconds,
            sent=self.sent,
            statuses=statuses,
            good=self.good,
            degraded=self.degraded,
            latency_ms=latency_ms,
            latest_ms=self.latest * 1000,
        )


class Generator:
    """Does one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        at = urlsplit(job.url)
        self._host, self._port = at.hostname or "", at.port or 80
        self._requests = [
            f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\n\r\n".encode() for path in job.paths
        ]
        self._random = random.Random(0)
        self._tally = _Tally(job.deadline_ms / 1000)

    async def run(self) -> Load:
        """Send the load and return what came of it."""
        await (self._open() if self._job.rate else self._closed())
        return self._tally.load(self._job.seconds)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self._host, self._port)
        return connection

    async def _closed(self) -> None:
        end = perf_counter() + self._job.seconds

        async def keep_asking() -> None:
            connection = await self._connect()
            while perf_counter() < end:
                if not connection.open:
                    connection = await self._connect()
                answer = asyncio.get_running_loop().create_future()
                due = perf_counter()
                self._tally.sent += 1
                connection.ask(
                    self._random.choice(self._requests),
                    lambda status, body: answer.set_result((status, body)),  # noqa: B023
                )
                self._tally.count(due, *await answer)
            connection.close()

        await asyncio.gather(*(keep_asking() for _ in range(self._job.connections)))

    async def _open(self) -> None:
        idle: list[Connection] = []
        opening: set[asyncio.Task[None]] = set()

        def ask(connection: Connection, due: float) -> None:
            def answered(status: int, body: bytes) -> None:
                self._tally.count(due, status, body)
                if connection.open:
                    idle.append(connection)

            connection.ask(self._random.choice(self._requests), answered)

        async def ask_anew(due: float) -> None:
            try:
                ask(await self._connect(), due)
            except OSError:
                self._tally.count(due, 0, b"")

        started = due = perf_counter()
        while due < started + self._job.seconds:
            if (wait := due - perf_counter()) > 0:
                await asyncio.sleep(wait)
            self._tally.sent += 1
            while idle and not idle[-1].is_fresh:
                idle.pop().close()
            if idle:
                ask(idle.pop(), due)
            else:
                task = asyncio.create_task(ask_anew(due))
                opening.add(task)
                task.add_done_callback(opening.discard)
            if self._tally.sent % 16 == 0:
                await asyncio.sleep(0)  # answers are read, however late the sending is
            due += self._random.expovariate(self._job.rate)
        end = perf_counter() + _PATIENCE_S
        while self._tally.answered < self._tally.sent and perf_counter() < end:
            await asyncio.sleep(0.01)


def main() -> None:
    """Do the job on standard input."""
    job = Job.model_validate_json(sys.stdin.read())
    print(uvloop.run(Generator(job).run()).model_dump_json())


if __name__ == "__main__":
    main()
