"""What benchmarks share: timing in turns, tables of medians, an engine at work."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from catalog.facts import Facts
from catalog.facts_file import batched
from models.prism.engines.protocol import Engine

console = Console()


def in_turns(rivals: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time each rival once per round, after one round that is not counted.

    Taking turns lets a drift of the machine's speed touch all alike. Returns seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for counted in [False] + [True] * rounds:
        for name, rival in rivals.items():
            started = perf_counter()
            rival()
            if counted:
                seconds[name].append(perf_counter() - started)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> str:
    """Return the median of the pairwise ratios, with the smallest and the largest."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return f"{median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f})"


def quantiles(title: str, milliseconds: Mapping[str, list[float]]) -> Table:
    """Return a table of medians and tails."""
    table = Table("", "median ms", "p90", "p99", "n", title=title)
    for name, values in milliseconds.items():
        q = np.quantile(values, [0.5, 0.9, 0.99])
        table.add_row(name, *(f"{value:.2f}" for value in q), str(len(values)))
    return table


def write_all(engine: Engine, facts: Sequence[Facts], size: int, at_once: int = 1) -> None:
    """Write Facts in batches of a size, some of them at once."""
    with ThreadPoolExecutor(at_once) as threads:
        for _ in threads.map(engine.write, batched(facts, size)):
            pass
