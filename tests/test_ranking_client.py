"""How the gateway asks a ranking service that misbehaves on the wire, and when it stops asking."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import ValidationError
from service_fixtures import GENEROUS_S, Clock, anyio_backend  # noqa: F401

from ranker.service import RankingQuery, Recommendations
from service.admission import OVERLOAD, TICKET, Admission
from service.breaker import Breaker
from service.metrics import Metrics
from service.ranker_client.protocol import RankerUnavailableError
from service.ranker_client.remote import RemoteRankerClient
from service.settings import Settings

pytestmark = pytest.mark.anyio
FACTS = {"item": {"id": "1", "title": "Heat"}}
ROW = {"score": 1, "facts": FACTS, "contributions": []}
GOOD = b'{"answers": [{"ranker": "als", "version": "1"}]}'


class Wire:
    """A server that sends these bytes, one of them to each connection, and hangs up."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.requests = list(answers), 0
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request, send the next answer."""
        self.requests += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answers.pop(0))
        await writer.drain()
        writer.close()


def http(status: str, body: bytes = b"", headers: str = "") -> bytes:
    """Return an answer as it goes over the wire."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[Wire]:
    """Run a server with these answers."""
    wire = Wire(*answers)
    server = await asyncio.start_server(wire.answer, "127.0.0.1", 0)
    async with server:
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield wire


async def rank(url: str, breaker: Breaker | None = None) -> Recommendations:
    """Ask once, as a request does."""
    ranking = RemoteRankerClient(url, breaker or Breaker())
    try:
        return await ranking.rank(RankingQuery("42", 1), GENEROUS_S)
    finally:
        await ranking.close()


async def test_a_question_is_asked_once_more_where_the_first_answer_fails() -> None:
    async with serving(http("503 Busy"), http("200 OK", GOOD)) as wire:
        assert (await rank(wire.url)).ranker == "als"
        assert wire.requests == 2
    async with serving(b"", http("200 OK", GOOD)) as wire:  # hung up, as a restart would
        assert (await rank(wire.url)).version == "1"


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", GOOD)[:-9],
        http("200 OK", b"[]"),
        http("200 OK", b"\xff"),
        http("500 Oops"),
        b"220 mail.example ESMTP\r\n",
    ],
    ids=["half a body", "other JSON", "no JSON", "an error", "no HTTP"],
)
async def test_an_answer_that_is_none_is_no_answer(answer: bytes) -> None:
    async with serving(answer, answer) as wire:
        with pytest.raises(RankerUnavailableError):
            await rank(wire.url)


async def test_nobody_is_followed_to_another_server() -> None:
    async with serving(http("200 OK", GOOD)) as elsewhere:
        redirect = http("307 Moved", headers=f"Location: {elsewhere.url}/rank\r\n")
        async with serving(redirect) as wire:
            with pytest.raises(RankerUnavailableError):
                await rank(wire.url)
        assert elsewhere.requests == 0


async def test_after_some_failures_nothing_is_asked_for_a_while_then_one_question() -> None:
    now = 0.0
    breaker = Breaker(failures=2, open_s=5, clock=lambda: now)
    bad = http("500 Oops")
    async with serving(bad, bad, bad, http("200 OK", GOOD), http("200 OK", GOOD)) as wire:
        for _ in range(4):
            with pytest.raises(RankerUnavailableError):
                await rank(wire.url, breaker)
        assert wire.requests == 2  # then the circuit was open
        now = 6.0
        with pytest.raises(RankerUnavailableError):
            await rank(wire.url, breaker)
        with pytest.raises(RankerUnavailableError):
            await rank(wire.url, breaker)
        assert wire.requests == 3  # one question, and open anew
        now = 12.0
        for _ in range(2):
            await rank(wire.url, breaker)
        assert wire.requests == 5


async def test_a_frozen_one_is_soon_not_asked_any_more_however_little_time_there_is() -> None:
    asked = 0

    async def freeze(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(freeze, "127.0.0.1", 0)
    breaker = Breaker(failures=3, open_s=60, fair_s=0.2)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ranking = RemoteRankerClient(url, breaker)
        for _ in range(20):
            with pytest.raises(RankerUnavailableError):
                await ranking.rank(RankingQuery("42", 1), 0.1)
        await ranking.close()
    assert breaker.open
    assert asked < 10


async def test_one_slow_question_among_answers_says_nothing_of_the_others() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, fair_s=1, clock=clock)
    for clock.now in range(10):
        breaker.before()
        breaker.succeeded()
        breaker.before()
        breaker.timed_out()
        assert not breaker.open


@pytest.mark.parametrize(
    "answer",
    [
        {"answers": []},
        {"answers": [{"ranker": "als"}, {"ranker": "als"}]},
        {"answers": [{"items": [{"score": 1, "facts": FACTS, "contributions": []}] * 2}]},
        {"answers": [{"items": [{"score": float("nan"), "facts": FACTS, "contributions": []}]}]},
        {
            "answers": [
                {"items": [{"score": 1, "facts": FACTS, "contributions": [["a", 1, 1e999]]}]}
            ]
        },
    ],
    ids=["none", "two", "more than were asked for", "no score", "no share"],
)
async def test_an_answer_to_something_else_is_no_answer(answer: object) -> None:
    body = http("200 OK", json.dumps(answer).encode())
    async with serving(body, body) as wire:
        with pytest.raises(RankerUnavailableError):
            await rank(wire.url)


async def test_one_that_has_too_much_to_do_is_neither_asked_again_at_once_nor_given_up() -> None:
    busy = http("503 Busy", f'{{"type":"{OVERLOAD}"}}'.encode())
    breaker = Breaker(failures=1)
    async with serving(busy, busy, http("200 OK", GOOD)) as wire:
        for _ in range(2):
            with pytest.raises(RankerUnavailableError, match="too much to do"):
                await rank(wire.url, breaker)
        assert wire.requests == 2
        assert (await rank(wire.url, breaker)).ranker == "als"


async def test_of_the_time_at_the_ranking_service_the_usual_is_no_queue_of_the_gateways() -> None:
    clock = Clock()
    admission = Admission(Metrics(), clock)
    answers = [http("200 OK", GOOD)] * 3
    async with serving(*answers) as wire:
        ticket = admission.enter()
        token = TICKET.set(ticket)
        ranking = RemoteRankerClient(wire.url, Breaker())
        try:
            for _ in answers:
                await ranking.rank(RankingQuery("42", 1), GENEROUS_S)
        finally:
            TICKET.reset(token)
            await ranking.close()
    assert ticket.began > clock.now  # by what was spared


@pytest.mark.parametrize("url", ["ranker:8001", "http://ranker:80a", "ftp://ranker"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValidationError, match="ranker_url"):
        Settings.model_validate({"ranker_url": url})
