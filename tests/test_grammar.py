"""The grammar of the check: whatever of the Facts stands in a sentence that it reads is judged.

A construction that reads a title or a category and states nothing of it would let it pass
unchecked: "You enjoyed the thrillers “A” and “B”" of two comedies. So sentences are drawn from the
grammar's own rules, and each of their slots must be in a statement of every reading.
"""

import random

import pytest

from models.faithfulness.reading.notation import Alternatives, Rules
from models.faithfulness.reading.readings import grammar, read

SLOTS = {"T", "TT", "N", "D", "CA", "C1", "CP", "Q", "V"}
DRAWN, LONGEST = 3_000, 40
RULES: dict[str, Alternatives] = Rules(grammar()).rules


def depths() -> dict[str, int]:
    """Return how deep each rule is at the least."""
    found = dict.fromkeys(RULES, 99)
    for _ in range(len(RULES)):
        before = dict(found)
        for name, alternatives in RULES.items():
            least = (max((found.get(s, 0) for s in one), default=0) for one in alternatives)
            found[name] = min(found[name], 1 + min(least))
        if before == found:
            break
    return found


def drawn(name: str, depth: int, least: dict[str, int], dice: random.Random) -> list[str]:
    """Return the symbols of a sentence of a rule, no deeper than told where it can be helped."""
    alternatives = RULES[name]
    if depth <= 0:
        alternatives = [
            min(alternatives, key=lambda one: max((least.get(s, 0) for s in one), default=0))
        ]
    found: list[str] = []
    for symbol in dice.choice(alternatives):
        if len(found) > LONGEST:
            break
        is_word = symbol[0] == "="
        found += [symbol[1:]] if is_word else drawn(symbol, depth - 1, least, dice)
    return found


def test_whatever_of_the_facts_is_read_is_judged() -> None:
    dice, least = random.Random(1), depths()
    readings, unjudged = 0, set()
    for _ in range(DRAWN):
        symbols = drawn("start", dice.randint(8, 16), least, dice)
        for reading in read(" ".join(symbols)) if len(symbols) <= LONGEST else ():
            readings += 1
            judged = {n for s in reading for n in (*s.values, *s.about.titles)}
            judged |= {n for s in reading if s.beside for n in s.beside.titles}
            if any(w in SLOTS and n not in judged for n, w in enumerate(symbols)):
                unjudged.add(" ".join(symbols))
    assert readings > DRAWN / 4
    assert unjudged == set()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("start: one", "no such rules: one"),
        ('start: "a"\nstart: "b"', "start is there twice"),
        ('start: ("a"', "a parenthesis is not closed"),
        ('start: "a" + "b"', "'+' is nothing here"),
        ("Start: T", "no rule"),
    ],
)
def test_what_is_no_grammar_is_named(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("+", r"\+")):
        Rules(text)
