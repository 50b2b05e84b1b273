"""Servers as processes of their own for the time of a benchmark: ours, and a bare route beside."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from socket import socket
from time import sleep

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response

from service.http.server import listen
from service.logs import configure_logs

PRISM = [str(Path(sys.executable).with_name("prism"))]
_PATIENCE_S = 60.0


class Process:
    """A server process for the time of a `with` block; yields its base URL.

    Its settings are those given and no others.
    """

    def __init__(self, command: list[str], **settings: str) -> None:
        self._command = command
        others = {name: v for name, v in os.environ.items() if not name.startswith("PRISM_")}
        self._environment = {**others, **settings}

    def __enter__(self) -> str:
        self._log = tempfile.NamedTemporaryFile("w+")
        self._process = subprocess.Popen(self._command, stderr=self._log, env=self._environment)
        for _ in range(int(_PATIENCE_S / 0.05)):
            sleep(0.05)
            self._log.seek(0)
            if "startup complete" in (said := self._log.read()):
                return str(re.findall(r"http://[\w.]+:\d+", said)[0])
            if self._process.poll() is not None:
                break
        raise RuntimeError(f"{self._command} did not start: {said}")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()


class Deployment:
    """A running service: where it is asked, and its parts."""

    def __init__(self, url: str, pids: list[int], ranker: str = "", redis: str = "") -> None:
        self.url, self.ranker, self.redis = url, ranker, redis
        self._pids = pids

    def cpu(self) -> float:
        """Return the CPU seconds of all its processes so far."""
        ticks = 0
        for pid in self._pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def embedded(model: str = "small", **settings: str) -> Iterator[Deployment]:
    """Run the embedded deployment."""
    process = Process([*PRISM, "serve", "--port", "0", "--model", model], **settings)
    with process as url:
        _wait_until_explaining(url)
        yield Deployment(url, [process.pid])


@contextmanager
def distributed(model: str = "small", **settings: str) -> Iterator[Deployment]:
    """Run Redis, ranker, worker and gateway, with a signing key, as docker-compose.yml does."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL
    )
    redis = f"redis://127.0.0.1:{port}/0"
    try:
        with ExitStack() as stack:
            key = stack.enter_context(tempfile.NamedTemporaryFile("w"))
            key.write(token_hex(32))
            key.flush()
            common = {"PRISM_REDIS_URL": redis, "PRISM_WARM_USERS": "0"}
            common |= {"PRISM_SIGNING_KEY_FILE": key.name, **settings}
            ranker = Process([*PRISM, "ranker", "--port", "0"], **common)
            asked = stack.enter_context(ranker)
            worker = Process([*PRISM, "worker", "--port", "0", "--model", model], **common)
            stack.enter_context(worker)
            gateway = Process([*PRISM, "gateway", "--port", "0"], PRISM_RANKER_URL=asked, **common)
            url = stack.enter_context(gateway)
            _wait_until_explaining(url)
            pids = [server.pid, ranker.pid, worker.pid, gateway.pid]
            yield Deployment(url, pids, asked, redis)
    finally:
        server.terminate()
        server.wait()


@contextmanager
def bare(body: bytes) -> Iterator[str]:
    """Run a bare FastAPI route that answers with these bytes: what HTTP costs by itself."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        with Process([sys.executable, "-m", "bench.processes", file.name]) as url:
            yield url


def _wait_until_explaining(url: str) -> None:
    while httpx.get(f"{url}/recommend?user_id=671&k=1&deadline_ms=30000").json()["degraded"]:
        sleep(0.2)


def _serve_bytes(body: bytes) -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> Response:
        return Response(body, media_type="application/json")

    configure_logs("info")
    sock = listen("127.0.0.1", 0)
    print("http://{}:{}".format(*sock.getsockname()[:2]), file=sys.stderr, flush=True)
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[sock])


if __name__ == "__main__":
    _serve_bytes(Path(sys.argv[1]).read_bytes())
