"""`/recommend?k=10` over HTTP, cold and warm, beside a bare route, and where its time goes.

Starts the embedded service as a process of its own, and beside it a bare FastAPI app that returns
the bytes of one of its answers: what HTTP and the framework cost by themselves.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from time import perf_counter, sleep

import httpx
from fastapi import FastAPI
from fastapi.responses import Response

from bench.measure import console, quantiles
from service.embedded import listen, serve
from service.logs import configure_logs
from service.settings import Settings

USERS = 300
_STAGE = re.compile(r"(\w+);dur=([\d.]+)")


def main() -> None:
    """Print latencies and stages."""
    prism = [str(Path(sys.executable).parent / "prism"), "serve", "--port", "0"]
    with (
        tempfile.TemporaryDirectory() as folder,
        Process(prism) as service,
        httpx.Client(base_url=service, timeout=30) as client,
    ):
        users = [u["user_id"] for u in client.get("/users?limit=1000").json()["users"]][:USERS]
        body = Path(folder) / "body.json"
        body.write_bytes(client.get("/recommend?user_id=1&k=10").content)
        bare = [sys.executable, "-m", "bench.recommend", str(body)]
        with Process(bare) as peer, httpx.Client(base_url=peer, timeout=30) as bare_client:
            _measure(client, bare_client, users)


def _measure(client: httpx.Client, bare: httpx.Client, users: list[str]) -> None:
    latency: dict[str, list[float]] = defaultdict(list)
    stages: dict[str, list[float]] = defaultdict(list)
    bare.get("/")
    client.get("/healthz")
    for user in users:
        for name, at, path in (
            ("cold", client, f"/recommend?user_id={user}&k=10"),
            ("warm", client, f"/recommend?user_id={user}&k=10"),
            ("bare route, same bytes", bare, "/"),
        ):
            started = perf_counter()
            response = at.get(path)
            latency[name].append((perf_counter() - started) * 1000)
            response.raise_for_status()
            for stage, value in _STAGE.findall(response.headers.get("server-timing", "")):
                stages[f"{name}: {stage}"].append(float(value))
    console.print(quantiles("/recommend?k=10 as the client sees it", latency))
    console.print(quantiles("where the time goes, as the server sees it", stages))


class Process:
    """A server process for the time of a `with` block; yields its base URL."""

    def __init__(self, command: list[str]) -> None:
        self._command = command

    def __enter__(self) -> str:
        self._log = tempfile.NamedTemporaryFile("w+")
        self._process = subprocess.Popen(self._command, stderr=self._log)
        for _ in range(600):
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


def serve_bytes(body: bytes) -> None:
    """Serve the same bytes for ever: the peer."""
    app = FastAPI()

    @app.get("/")
    async def root() -> Response:
        return Response(body, media_type="application/json")

    configure_logs("info")
    sock = listen("127.0.0.1", 0)
    print("http://{}:{}".format(*sock.getsockname()[:2]), file=sys.stderr, flush=True)
    serve(app, sock, Settings())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve_bytes(Path(sys.argv[1]).read_bytes())
    else:
        main()
