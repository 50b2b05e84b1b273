"""Finds what `factual` understands of a sentence that the grammar does not read.

    Sidney Lumet made “12 Angry Men” a full year after “Network”, which you couldn't stand.
    years(12 Angry Men, +1, Network); dislike(Network)

Each pattern of patterns/ finds one statement in a sentence's skeleton. What no pattern finds is
unverifiable.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from models.faithfulness.claims import ClaimType
from models.faithfulness.reading.attributes import MADE, MAKES
from models.faithfulness.reading.symbols import NUMBERS, TENS, Token, joined
from models.faithfulness.reading.tokens import LONGEST, Sentence
from models.language.english import category_nouns

_NUMBERS = {"a": 1, "an": 1, "dozen": 12, **NUMBERS, **TENS}
_ABOUT = frozenset(
    "about around nearly almost over under roughly some barely than least most within less more "
    "every close hardly good hundred thousand approximately up fewer".split()
)
_FILES = ("words", "dates", "sizes", "things", "makers", "likings", "counts", "asides")
DECADES = {
    f"{word}ties": f"{number}0s"
    for word, number in zip(
        "twen thir for fif six seven eigh nine".split(), range(2, 10), strict=True
    )
}
"""Decades in words, without their century: "eighties"."""
_KINDS: dict[ClaimType, str] = {
    "year": "years gap elder than_all all_than century year all_from same_year",
    "liking": "liking known dislike dislike_all all_liked strong_all history no_history liked_kind",
    "negation": "not not_made not_valued unlike none none_by no_kinship no_kin never_kind pure "
    "differ first_by first_kind no_series",
    "category": "np kind all_kind so_is all_are",
    "attribute": "made made_them cast won all_made all_same same from his other its value "
    "elsewhere one_hand one_maker pronoun all_by measure bigger bigger_all not_as free not_free "
    "under biggest times as_big size seats any_size level easier fewest most solo age",
    "count": "only_it one_of_them only_one counted counted_more same_kind same_maker",
    "series": "series sequel",
    "popularity": "popular unpopular topmost",
    "relation": "cause",
    "role": "offer",
}
CLAIMED = {kind: claim for claim, kinds in _KINDS.items() for kind in kinds.split()}
"""The claim that each kind of statement makes."""

_TURNED = re.compile(
    r"(?:^| )(?:(?:not|never|nor|neither|no|without|unlike|instead of|than) $"
    r"|(?:not|never|nobody|no one|hardly|who) .{0,60}"
    r"\b(?:say|claim|pretend|call|think|believe|expect|imagine|mistake|suppose|mean)\b"
    r"|if (?:T|it|that) were )"
)
"""What comes right before something, or before all of it, and turns it round."""


_LOOK_BACK = 120
"""Letters before something that are looked at for what turns it round."""
_LONGEST = 2 * LONGEST
"""Tokens of a sentence beyond which nothing is looked for, so that no text is slow."""


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
        number = (
            int(self.token("n").text) if word == "N" else {"hundred": 100, **_NUMBERS}.get(word, 0)
        )
        unit = self.word("u")
        return number * (10 if unit[:6] == "decade" else 100 if unit[:6] == "centur" else 1)

    def is_about(self) -> bool:
        """Say whether the number of the group n is told as more or less so."""
        return self.is_bound(_ABOUT)

    def is_bound(self, words: frozenset[str]) -> bool:
        """Say whether one of the words stands right before the number of the group n."""
        place = self.starts[self.match.start("n")]
        told = {token.symbol for token in self.sentence.tokens[max(0, place - 3) : place]}
        return not told.isdisjoint(words)

    def tokens(self, group: str) -> list[Token]:
        """Return the tokens that a group has, and the one after."""
        first, last = self.match.span(group)
        return [self.sentence.tokens[n] for p, n in self.starts.items() if first <= p <= last + 1]

    def is_turned(self) -> bool:
        """Say whether the words before it may turn it round: "nobody would say that"."""
        start = self.match.start()
        return _TURNED.search(self.match.string[max(0, start - _LOOK_BACK) : start]) is not None

    def opens(self) -> bool:
        """Say whether no title stands before it in its clause."""
        tokens = self.sentence.tokens[: self.starts[self.match.start()]]
        for token in reversed(tokens):
            if token.symbol in {",", ";", ":", "and", "but", "while", ".", "?", "!"}:
                break
            if token.titles:
                return False
        return True

    def span(self) -> tuple[int, int]:
        """Return where it stands in the text."""
        inside = [n for p, n in self.starts.items() if self.match.start() <= p < self.match.end()]
        return self.sentence.tokens[inside[0]].start, self.sentence.tokens[inside[-1]].end


def spots(sentence: Sentence) -> Iterator[Spotted]:
    """Yield what is understood of a sentence: as it is, and with ever less of what is set in."""
    if len(sentence.tokens) > _LONGEST:
        return
    yield from _found(sentence)
    for aside in patterns()["aside"][1]:
        shorter = _without(aside, sentence)
        if shorter is not sentence:
            sentence = shorter
            yield from _found(sentence)


def _without(aside: re.Pattern[str], sentence: Sentence) -> Sentence:
    """Return the sentence without what the pattern finds."""
    clauses = [match.span() for match in aside.finditer(sentence.skeleton)]
    if not clauses:
        return sentence
    left = (
        sentence.tokens[n]
        for p, n in _starts(sentence).items()
        if not any(a <= p < b for a, b in clauses)
    )
    return Sentence([joined(replace(token) for token in left)])


def _starts(sentence: Sentence) -> dict[int, int]:
    """Return where in the skeleton each token starts."""
    starts, position = {}, 0
    for n, token in enumerate(sentence.tokens):
        starts[position] = n
        position += len(token.symbol) + 1
    return starts


def _found(sentence: Sentence) -> Iterator[Spotted]:
    starts, skeleton = _starts(sentence), sentence.skeleton
    for kind, (needed, known) in patterns().items():
        if kind == "aside" or (needed is not None and not needed.search(skeleton)):
            continue
        for pattern in known:
            for match in pattern.finditer(skeleton):
                spot = Spotted(kind, sentence, match, starts)
                if not spot.is_turned():
                    yield spot


@cache
def patterns() -> dict[str, tuple[re.Pattern[str] | None, list[re.Pattern[str]]]]:
    """Return the patterns of patterns/ by their kind, and what a sentence needs for them."""
    macros = {
        "NUMBERS": "|".join(_NUMBERS),
        "DECADES": "|".join(DECADES),
        "MADE": "|".join(MADE),
        "MAKES": "|".join(MAKES),
        "NOUNS": "|".join(category_nouns()),
    }
    needed: dict[str, re.Pattern[str]] = {}
    found: dict[str, list[re.Pattern[str]]] = {}
    for line in _lines():
        name, divider, pattern = re.split(r"(: | needs )", line, maxsplit=1)
        pattern = re.sub(r"\{([A-Z_]+)\}", lambda macro: macros[macro[1]], pattern)
        if name.isupper():
            macros[name] = pattern
            continue
        compiled = re.compile(rf"(?<!\S)(?:{pattern})(?!\S)")
        if divider == ": ":
            found.setdefault(name, []).append(compiled)
        else:
            needed[name] = compiled
    return {kind: (needed.get(kind), known) for kind, known in found.items()}


def _lines() -> list[str]:
    """Return the entries of the files, each as one line."""
    folder = Path(__file__).parent / "patterns"
    text = "\n".join((folder / f"{name}.txt").read_text("utf-8") for name in _FILES)
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\n +(?=\||\{(?:NEAR|GAP|REST|MODS))", "", text)
    return [line for line in re.sub(r"\n +", " ", text).splitlines() if line.strip()]
