"""Connections with bounds: on bytes and time, on their number, and on requests at a time.

uvicorn's protocol knows no limit on headers, waits for ever for those that never come, and starts
the app for whatever comes. This one

- refuses a request while the process has more than it can answer in time (see `service.admission`),
  before the framework, keys and logs see it;
- closes connections that send their header or body too slowly, or nothing, or a header too large;
- keeps within the process's limit of open files: it closes the connection that has not sent a whole
  request for the longest time;
- ends the work on a request whose client is gone.

Connections that are closed are counted by reason, and logged at most twice a second. A connection
that was answered and then closed for silence is not counted and not logged. Refusals are counted,
except those of the paths in `OPEN`, but not logged.
"""

import asyncio
import contextvars
import logging
import resource
from collections import Counter
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service.admission import OVERLOAD, TICKET, Admission
from service.http.errors import ProblemError
from service.http.security import HEADERS, OPEN

log = structlog.get_logger()
_SPARE_FILES = 128
"""Of the process's open files, those left to data, models, Redis and the ranking service."""
_RETRY_AFTER_S, _HELD_S = 1, 0.1
"""After how many seconds a caller that was refused may ask again (the header Retry-After); and for
how long the refusal is held back, as 30 callers that asked again at once, and again, took 60% of
the process's time with refusals alone."""


@dataclass(frozen=True)
class Bounds:
    """What a connection may cost.

    Attributes
    ----------
    head_bytes : size of the request line and all headers
    body_bytes : size of a body as it is sent, with chunks and trailers; the app has its own limit
    head_s : time from the first byte of the request line to the last of the headers
    body_s : time from the last byte of the headers to the last of the body
    idle_s : silence before a request
    connections : how many there may be; an idle one takes about 10 kB
    pipelined : requests that may be sent beside the one that is being answered
    open_requests : requests at a time for `/healthz` and the other paths in `OPEN`; more are
        refused, however little there is to do
    """

    head_bytes: int = 64 * 2**10
    body_bytes: int = 32 * 2**20
    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 5.0
    connections: int = 10_000
    pipelined: int = 16
    open_requests: int = 32


def bounds_of_process() -> Bounds:
    """Return the usual bounds, with no more connections than the process may have open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    usual = Bounds()
    wanted = usual.connections + _SPARE_FILES
    if soft < wanted:  # the soft limit is there for programs that cannot count so far
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    most = max(soft - _SPARE_FILES, soft // 2)
    return replace(usual, connections=min(usual.connections, most))


@dataclass
class State(ServerState):
    """What the connections of a server share."""

    bounds: Bounds
    admission: Admission
    # In the order of their last requests.
    waited_for: "dict[Connection, None]" = field(default_factory=dict)
    bitten: Counter[str] = field(default_factory=Counter)
    open_requests: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def sweep(self, now: float) -> None:
        """Close connections that take too long, and log how many were closed."""
        for connection in [one for one in self.connections if isinstance(one, Connection)]:
            if connection.due < now:
                connection.expire()
        for reason, number in self.bitten.items():
            log.warning("connections bounded", reason=reason, number=number)
        self.bitten.clear()

    def bite(self, reason: str) -> None:
        """Count a connection that a bound has closed."""
        self.bitten[reason] += 1
        self.admission.metrics.refused(reason)


class Connection(HttpToolsProtocol):
    """One connection; see the module."""

    server_state: State

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds, self._admission = self.server_state.bounds, self.server_state.admission
        self._head_bytes = self._body_bytes = 0
        self._in_head = self._was_asked = self._is_refused = False
        self._held: asyncio.TimerHandle | None = None
        self._running: tuple[asyncio.Task[None], RequestResponseCycle] | None = None
        self._waits_for, self.due = "request", 0.0

    # ------------------------------------------------------------------ its life

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; where there are too many connections, one has to go."""
        super().connection_made(transport)
        self._rest()
        if len(self.connections) > self._bounds.connections:
            self.server_state.bite("too many connections")
            next(iter(self.server_state.waited_for)).abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and with it the work on a request that was not answered."""
        super().connection_lost(exc)
        self.server_state.waited_for.pop(self, None)
        if self._running is not None:
            task, cycle = self._running
            if not cycle.response_complete:
                cycle.disconnected = True
                task.cancel()

    def abort(self) -> None:
        """End it without a word."""
        self.connections.discard(self)  # at once: it is one of too many
        self.server_state.waited_for.pop(self, None)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        if self._waits_for == "request":
            self._was_asked = True
            self._expect("header", self._bounds.head_s)
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self._bounds.head_bytes:
                self._close_for_large_head()
        elif self._waits_for == "body":
            self._body_bytes += len(data)
            if self._body_bytes > self._bounds.body_bytes:
                self._close_for("large body", _LARGE_BODY)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; see `HttpToolsProtocol`."""
        self.server_state.bite("not HTTP")
        self.transport.write(_NOT_HTTP)
        self.transport.close()

    def shutdown(self) -> None:
        """End soon; see `HttpToolsProtocol`."""
        if self._held is not None:
            self._held.cancel()
            self._refuse(keep_alive=False)
        super().shutdown()

    def expire(self) -> None:
        """Close it: what was to come did not."""
        if self.transport.is_closing():  # and what was to be sent is not taken
            self.abort()
            return
        if self._waits_for != "request":
            self._close_for(f"slow {self._waits_for}", _SLOW)
        elif not self._was_asked:
            self.server_state.bite("silent")
        self.due = self.loop.time() + self._bounds.idle_s
        self.transport.close()

    def _expect(self, what: str, seconds: float) -> None:
        self._waits_for, self.due = what, self.loop.time() + seconds

    def _expect_nothing(self) -> None:
        """It is our turn."""
        self._expect("answer", float("inf"))
        self.server_state.waited_for.pop(self, None)

    # ------------------------------------------------------------------ its requests

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_refused, self._in_head = False, True
        if self._held is not None:  # sent without waiting for the refusal: it is the last answer
            self._held.cancel()
            self._refuse(keep_alive=False)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; nobody asks for trailers."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Let the request in, or refuse it."""
        self._head_bytes, self._body_bytes, self._in_head = 0, 0, False
        head = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if head > self._bounds.head_bytes:
            self._close_for_large_head()
        elif len(self.pipeline) >= self._bounds.pipelined:
            self._close_for("too many at once", _TOO_MANY)
        if self.transport.is_closing():
            self._is_refused = True
            return
        self._expect("body", self._bounds.body_s)
        is_pipelined = self.cycle is not None and not self.cycle.response_complete
        if not is_pipelined:
            path = self.url.partition(b"?")[0].decode("latin-1")
            self._is_refused = self._is_too_much(path)
            if self._is_refused:
                return
        super().on_headers_complete()

    def _is_too_much(self, path: str) -> bool:
        if path in OPEN:
            return self.server_state.open_requests >= self._bounds.open_requests
        if self._admission.full:
            self._admission.refuse()
            return True
        return False

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body on."""
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a request if it was refused; for all others the app is at work already."""
        if not self._is_refused:
            super().on_message_complete()
            self._expect_nothing()
            if self.cycle.response_complete:
                self._rest()
        else:
            self._expect_nothing()
            keep_alive = self.parser.should_keep_alive()
            self._held = self.loop.call_later(_HELD_S, self._refuse, keep_alive)

    def _refuse(self, keep_alive: bool) -> None:
        self._held = None
        if self.transport.is_closing():
            return
        self.transport.write(_OVERLOADED)
        if keep_alive:
            self._rest()
        else:
            self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        state, path = self.server_state, cycle.scope["path"]
        if self._is_too_much(path):  # by now, if it was sent before its turn
            app = _refuse
        is_open = path in OPEN
        ticket = None if is_open else self._admission.enter()
        state.open_requests += is_open

        async def until_gone(scope: Any, receive: Any, send: Any) -> None:
            TICKET.set(ticket)
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                if not cycle.disconnected:
                    raise

        def ended(task: "asyncio.Task[None]") -> None:
            self.tasks.discard(task)
            state.open_requests -= is_open
            if ticket is not None:
                ticket.leave(answered=not cycle.disconnected)
            if not cycle.response_complete:  # cut off: what is not read is not kept
                self.due = self.loop.time() + self._bounds.idle_s

        task = self.loop.create_task(cycle.run_asgi(until_gone), context=contextvars.Context())
        task.add_done_callback(ended)
        self.tasks.add(task)
        self._running = task, cycle

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.pipeline and self._waits_for == "answer":
            self._rest()

    def _rest(self) -> None:
        self._expect("request", self._bounds.idle_s)
        self.server_state.waited_for[self] = None

    def _close_for_large_head(self) -> None:
        detail = f"the request line and headers are over {self._bounds.head_bytes:,} bytes"
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        self._close_for("large header", _problem(status, detail))

    def _close_for(self, reason: str, answer: bytes) -> None:
        """Cut the connection off for a reason, with an answer unless an earlier one is due."""
        if self.transport.is_closing():
            return
        self.server_state.bite(reason)
        cycle = self._running and self._running[1]
        is_its_turn = cycle is None or cycle.response_complete
        if is_its_turn or (
            cycle is self.cycle and not cycle.response_started and not self._in_head
        ):
            self.transport.write(answer)
        self.transport.close()


def _raw(problem: ProblemError) -> bytes:
    """Return a problem as the bytes of an answer."""
    answer = problem.response()
    answer.headers.update(HEADERS)
    status = HTTPStatus(answer.status_code)
    lines = [f"HTTP/1.1 {status} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


def _problem(status: HTTPStatus, detail: str) -> bytes:
    return _raw(ProblemError(status, detail, headers=_CLOSE))


_CLOSE = {"Connection": "close"}
_NOT_HTTP = _problem(HTTPStatus.BAD_REQUEST, "this is no HTTP/1.1 request, or of no known method")
_SLOW = _problem(HTTPStatus.REQUEST_TIMEOUT, "the request came too slowly")
_LARGE_BODY = _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
_TOO_MANY = _problem(HTTPStatus.BAD_REQUEST, "too many requests before the first was answered")
_OVERLOAD = ProblemError(
    HTTPStatus.SERVICE_UNAVAILABLE,
    f"more requests than can be answered in time; try again in {_RETRY_AFTER_S} s",
    type_=OVERLOAD,
    headers={"Retry-After": str(_RETRY_AFTER_S)},
)
_OVERLOADED = _raw(_OVERLOAD)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await _OVERLOAD.response()(scope, receive, send)


_NOT_WORTH_A_LINE = (
    "Invalid HTTP",
    "Unsupported upgrade",
    "No supported",
    "ASGI callable returned without",  # a stream that nobody reads; it is counted
)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Return whether uvicorn's message is none of those that a flood of nonsense would bring."""
    return not str(record.msg).startswith(_NOT_WORTH_A_LINE)


logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
