"""What the tests of Oracles share: Facts files, rows of texts, the chat server, the command."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cluster import HTTP, free_port, wait_for
from other_worlds import WORLDS, facts_of
from service_fixtures import GENEROUS_S

from catalog.facts import Facts
from catalog.facts_file import Sample, write_facts


def some_facts(count: int) -> list[Facts]:
    """Return so many different Facts, of several worlds."""
    found: dict[bytes, Facts] = {}
    each = -(-2 * count // len(WORLDS))
    for world in WORLDS.values():
        found |= {facts.digest(): facts for facts in facts_of(world, each, seed=5)}
    facts = list(found.values())
    assert len(facts) >= count
    return facts[:: len(facts) // count][:count]


def facts_folder(folder: Path, count: int, shard_rows: int = 10_000) -> Path:
    """Write a folder of Facts files; return where."""
    samples = [
        Sample(one, "train", unseen=False, page=n) for n, one in enumerate(some_facts(count))
    ]
    write_facts(folder / "facts", samples, shard_rows)
    return folder / "facts"


def rows_of(texts: Path) -> list[dict[str, Any]]:
    """Return all rows of a folder of texts, failures too."""
    return [
        json.loads(line)
        for shard in sorted(texts.glob("*.jsonl"))
        for line in shard.read_text("utf-8").splitlines()
    ]


@dataclass
class ChatServer:
    """A chat server in a process of its own."""

    port: int

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}/v1"

    def counts(self) -> dict[str, Any]:
        """Return what it did so far."""
        counts: dict[str, Any] = HTTP.get(f"http://127.0.0.1:{self.port}/counts").json()
        return counts


@contextmanager
def chat_server(trouble: float = 0.0, seed: int = 0) -> Iterator[ChatServer]:
    """Run a chat server."""
    port = free_port()
    script = Path(__file__).with_name("chat_server.py")
    options = ["--port", str(port), "--trouble", str(trouble), "--seed", str(seed)]
    server = subprocess.Popen([sys.executable, str(script), *options])
    try:
        chat = ChatServer(port)

        def answers() -> bool:
            assert server.poll() is None
            try:
                return bool(HTTP.get(f"http://127.0.0.1:{port}/counts").is_success)
            except httpx.TransportError:
                return False

        wait_for(answers)
        yield chat
    finally:
        server.kill()
        server.wait(GENEROUS_S)
