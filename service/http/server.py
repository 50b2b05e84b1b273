"""An HTTP server: listening before anything slow, serving, and stopping in good order."""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from service.settings import Settings

_ON_ITS_WAY_S = 0.2
"""At shutdown, how long a request may take to follow its connection."""


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


def serve(app: FastAPI, sock: socket.socket, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then answer what is in flight and stop."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    # Once it has stopped in good order, uvicorn raises the signal again: that is no failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    _Server(config).run(sockets=[sock])


class _Server(uvicorn.Server):
    """Answers every request that has come in before it stops.

    Uvicorn alone drops connections that wait to be accepted, and those whose request follows late.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept what waits, listen no more, wait for the requests, go on as uvicorn does."""
        self.server_state.default_headers.append((b"connection", b"close"))
        waiting = [connection for sock in sockets or [] for connection in _waiting(sock)]
        for server in self.servers:
            server.close()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        await asyncio.sleep(_ON_ITS_WAY_S)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _waiting(sock: socket.socket) -> Iterator[socket.socket]:
    """Yield the connections that wait to be accepted."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield sock.accept()[0]
