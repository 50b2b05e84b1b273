"""The faithfulness check: the time of a text, cold and remembered, and of a parse beside lark's.

python -m bench.check
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import typer
from lark import Lark
from rich.table import Table

from bench.measure import console
from catalog import dataset as datasets
from catalog.facts import Facts
from models.faithfulness import check
from models.faithfulness.reading.notation import Rules
from models.faithfulness.reading.parser import Parser
from models.faithfulness.reading.readings import grammar, own_words, read
from models.faithfulness.reading.tokens import sentences_of
from models.language.grounded import explain
from ranker.als import AlsRanker
from ranker.service import RankingQuery, RankingService

_TEXTS, _SENTENCES, _ROUNDS = 6_000, 40, 5


def main(data: Path = Path("data/demo"), snapshot: Path = Path("data/ranker")) -> None:
    """Print both tables."""
    facts = _facts(data, snapshot)[:_TEXTS]
    texts = [explain(one) for one in facts]
    check(texts[0], facts[0])  # the grammar is loaded
    read.cache_clear()
    rounds = [_seconds(texts, facts) for _ in range(1 + _ROUNDS)]
    table = Table("texts of the demo", "ms a text", title=f"{len(texts):,} texts")
    table.add_row("the first time", f"{rounds[0] / len(texts) * 1000:.2f}")
    table.add_row("remembered", f"{statistics.median(rounds[1:]) / len(texts) * 1000:.2f}")
    console.print(table)
    skeletons = sorted(
        {s.skeleton for t, f in zip(texts, facts, strict=True)
         for s in sentences_of(t, f, own_words())}
    )  # fmt: skip
    console.print(f"{len(skeletons)} skeletons of sentences")
    _parsers(random.Random(1).sample(skeletons, min(_SENTENCES, len(skeletons))))


def _facts(data: Path, snapshot: Path) -> list[Facts]:
    dataset = datasets.load(data)
    service = RankingService(dataset, AlsRanker.load(snapshot))
    answers = service.rank([RankingQuery(user, 10) for user in dataset.user_ids])
    return [row.facts for a in answers if not isinstance(a, Exception) for row in a.items]


def _seconds(texts: Sequence[str], facts: Sequence[Facts]) -> float:
    started = time.perf_counter()
    for text, one in zip(texts, facts, strict=True):
        check(text, one)
    return time.perf_counter() - started


def _for_lark(loaded: Rules) -> str:
    """Return the rules in lark's notation, under names that it takes."""

    def told(symbol: str) -> str:
        return f'"{symbol[1:]}"' if symbol[0] == "=" else f"r{symbol}"

    lines = [
        f"r{name}: " + " | ".join(" ".join(map(told, one)) for one in found)
        for name, found in loaded.rules.items()
    ]
    return "\n".join([*lines, "%ignore / /", ""])


def _parsers(skeletons: Sequence[str]) -> None:
    ours = Parser(grammar())
    text = _for_lark(Rules(grammar()))
    peer = Lark(text, start="rstart", parser="earley", lexer="basic", ambiguity="explicit")
    ways: dict[str, Callable[[str], object]] = {
        "ours": lambda skeleton: ours.parse(skeleton.split(" ")),
        "lark's Earley (the peer)": peer.parse,
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for skeleton in skeletons:
        for way, parse in ways.items():
            started = time.perf_counter()
            parse(skeleton)
            times[way].append(time.perf_counter() - started)
    medians = {way: statistics.median(seconds) for way, seconds in times.items()}
    table = Table("parser", "ms a sentence (median)", "times ours")
    for way, seconds in medians.items():
        table.add_row(way, f"{seconds * 1000:.2f}", f"{seconds / medians['ours']:.0f}")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
