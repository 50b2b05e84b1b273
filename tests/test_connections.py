"""Connections with bounds: what is too large, slow, many or nobody's any more ends early."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from cluster import wait_for
from fastapi import FastAPI, Request
from service_fixtures import GENEROUS_S
from structlog.testing import capture_logs

from service.admission import Admission
from service.http import events
from service.http.connections import Bounds, State
from service.http.events import EventStream
from service.http.server import Server, listen
from service.metrics import Metrics

ROOT = Path(__file__).resolve().parent.parent
QUICK = Bounds(head_bytes=4096, head_s=0.3, body_s=0.3, idle_s=0.3, connections=20)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Full(Admission):
    """Lets nobody in while the test says so."""

    full = False


@dataclass
class Served:
    """A server in a thread of this process, and what its app was asked."""

    address: tuple[str, int]
    state: State
    asked: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(self.address, GENEROUS_S)

    def refused(self, reason: str) -> float:
        """Return how many requests or connections were refused or cut off for a reason."""
        sample = self.state.admission.metrics.registry.get_sample_value
        return sample("prism_refused_total", {"reason": reason}) or 0.0


async def endless() -> AsyncGenerator[bytes, None]:
    """Yield more than is ever read."""
    while True:
        yield b"x" * 2**20


@contextmanager
def serving(bounds: Bounds = QUICK) -> Iterator[Served]:
    """Run a server whose app says what it was asked."""
    app = FastAPI()
    sock = listen("127.0.0.1", 0)
    served = Served(sock.getsockname()[:2], State(bounds, Full(Metrics())))

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(path: str, request: Request) -> Any:
        served.asked.append(path)
        try:
            if path == "slow":
                await asyncio.sleep(GENEROUS_S)
            if path == "stream":
                metrics = served.state.admission.metrics
                return EventStream(endless(), time.monotonic() + GENEROUS_S, metrics)
            body = await request.body()
            return {"path": path, "bytes": len(body), "text": "x" * (20_000_000 * (path == "much"))}
        finally:
            served.ended.append(path)

    server = Server(app, 1, served.state)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield served
    finally:
        server.should_exit = True
        with mock.patch("service.http.server._ON_ITS_WAY_S", 0):  # nothing is any more
            thread.join()


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


def received(connection: socket.socket, until_closed: bool = False) -> bytes:
    """Return an answer, or all until the other side closes."""
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
            head, end, body = data.partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            if not until_closed and end and len(body) >= int(length):
                break
    except ConnectionResetError:
        pass
    return data


# ---------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "silent"),
        (b"GET /heade", "slow header"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Long", "slow header"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", "slow body"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha", "slow body"),
    ],
)
def test_who_does_not_send_the_rest_is_closed(served: Served, sent: bytes, reason: str) -> None:
    with served.connect() as connection:
        connection.sendall(sent)
        answer = received(connection, until_closed=True)
    assert answer.startswith(b"HTTP/1.1 408 ") or not sent
    assert served.refused(reason) == 1


def test_a_byte_now_and_then_gains_no_time(served: Served) -> None:
    with served.connect() as connection, pytest.raises(OSError):
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.1)
    assert served.refused("slow header") == 1


def test_an_answer_may_take_longer_than_any_of_these(served: Served) -> None:
    with served.connect() as slow, served.connect() as other:
        slow.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(lambda: served.asked == ["slow"])
        received(other, until_closed=True)  # which has been silent for too long
        time.sleep(1)
        assert served.ended == []


def test_who_does_not_read_the_answer_is_closed(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(lambda: served.ended == ["much"])
        wait_for(lambda: not served.state.connections)


def test_between_requests_a_connection_is_kept_for_a_while(served: Served) -> None:
    with served.connect() as connection:
        for _ in range(3):
            connection.sendall(GET)
            assert received(connection).startswith(b"HTTP/1.1 200 ")
        assert received(connection) == b""  # closed without a word
    assert served.refused("silent") == 0


# ---------------------------------------------------------------------- bytes


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"9" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X:9\r\n" * 1000 + b"\r\n",
    ],
    ids=["path", "value", "many"],
)
def test_a_large_header_is_refused_before_anything_sees_it(served: Served, head: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(head)
        answer = received(connection, until_closed=True)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"over 4,096 bytes" in answer
    assert served.asked == []
    assert served.refused("large header") == 1


def test_of_an_endless_header_no_more_is_read_than_is_allowed(served: Served) -> None:
    sent = 0
    with served.connect() as connection, pytest.raises(OSError):
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        while sent < 300 * 2**20:
            sent += connection.send(b"9" * 65536)
    assert sent < 20 * 2**20  # most of it lies in buffers of the kernel
    assert served.refused("large header") == 1


def test_an_endless_header_behind_a_request_that_is_being_answered_is_cut_off(
    served: Served,
) -> None:
    with served.connect() as connection, pytest.raises(OSError):
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX: ")
        for _ in range(5000):
            connection.sendall(b"9" * 65536)
    assert served.refused("large header") == 1
    wait_for(lambda: served.ended == ["slow"])


@pytest.mark.parametrize("rest", [b"X: " + b"9" * 65536, b"X: 9\r\n" * 10_000])
def test_endless_trailers_are_cut_off(rest: bytes) -> None:
    with serving(Bounds(body_bytes=2**20)) as served, served.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):
            connection.sendall(b"1\r\nx\r\n0\r\n")
            for _ in range(1000):
                connection.sendall(rest)
        assert served.refused("large body") == 1


# ---------------------------------------------------------------------- number


def test_requests_sent_before_their_turn_are_bounded(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + GET * 100)
        received(connection, until_closed=True)
    assert served.refused("too many at once") == 1
    wait_for(lambda: served.ended == ["slow"])
    assert served.asked == ["slow"]


def test_of_too_many_connections_the_one_waited_for_longest_goes_first() -> None:
    with serving(Bounds(connections=5, idle_s=GENEROUS_S)) as served, ExitStack() as stack:
        silent = [stack.enter_context(served.connect()) for _ in range(3)]
        busy = stack.enter_context(served.connect())
        busy.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1")
        wait_for(lambda: served.asked == [""])
        for _ in range(4):
            with served.connect() as new:
                new.sendall(GET)
                assert received(new).startswith(b"HTTP/1.1 200 ")
            wait_for(lambda: len(served.state.connections) <= 5)
        others = [stack.enter_context(served.connect()) for _ in range(4)]
        assert received(silent[0]) == b""
        busy.sendall(b"2")
        assert b'"bytes":2' in received(busy)
        others[-1].sendall(GET)
        assert received(others[-1]).startswith(b"HTTP/1.1 200 ")
        assert served.refused("too many connections") >= 1


def test_out_of_open_files_it_says_so_and_goes_on_when_there_are_some_again() -> None:
    script = """
import resource, sys
from fastapi import FastAPI
from service.admission import Admission
from service.http.connections import Bounds, State
from service.http.server import Server, listen
from service.metrics import Metrics

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
sock = listen("127.0.0.1", 0)
print(sock.getsockname()[1], flush=True)
app = FastAPI()
Server(app, 1, State(Bounds(), Admission(Metrics()))).run([sock])
"""
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    address = ("127.0.0.1", int(process.stdout.readline()))
    try:
        with ExitStack() as stack:
            for _ in range(80):
                stack.enter_context(socket.create_connection(address, GENEROUS_S))
            line = process.stdout.readline()
            while "not accepted: Too many open files" not in line:
                line = process.stdout.readline()
        with socket.create_connection(address, GENEROUS_S) as connection:
            connection.sendall(GET)
            assert received(connection).startswith(b"HTTP/1.1 404 ")
    finally:
        process.kill()
        process.communicate()


def test_a_bound_that_bites_is_logged_with_its_number() -> None:
    with capture_logs() as logs, serving() as served, ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(served.connect()).sendall(b"GET /half")
        wait_for(lambda: served.refused("slow header") == 10)
        wait_for(lambda: sum(one.get("number", 0) for one in logs) == 10)
    bitten = [one for one in logs if one["event"] == "connections bounded"]
    assert {one["reason"] for one in bitten} == {"slow header"}
    assert len(bitten) <= 3  # not a line for each


# ---------------------------------------------------------------------- too much to do


def test_a_request_too_many_is_refused_before_the_app_sees_it(served: Served) -> None:
    admission = served.state.admission
    with served.connect() as connection:
        connection.sendall(GET)
        assert received(connection).startswith(b"HTTP/1.1 200 ")
        admission.full = True  # type: ignore[misc]
        for request in (GET, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"):
            connection.sendall(request)
            answer = received(connection)
            assert answer.startswith(b"HTTP/1.1 503 ")
            for told in (b"retry-after: 1", b"application/problem+json", b"urn:prism:overload"):
                assert told in answer
        admission.full = False  # type: ignore[misc]
        connection.sendall(GET)  # on the same connection
        assert received(connection).startswith(b"HTTP/1.1 200 ")
    assert served.asked == ["", ""]
    assert served.refused("overload") == 2


@pytest.mark.parametrize("path", ["healthz", "readyz", "metrics"])
def test_operators_are_answered_all_the_same(served: Served, path: str) -> None:
    served.state.admission.full = True  # type: ignore[misc]
    with served.connect() as connection:
        connection.sendall(f"GET /{path}?x=1 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert received(connection).startswith(b"HTTP/1.1 200 ")


def test_but_not_more_of_them_at_once_than_leave_room_for_others() -> None:
    with serving(Bounds(open_requests=0)) as served, served.connect() as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        assert received(connection).startswith(b"HTTP/1.1 503 ")


def test_requests_sent_in_one_go_are_answered_in_order(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(5)))
        data = b""
        while data.count(b'"path"') < 5:
            data += connection.recv(65536)
        assert [data.index(b'"path":"%d"' % n) for n in range(5)] == sorted(
            data.index(b'"path":"%d"' % n) for n in range(5)
        )
        connection.sendall(GET)
        assert received(connection).startswith(b"HTTP/1.1 200 ")


def test_one_that_was_sent_before_its_turn_is_refused_if_it_is_too_many_by_then(
    served: Served,
) -> None:
    with served.connect() as connection:
        served.state.admission.full = False  # type: ignore[misc]
        connection.sendall(b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1")
        wait_for(lambda: served.asked == ["first"])
        served.state.admission.full = True  # type: ignore[misc]
        connection.sendall(b"2" + GET)
        data = b""
        while data.count(b"HTTP/1.1 ") < 2 or not data.endswith(b"}"):
            data += connection.recv(65536)
    assert data.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 503 " in data
    assert served.asked == ["first"]


@pytest.mark.parametrize("sent", [b"\x16\x03\x01 nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_counted_and_no_line_of_the_log_each(
    served: Served, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        with served.connect() as connection:
            connection.sendall(sent)
            received(connection, until_closed=True)
    assert served.refused("not HTTP") == 20
    assert not [one for one in caplog.records if one.levelname == "WARNING"]


# ---------------------------------------------------------------------- gone


@pytest.mark.parametrize("reset", [False, True])
def test_the_work_for_a_client_that_is_gone_ends(served: Served, reset: bool) -> None:
    with capture_logs() as logs:
        connection = served.connect()
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(lambda: served.asked == ["slow"])
        if reset:
            linger = b"\1\0\0\0\0\0\0\0"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
        wait_for(lambda: served.ended == ["slow"])
        wait_for(lambda: served.state.admission.at_work == 0)
    assert not [one for one in logs if one["log_level"] == "error"]


def test_one_that_does_not_read_a_stream_keeps_no_connection(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(events, "_TAKE_S", 0.2)
    with served.connect() as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(lambda: served.refused("slow reader") == 1)
        wait_for(lambda: not served.state.connections)
    assert served.state.admission.at_work == 0
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


def test_a_client_that_only_ends_its_side_is_answered(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(GET)
        connection.shutdown(socket.SHUT_WR)
        assert received(connection).startswith(b"HTTP/1.1 200 ")
