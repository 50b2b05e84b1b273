"""From a sentence's skeleton to what it states, by the grammar.

    you loved TT , so we suggest T , a C1 .
    liking(loved, TT), cause, offer(T), category(T, C1)

Where a skeleton has several parses, each is a reading, and each must be true.
"""

from functools import cache, lru_cache
from pathlib import Path

from models.faithfulness.reading.meaning import Meaning
from models.faithfulness.reading.parser import Parser, TooAmbiguousError
from models.faithfulness.reading.statements import Reading

REMEMBERED = 16_384
"""Skeletons whose reading is remembered."""
_FILES = ("grammar.ebnf", "descriptions.ebnf", "encouragement.ebnf")


def grammar() -> str:
    """Return the grammar, all its files."""
    here = Path(__file__).parent
    return "\n".join((here / name).read_text("utf-8") for name in _FILES)


@cache
def _parser() -> Parser:
    return Parser(grammar())


@cache
def vocabulary() -> frozenset[str]:
    """Return every symbol of the grammar: words, marks, and what the Facts fill in."""
    return frozenset(_parser().words.values())


@cache
def own_words() -> frozenset[str]:
    """Return every word of the grammar."""
    return frozenset(word for word in vocabulary() if word.isalpha() and word.islower())


def frequent() -> list[str]:
    """Return the skeletons that most sentences of the grounded engine have."""
    text = Path(__file__).with_name("skeletons.txt").read_text("utf-8")
    return text.splitlines()


def stops_at(skeleton: str) -> int:
    """Return the place of the symbol with which no rule goes on."""
    try:
        return _parser().reaches(skeleton.split(" "))
    except TooAmbiguousError:
        return 0


@lru_cache(maxsize=REMEMBERED)
def read(skeleton: str) -> tuple[Reading, ...]:
    """Return what a sentence states, in each of its readings; none if the grammar has none."""
    parser, symbols = _parser(), skeleton.split(" ")
    if not vocabulary().issuperset(symbols):
        return ()
    try:
        node = parser.parse(symbols)
        trees = [] if node is None else parser.trees(node)
    except TooAmbiguousError:
        return ()
    return tuple(dict.fromkeys(Meaning().reading(tree) for tree in trees))
