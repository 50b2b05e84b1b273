"""What it costs to believe nothing: a page of ten texts from Redis, signed, or checked again.

python -m bench.trust
"""

import asyncio
import random
import statistics
import time
from pathlib import Path

import typer
from rich.table import Table

from bench.measure import console
from catalog import dataset as datasets
from catalog.facts import Facts
from models.prism.writer import Written, grounded_text
from ranker.als import AlsRanker
from ranker.service import RankingQuery, RankingService
from service.redis.trust import Trust

_PAGES, _ROUNDS = 100, 5
_KEY = b"0" * 64


def main(data: Path = Path("data/demo"), snapshot: Path = Path("data/ranker")) -> None:
    """Print the time of a page: read as it is, signed, and checked again."""
    pages = _pages(data, snapshot)
    kinds = {"believed (the peer)": None, "signed": Trust([_KEY], "strict"),
             "checked again": Trust([], "strict")}  # fmt: skip
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(_ROUNDS):
        for kind, trust in kinds.items():
            times[kind].append(_seconds(trust, pages) / len(pages))
    peer = statistics.median(times["believed (the peer)"])
    table = Table("a page of ten", "ms (median)", "least to most", "times the peer")
    for kind, seconds in times.items():
        table.add_row(
            kind, f"{statistics.median(seconds) * 1000:.2f}",
            f"{min(seconds) * 1000:.2f} to {max(seconds) * 1000:.2f}",
            f"{statistics.median(seconds) / peer:.1f}",
        )  # fmt: skip
    console.print(table)


def _pages(data: Path, snapshot: Path) -> list[list[tuple[Facts, Written]]]:
    dataset = datasets.load(data)
    service = RankingService(dataset, AlsRanker.load(snapshot))
    users = random.Random(1).sample(dataset.user_ids, _PAGES)
    answers = service.rank([RankingQuery(user, 10) for user in users])
    return [
        [(row.facts, grounded_text(row.facts, "deadline")) for row in answer.items]
        for answer in answers
        if not isinstance(answer, Exception)
    ]


def _seconds(trust: Trust | None, pages: list[list[tuple[Facts, Written]]]) -> float:
    sealed = [
        [
            (f"prism:text:{n}", json if trust is None else trust.seal(f"prism:text:{n}", json), f)
            for n, (f, written) in enumerate(page)
            for json in [written.to_json()]
        ]
        for page in pages
    ]

    async def read() -> float:
        started = time.perf_counter()
        for page in sealed:
            if trust is None:
                assert all(Written.from_json(json) for _, json, _ in page)
            else:
                assert all(await trust.texts(page))
        return time.perf_counter() - started

    return asyncio.run(read())


if __name__ == "__main__":
    typer.run(main)
