"""The check on 3,547 texts whose authors never saw it, true and false, over twenty kinds of things.

They were written from the contract of the Facts and the meaning of the policies alone: `open` and
`sealed` before the grammar was done, the sealed half opened once; each of the `fresh` ones was
opened when the misses of those before had been mended by kind; `varied` holds true texts alone, in
as many constructions as their author could find. The groups are

    own-false, own-true      recombined from the words of the grounded engine
    free-false, free-true    in free and inventive language
    plain-true               as a language model writes that is told to use these facts only
    beyond                   says more than the Facts do, and contradicts nothing

`python -m pytest -s tests/test_faithfulness_on_strangers.py` prints figures of
`docs/faithfulness-measured.md`.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.facts import Facts
from models.distillation.evaluate import Share
from models.faithfulness import check

CORPUS = Path(__file__).parent / "corpus"
LOTS = (
    "open",
    "sealed",
    "fresh",
    "fresh_2",
    "fresh_3",
    "fresh_4",
    "fresh_5",
    "fresh_6",
    "fresh_7",
    "fresh_8",
    "fresh_9",
    "varied",
)
GROUPS = ("own-false", "free-false", "beyond", "own-true", "plain-true", "free-true")
AMBIGUOUS = {
    "“Maus” is from 1986 and is listed under ‘Biography’, as is “Persepolis”.",
    "“Where Is Grandpa's Hat?” and “Where Is Grandpa?”, which you enjoyed, are children's books"
    " from the same author: ‘Olu Bankole’.",
}
"""True in one reading of who "which" is, or of what "as is" repeats, and false in the other:
rejected, as every reading counts."""


@dataclass(frozen=True)
class Row:
    """One text of the corpus, and what the policies say of it."""

    lot: str
    group: str
    text: str
    passes: bool
    contradicted: bool


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Return every text, checked."""
    facts = {
        row["key"]: Facts.model_validate(row["facts"])
        for row in map(json.loads, (CORPUS / "facts.jsonl").read_text("utf-8").splitlines())
    }
    found = []
    for lot in LOTS:
        for line in (CORPUS / f"{lot}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            verdict = check(row["text"], facts[row["facts"]])
            contradicted = verdict.outcome == "contradicted"
            found.append(Row(lot, row["group"], row["text"], verdict.passed, contradicted))
    return found


def test_the_corpus_is_whole(rows: Sequence[Row]) -> None:
    counts = Counter(row.group for row in rows)
    assert min(counts[group] for group in GROUPS) >= 140
    print(f"\n{'lot':8} {'group':11} {'texts':>5}  {'strict passes':25} contradicted")  # noqa: T201
    for lot in LOTS:
        for group in GROUPS:
            some = [row for row in rows if (row.lot, row.group) == (lot, group)]
            passes = Share(sum(row.passes for row in some), len(some))
            false = Share(sum(row.contradicted for row in some), len(some))
            print(f"{lot:8} {group:11} {len(some):5}  {passes!s:25} {false}")  # noqa: T201


def test_strict_lets_nothing_false_pass_and_nothing_beyond_the_facts(rows: Sequence[Row]) -> None:
    assert [
        r.text for r in rows if r.passes and r.group in {"own-false", "free-false", "beyond"}
    ] == []


def test_strict_lets_pass_what_is_true_in_words_of_its_own(rows: Sequence[Row]) -> None:
    rejected = {r.text for r in rows if r.group == "own-true" and not r.passes}
    assert len(rejected - AMBIGUOUS) <= 0.05 * sum(r.group == "own-true" for r in rows)


def test_strict_lets_most_plain_sentences_pass(rows: Sequence[Row]) -> None:
    plain = [r.passes for r in rows if r.group == "plain-true"]
    assert sum(plain) >= 0.8 * len(plain)


def test_factual_contradicts_nothing_true_and_nothing_beyond_the_facts(rows: Sequence[Row]) -> None:
    innocent = {"own-true", "plain-true", "free-true", "beyond"}
    wrong = {r.text for r in rows if r.contradicted and r.group in innocent}
    assert wrong - AMBIGUOUS == set()


def test_factual_contradicts_most_of_what_is_false_in_free_language(rows: Sequence[Row]) -> None:
    false = [r.contradicted for r in rows if r.group == "free-false"]
    assert sum(false) >= 0.8 * len(false)
