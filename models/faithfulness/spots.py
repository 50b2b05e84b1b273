"""Finds what `factual` understands of a sentence that the grammar does not read.

    Sidney Lumet made “12 Angry Men” a full year after “Network”, which you couldn't stand.
    years(12 Angry Men, +1, Network); dislike(Network)

Each pattern of spots.txt finds one statement in a sentence's skeleton. What no pattern finds is
unverifiable.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.faithfulness.attributes import MADE, MAKES
from models.faithfulness.claims import ClaimType
from models.faithfulness.symbols import NUMBERS, Token
from models.faithfulness.tokens import Sentence
from models.language.english import category_nouns

_NUMBERS = {"a": 1, "dozen": 12, **NUMBERS}
DECADES = {
    f"{word}ties": f"{number}0s"
    for word, number in zip(
        "twen thir for fif six seven eigh nine".split(), range(2, 10), strict=True
    )
}
"""Decades in words, without their century: "eighties"."""
CLAIMED: dict[str, ClaimType] = {
    "years": "year", "order": "year", "extreme": "year", "year": "year", "all_from": "year",
    "same_year": "year",
    "liking": "liking", "dislike": "liking", "all_liked": "liking",
    "cause": "relation",
    "not": "negation", "not_made": "negation", "none": "negation",
    "kind": "category", "noun": "category",
    "made": "attribute", "all_made": "attribute", "all_same": "attribute", "same": "attribute",
    "measure": "attribute", "more": "attribute", "from": "attribute", "his": "attribute",
    "other": "attribute", "biggest": "attribute",
    "only_one": "count", "counted": "count",
    "series": "series", "no_series": "series",
    "topmost": "popularity", "popular": "popularity", "unpopular": "popularity",
    "offer": "role",
}  # fmt: skip
"""The claim that each kind of statement makes."""


_CLAUSE = re.compile(
    r"(?<= ), (?:which|that|who|whom|whose|an? \S+|both of which|all of which|all three of which) "
    r"you(?: \S+){1,4}?(?: ,(?= )|(?= [.;!?]))"
)
"""A clause between commas that says what was liked: ", which you loved,"."""


@dataclass(frozen=True, slots=True)
class Spotted:
    """One statement found in a sentence: its kind, and the tokens where its groups start."""

    kind: str
    sentence: Sentence
    match: re.Match[str]
    starts: dict[int, int]

    def token(self, group: str) -> Token:
        """Return the token where a group starts."""
        return self.sentence.tokens[self.starts[self.match.start(group)]]

    def word(self, group: str) -> str:
        """Return what the group has of the skeleton."""
        return self.match.groupdict().get(group) or ""

    def number(self) -> int:
        """Return the number of the group n: digits or a word."""
        word = self.word("n")
        return int(self.token("n").text) if word == "N" else _NUMBERS[word]

    def span(self) -> tuple[int, int]:
        """Return where it stands in the text."""
        inside = [n for p, n in self.starts.items() if self.match.start() <= p < self.match.end()]
        return self.sentence.tokens[inside[0]].start, self.sentence.tokens[inside[-1]].end


def spots(sentence: Sentence) -> Iterator[Spotted]:
    """Yield what is understood of a sentence, as it is and without its relative clauses."""
    yield from _found(sentence)
    starts = _starts(sentence)
    clauses = [match.span() for match in _CLAUSE.finditer(sentence.skeleton)]
    if clauses:
        inside = {n for p, n in starts.items() if any(a <= p < b for a, b in clauses)}
        yield from _found(Sentence([[t for n, t in enumerate(sentence.tokens) if n not in inside]]))


def _starts(sentence: Sentence) -> dict[int, int]:
    """Return where in the skeleton each token starts."""
    starts, position = {}, 0
    for n, token in enumerate(sentence.tokens):
        starts[position] = n
        position += len(token.symbol) + 1
    return starts


def _found(sentence: Sentence) -> Iterator[Spotted]:
    starts, skeleton = _starts(sentence), sentence.skeleton
    for kind, pattern in patterns():
        for match in pattern.finditer(skeleton):
            yield Spotted(kind, sentence, match, starts)


@cache
def patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return the patterns of spots.txt, each with its kind, in their order."""
    macros = {
        "NUMBERS": "|".join(_NUMBERS),
        "DECADES": "|".join(DECADES),
        "MADE": "|".join(MADE),
        "MAKES": "|".join(MAKES),
        "NOUNS": "|".join(category_nouns()),
    }
    found: list[tuple[str, re.Pattern[str]]] = []
    text = Path(__file__).with_name("spots.txt").read_text("utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\n +(?=\|)", "", text)
    text = re.sub(r"\n +", " ", text)
    for line in filter(None, text.splitlines()):
        name, pattern = line.split(": ", 1)
        pattern = re.sub(r"\{([A-Z_]+)\}", lambda macro: macros[macro[1]], pattern)
        if name.isupper():
            macros[name] = pattern
        else:
            found.append((name, re.compile(rf"(?<!\S)(?:{pattern})(?!\S)")))
    return found
