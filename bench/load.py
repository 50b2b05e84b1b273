"""Latency under load, and what comes of too much: both deployments, cached and cold.

*Cached*: every user was asked about once before. *Cold*: texts live for a second, so that nearly
every page is written anew. The best rate is the highest of four closed loops; the open loops send
half of it, nearly all of it, and more than it. Beside each, a bare FastAPI route with the same
bytes under the same generator. The generator runs beside the service, on the same cores.

    python -m bench.load                    # everything, about eight minutes
    python -m bench.load embedded cached    # one of four
"""

import subprocess
import sys
from collections.abc import Sequence
from typing import Annotated

import httpx
import typer
from rich.table import Table

from bench import processes
from bench.generator import Job, Load
from bench.measure import console

CONNECTIONS = (1, 4, 16, 64)
SHARES = (0.5, 0.9, 1.5, 3.0)
CLOSED_S, OPEN_S = 5.0, 10.0
DEADLINE_MS = 2000
DEPLOYMENTS = {"embedded": processes.embedded, "distributed": processes.distributed}
CACHES = {
    "cached": dict[str, str](),
    "cold": {"PRISM_CACHE_TTL_S": "1", "PRISM_NEAR_CACHE_BYTES": "0"},
}


def main(
    which: Annotated[
        list[str] | None, typer.Argument(help="embedded, distributed; cached, cold")
    ] = None,
) -> None:
    """Print a table for each deployment and state of its cache."""
    wanted = set(which or [])
    for deployment, run in DEPLOYMENTS.items():
        for cache, settings in CACHES.items():
            if wanted & DEPLOYMENTS.keys() - {deployment} or wanted & CACHES.keys() - {cache}:
                continue
            with run(**settings) as service, httpx.Client(base_url=service.url) as client:
                users = client.get("/users?limit=1000").json()["users"]
                paths = [f"/recommend?user_id={user['user_id']}&k=10" for user in users]
                for path in paths if cache == "cached" else paths[:20]:
                    answer = client.get(f"{path}&deadline_ms=30000", timeout=60).content
                table = _table(f"{deployment}, {cache}")
                rates = _measure(table, service.url, paths)
                with processes.bare(answer) as peer:
                    _measure(table, peer, ["/"], "bare route: ", rates, part=0.4)
            console.print(table)


def load(url: str, paths: Sequence[str], seconds: float, **how: float) -> Load:
    """Send a load from a process of its own: `rate`, or `connections`."""
    job = Job(url=url, paths=list(paths), seconds=seconds, deadline_ms=DEADLINE_MS, **how)
    done = subprocess.run(
        [sys.executable, "-m", "bench.generator"],
        input=job.model_dump_json(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Load.model_validate_json(done.stdout)


def _measure(
    table: Table,
    url: str,
    paths: Sequence[str],
    name: str = "",
    rates: Sequence[float] = (),
    part: float = 1.0,
) -> list[float]:
    """Add a row for each load; return the rates of the open loops, by default shares of the best.

    The machine may be faster or slower from minute to minute, so the best rate is measured again
    just before each open loop. `part` shortens all loads.
    """
    closed = {}
    for connections in CONNECTIONS:
        closed[connections] = load(url, paths, CLOSED_S * part, connections=connections)
        table.add_row(f"{name}{connections} in turns", *_cells(closed[connections]), "")
    at_best = max(closed, key=lambda connections: closed[connections].rate)
    sent = []
    for n, share in enumerate(SHARES):
        best = load(url, paths, CLOSED_S * part, connections=at_best).rate
        sent.append(rates[n] if rates else best * share)
        done = load(url, paths, OPEN_S * part, rate=sent[n])
        of_best = "" if rates else f"{done.rate / best:.0%}"
        table.add_row(f"{name}{share:.0%} = {sent[n]:.0f}/s", *_cells(done), of_best)
    table.add_section()
    return sent


def _table(title: str) -> Table:
    return Table(
        "load", "good/s", "p50 ms", "p99 ms", "p99 / p50", "max ms", "degraded", "refused",
        "other", "late by ms", "of best", title=f"/recommend?k=10, {title}",
    )  # fmt: skip


def _cells(done: Load) -> list[str]:
    p50, p99, longest = (done.latency_ms.get(name, float("nan")) for name in ("p50", "p99", "max"))
    other = {name: n for name, n in done.statuses.items() if name not in {"200", "503"}}
    answered = max(1, done.statuses.get("200", 0))
    return [
        f"{done.rate:.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{p99 / p50:.1f}", f"{longest:.0f}",
        f"{done.degraded / answered:.1%}", f"{done.statuses.get('503', 0) / done.sent:.0%}",
        ", ".join(f"{n} {name}" for name, n in other.items()), f"{max(0, done.latest_ms):.0f}",
    ]  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
