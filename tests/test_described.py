"""The policy `described` on true texts of an open language, and on the same recombined.

`corpus/described.jsonl` has Facts with descriptions over 16 kinds of things, and true texts of
them, as a language model may write. Each text says which of its phrases may be exchanged (`swap`),
how it is turned round (`negate`), and what of it belongs to another owner (`owner`); numbers and
titles are changed by code. `python -m pytest -s tests/test_described.py` prints the table of
`docs/faithfulness.md`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from catalog.facts import Facts
from models.distillation.evaluate import Share
from models.faithfulness import check
from models.faithfulness.symbols import NUMBERS

CORPUS = Path(__file__).parent / "corpus" / "described.jsonl"
Row = tuple[str, str, Facts]


def exchanged(text: str, one: str, other: str) -> str:
    """Return a text with two of its phrases in each other's place."""
    return text.replace(one, "\0").replace(other, one).replace("\0", other)


def recombined(told: Mapping[str, str], facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield false texts made of a true one, each with its kind."""
    text = told["text"]
    if "swap" in told:
        yield "subject and object swapped", exchanged(text, *told["swap"])
    yield "negated", text.replace(*told["negate"], 1)
    yield "what another has", exchanged(text, *told["owner"])
    item, entry = f"“{facts.item.title}”", f"“{facts.evidence[0].title}”"
    yield "said of another", exchanged(text, item, entry)
    words = {word: other for word, n in NUMBERS.items() for other, m in NUMBERS.items() if m == n + 1}
    number = re.compile(rf"\b(?:\d+|{'|'.join(words)})\b")
    for match in number.finditer(re.sub("“[^”]*”", lambda m: "-" * len(m[0]), text)):
        other = words.get(match[0]) or str(int(match[0]) + 3)
        yield "number changed", text[: match.start()] + other + text[match.end() :]


@pytest.fixture(scope="module")
def corpus() -> list[tuple[dict[str, str], Facts]]:
    rows = map(json.loads, CORPUS.read_text("utf-8").splitlines())
    return [(told, Facts.model_validate(r["facts"])) for r in rows for told in r["texts"]]


@pytest.fixture(scope="module")
def false(corpus: list[tuple[dict[str, str], Facts]]) -> list[Row]:
    return [(kind, text, f) for told, f in corpus for kind, text in recombined(told, f)]


def test_most_true_texts_pass(corpus: list[tuple[dict[str, str], Facts]]) -> None:
    passed = sum(check(told["text"], facts, "described").passed for told, facts in corpus)
    print(f"\n{'true':27} pass {Share(passed, len(corpus))}")  # noqa: T201
    assert passed >= 0.7 * len(corpus)


def test_hardly_any_recombined_text_passes(false: list[Row]) -> None:
    assert len(false) >= 200
    missed, strays = Counter[str](), []
    for kind, text, facts in false:
        if check(text, facts, "described").passed:
            missed[kind] += 1
            strays.append(text)
    for kind, count in Counter(kind for kind, _, _ in false).items():
        print(f"{kind:27} pass {Share(missed[kind], count)}")  # noqa: T201
    print(f"{'all recombined':27} pass {Share(len(strays), len(false))}")  # noqa: T201
    assert len(strays) <= 0.05 * len(false), strays
