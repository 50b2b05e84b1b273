"""The distributed deployment as real processes: Redis, ranker, gateways, workers."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import httpx
from forked import Forked
from redis import Redis
from redis.exceptions import ConnectionError
from service_fixtures import GENEROUS_S

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-c", "from service.cli.main import main; main()"]
SLOW_WORKER = [sys.executable, str(Path(__file__).with_name("slow_worker.py"))]
HTTP = httpx.Client(verify=False, limits=httpx.Limits(max_keepalive_connections=0))
"""A new connection for every request, as `httpx.get` makes it, but not a new TLS context as well.

Reading the certificates of the machine takes ten times as long as the rest of a request.
"""
_ANNOUNCED = re.compile(r"serves on http://127\.0\.0\.1:(\d+) ")


def wait_for(
    happened: Callable[[], bool],
    why_not: Callable[[], object] = lambda: "it never happened",
    limit_s: float = GENEROUS_S,
) -> None:
    """Wait for something that must happen in the end."""
    end = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < end, why_not()
        time.sleep(0.02)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of a command with these settings and no others of ours."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("PRISM_")}
    return {**others, **settings}


@dataclass
class Process:
    """One process, its log, and the port it says it serves on."""

    command: list[str]
    environment: dict[str, str]
    log: Path
    port: int = 0
    forked: bool = False
    running: subprocess.Popen[bytes] | Forked | None = None
    _offset: int = 0

    def unforked(self) -> "Process":
        """Let it be started as a user starts it, and not forked."""
        self.forked = False
        return self

    def start(self) -> "Process":
        """Start it, or start it anew on the same port, and wait until it is ready."""
        self.launch()
        return self.wait()

    def launch(self) -> None:
        """Start it, and do not wait."""
        command = [*self.command, "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._offset = log.tell()
            self.running = (
                Forked(command, self.environment, self.log)
                if self.forked
                else subprocess.Popen(
                    command, stdout=log, stderr=log, cwd=ROOT, env=self.environment
                )
            )

    def wait(self) -> "Process":
        """Wait until it is ready."""
        self.wait_for_port()
        wait_for(lambda: self.get("/readyz").status_code == 200)
        return self

    def wait_for_port(self) -> "Process":
        """Wait until it answers, ready or not."""

        def announced() -> bool:
            assert self.running is not None
            text = self.log.read_bytes()[self._offset :].decode()
            assert self.running.poll() is None, text
            if found := _ANNOUNCED.search(text):
                self.port = int(found[1])
            return bool(found)

        wait_for(announced)
        return self

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **options: float) -> httpx.Response:
        """Send a GET request."""
        return HTTP.get(self.url + path, timeout=options.get("timeout", GENEROUS_S))

    def post(self, path: str, body: object) -> httpx.Response:
        """Send a POST request."""
        return HTTP.post(self.url + path, json=body, timeout=GENEROUS_S)

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal and wait for the end; return the exit status."""
        assert self.running is not None
        if self.running.poll() is None:
            self.running.send_signal(signal.SIGCONT)
            self.running.send_signal(number)
        return self.running.wait(GENEROUS_S)

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric, 0 where it is not there."""
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            head, _, value = line.rpartition(" ")
            if head.partition("{")[0] == name and all(one in head for one in wanted):
                total += float(value)
        return total


def start_together(*processes: Process) -> None:
    """Start processes that do not need each other to start."""
    for process in processes:
        process.launch()
    for process in processes:
        process.wait()


@dataclass
class RedisServer:
    """A Redis server of the test's own."""

    folder: Path
    port: int = field(default_factory=free_port)
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        """Start it, empty."""
        assert which("redis-server"), "redis-server is missing: apt-get install redis-server"
        self.running = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )
        wait_for(self._answers)
        return self

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except ConnectionError:
            return False

    @property
    def client(self) -> Any:  # its types leave open what decoded answers are
        """A client of it."""
        return Redis(port=self.port, decode_responses=True)

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        assert self.running is not None
        self.running.kill()
        self.running.wait()


@dataclass
class Cluster:
    """Everything together; processes are started by the test as it needs them."""

    folder: Path
    redis: RedisServer
    settings: dict[str, str]
    processes: list[Process] = field(default_factory=list)

    def new(self, role: str, command: list[str] | None = None, **settings: str) -> Process:
        """Return a process of a role, not started yet."""
        process = Process(
            [*(command or [*COMMAND, role])],
            environment(**{"OMP_NUM_THREADS": "1", **self.settings, **settings}),
            self.folder / f"{role}-{len(self.processes)}.log",
            forked=True,
        )
        self.processes.append(process)
        return process

    def prism(self, *arguments: str) -> str:
        """Run a command of ours against this cluster; return what it says."""
        done = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, cwd=ROOT, check=True,
            env={**os.environ, **self.settings, "COLUMNS": "200"},
        )  # fmt: skip
        return done.stdout + done.stderr

    def resident_bytes(self) -> int:
        """Return the memory of all processes together, Redis included."""
        everybody = [*(process.running for process in self.processes), self.redis.running]
        return sum(
            int(Path(f"/proc/{one.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for one in everybody
            if one is not None and one.poll() is None
        )

    def logs(self) -> str:
        """Return all that the processes have logged."""
        return "\n".join(process.log.read_text("utf-8") for process in self.processes)

    def end(self) -> None:
        """End all processes, but for Redis."""
        for process in self.processes:
            if process.running is not None:
                process.kill()


@contextmanager
def cluster(folder: Path, **settings: str) -> Iterator[Cluster]:
    """Yield a cluster with a Redis and a ranker; end all its processes afterwards."""
    redis = RedisServer(folder).start()
    data = ROOT / "data"
    everybody = {
        "PRISM_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        "PRISM_DATA": str(data / "demo"),
        "PRISM_SNAPSHOT": str(data / "ranker"),
        "PRISM_ENGINES": str(data / "engines"),
        "PRISM_CLAIM_AFTER_S": "1",
        "PRISM_WARM_USERS": "0",
        **settings,
    }
    made = Cluster(folder, redis, everybody)
    try:
        ranker = made.new("ranker").start()
        made.settings["PRISM_RANKER_URL"] = ranker.url
        yield made
    finally:
        made.end()
        redis.stop()


@contextmanager
def beside(other: Cluster, folder: Path, **settings: str) -> Iterator[Cluster]:
    """Yield a cluster with a Redis of its own and the ranker of another cluster."""
    redis = RedisServer(folder).start()
    made = Cluster(folder, redis, other.settings | settings)
    made.settings["PRISM_REDIS_URL"] = f"redis://127.0.0.1:{redis.port}/0"
    try:
        yield made
    finally:
        made.end()
        redis.stop()
