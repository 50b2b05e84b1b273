"""`/recommend?k=10` over HTTP, one request at a time, and where its time goes.

Starts the embedded service as a process of its own, and beside it a bare FastAPI app that returns
the bytes of one of its answers: what HTTP and the framework cost by themselves.
"""

import re
from collections import defaultdict
from time import perf_counter

import httpx

from bench import processes
from bench.measure import console, quantiles

USERS = 300
_STAGE = re.compile(r"(\w+);dur=([\d.]+)")


def main() -> None:
    """Print latencies and stages."""
    with processes.embedded() as service, httpx.Client(base_url=service.url, timeout=30) as client:
        users = [u["user_id"] for u in client.get("/users?limit=1000").json()["users"]][:USERS]
        body = client.get("/recommend?user_id=1&k=10").content
        with processes.bare(body) as peer, httpx.Client(base_url=peer, timeout=30) as bare:
            _measure(client, bare, users)


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


if __name__ == "__main__":
    main()
