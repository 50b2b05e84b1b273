"""An HTTP server: listening before anything slow, serving, and stopping in good order."""

import asyncio
import contextlib
import errno
import math
import os
import signal
import socket
import sys
from collections.abc import Iterator
from itertools import islice

import uvicorn
from fastapi import FastAPI

from service import collector
from service.background import background
from service.http.connections import Connection, State, bounds_of_process

_ON_ITS_WAY_S = 0.2
"""At shutdown, how long a request may take to follow its connection."""
_BACKLOG, _AT_ONCE = 2048, 256
"""Connections that may wait to be accepted, and that are accepted in one turn of the loop."""
_PAUSE_S = 0.1
"""How long nothing is accepted after the operating system would not."""
_SWITCH_S = 0.002
"""How long a thread of Python runs while another waits for its turn."""


class ListenError(RuntimeError):
    """The address cannot be bound; the message says why and how to go on."""


def listen(host: str, port: int) -> socket.socket:
    """Listen before anything slow happens, so that requests wait until the service is up.

    Raises ListenError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen()  # until then a second process could bind the port, too
    except OSError as error:
        sock.close()
        hint = ""
        if error.errno == errno.EADDRINUSE:
            hint = (
                "\nStop the other process, or choose another port: "
                "PRISM_PORT=8001 make run, or prism serve --port 8001"
            )
        raise ListenError(f"cannot listen on {host}:{port}: {error.strerror}{hint}") from None
    return sock


def serve(app: FastAPI, sock: socket.socket, shutdown_s: int) -> None:
    """Serve until SIGTERM or SIGINT, then answer what is in flight and stop.

    The app's state has an `admission`.
    """
    # What runs in threads gives way sooner than Python's 5 ms, with which p99 was a quarter later
    # at half the load. With 0.5 ms it is as late as with 2 ms, and pages take 4% more of a core.
    sys.setswitchinterval(_SWITCH_S)
    # Once it has stopped in good order, uvicorn raises the signal again: that is no failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    Server(app, shutdown_s, State(bounds_of_process(), app.state.admission)).run(sockets=[sock])


class Server(uvicorn.Server):
    """Answers every request that has come in before it stops, within the bounds of its state.

    Uvicorn alone drops connections that wait to be accepted, and those whose request follows late.
    """

    def __init__(self, app: FastAPI, shutdown_s: int, state: State) -> None:
        config = uvicorn.Config(
            app,
            http=Connection,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=math.ceil(state.bounds.idle_s),
            timeout_graceful_shutdown=shutdown_s,
        )
        super().__init__(config)
        self.server_state = self._state = state
        self._background = contextlib.AsyncExitStack()
        self._accepting: set[asyncio.Task[object]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app, keep watch over the loop, and accept connections."""
        await super().startup([])  # which would accept one connection in a turn of the loop
        probe = background(self._state.admission.measure_lag, "lag")
        await self._background.enter_async_context(probe)
        collector.freeze()
        loop = asyncio.get_running_loop()
        for sock in sockets or []:
            sock.setblocking(False)
            sock.listen(_BACKLOG)
            loop.add_reader(sock, self._accept, sock)

    def _accept(self, sock: socket.socket) -> None:
        """Accept what waits.

        One connection in a turn of the loop, as libuv accepts them, is twenty a second where a turn
        takes 50 ms: of a burst some waited for seconds.
        """
        loop = asyncio.get_running_loop()
        try:
            for connection in islice(_waiting(sock), _AT_ONCE):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
                self._accepting.add(task)
                task.add_done_callback(self._accepting.discard)
        except OSError as error:  # for want of open files, or of memory for them
            self._state.bite(f"not accepted: {os.strerror(error.errno or 0)}")
            loop.remove_reader(sock)  # or it would be called again at once, and again
            loop.call_later(_PAUSE_S, self._accept_again, sock)

    def _accept_again(self, sock: socket.socket) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(sock, self._accept, sock)

    async def on_tick(self, counter: int) -> bool:
        """Do what is done every tenth of a second."""
        if counter % 5 == 0:
            self._state.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept what waits, listen no more, wait for the requests, go on as uvicorn does."""
        self.server_state.default_headers.append((b"connection", b"close"))
        for sock in sockets or []:
            self._accept(sock)
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        await asyncio.sleep(_ON_ITS_WAY_S)
        await super().shutdown()
        await self._background.aclose()

    def _protocol(self) -> asyncio.Protocol:
        return Connection(self.config, self._state, self.lifespan.state)


def _waiting(sock: socket.socket) -> Iterator[socket.socket]:
    """Yield the connections that wait to be accepted."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield sock.accept()[0]
