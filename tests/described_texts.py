"""True texts of an open language, and the same recombined until they are false.

`corpus/described.jsonl` has Facts with descriptions over 15 kinds of things, and true texts of
them, as a language model may write. Each text says which of its phrases may be exchanged (`swap`),
how it is turned round (`negate`), and what of it belongs to another owner (`owner`); numbers and
titles are changed by code. `false` holds more false texts, written by hand when the check was done.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from catalog.facts import Facts
from models.faithfulness.reading.symbols import NUMBERS

CORPUS = Path(__file__).parent / "corpus" / "described.jsonl"


def exchanged(text: str, one: str, other: str) -> str:
    """Return a text with two of its phrases in each other's place."""
    return text.replace(one, "\0").replace(other, one).replace("\0", other)


def recombined(told: Mapping[str, Any], facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield false texts made of a true one, each with its kind."""
    text = told["text"]
    if "swap" in told:
        yield "subject and object swapped", exchanged(text, *told["swap"])
    yield "negated", text.replace(*told["negate"], 1)
    yield "what another has", exchanged(text, *told["owner"])
    item, entry = f"“{facts.item.title}”", f"“{facts.evidence[0].title}”"
    yield "said of another", exchanged(text, item, entry)
    words = {
        word: other for word, n in NUMBERS.items() for other, m in NUMBERS.items() if m == n + 1
    }
    number = re.compile(rf"\b(?:\d+|{'|'.join(words)})\b")
    for match in number.finditer(re.sub("“[^”]*”", lambda m: "-" * len(m[0]), text)):
        other = words.get(match[0]) or str(int(match[0]) + 3)
        yield "number changed", text[: match.start()] + other + text[match.end() :]


def _rows() -> Iterator[tuple[dict[str, Any], Facts]]:
    for row in map(json.loads, CORPUS.read_text("utf-8").splitlines()):
        yield row, Facts.model_validate(row["facts"])


def true_texts() -> list[tuple[dict[str, Any], Facts]]:
    """Return the true texts, with how they are recombined."""
    return [(told, facts) for row, facts in _rows() for told in row["texts"]]


def false_texts() -> list[tuple[str, str, Facts]]:
    """Return the recombined texts and those written by hand, each after its kind."""
    found = [(kind, text, f) for told, f in true_texts() for kind, text in recombined(told, f)]
    return found + [("by hand", text, facts) for row, facts in _rows() for text in row["false"]]
