"""From a sentence's skeleton to what it states, by the grammar.

    you loved TT , so we suggest T , a C1 .
    liking(loved, TT), cause, offer(T), category(T, C1)

Where a skeleton has several parses, each is a reading, and each must be true.
"""

import re
from functools import cache, lru_cache
from pathlib import Path

from models.faithfulness.meaning import Meaning
from models.faithfulness.parser import Parser, TooAmbiguousError
from models.faithfulness.statements import Reading

REMEMBERED = 16_384
"""Skeletons whose reading is remembered."""
_FILES = ("grammar.lark", "descriptions.lark", "encouragement.lark")
SLOTS = ("TT", "T", "NN", "NP", "NB", "N", "D", "CA", "C1", "CP", "Q", "V", "K", "S")


def grammar() -> str:
    """Return the grammar as lark reads it: one string for each word."""
    here = Path(__file__).parent
    text = "".join((here / name).read_text("utf-8") for name in _FILES)
    text = re.sub(r"//.*", "", text)
    text = re.sub(r"\n +(?=[^|\s])", " ", text)  # a rule may go on in the next line
    text = re.sub(r'"([^"\n]+)"', _word_by_word, text)
    slots = "\n".join(f'{slot}: "{slot}"' for slot in SLOTS)
    return f"{text}\n{slots}\n"


def _word_by_word(phrase: re.Match[str]) -> str:
    words = [f'"{word}"' for word in phrase[1].split()]
    return words[0] if len(words) == 1 else f"({' '.join(words)})"


@cache
def _parser() -> Parser:
    return Parser(grammar())


@cache
def own_words() -> frozenset[str]:
    """Return every word of the grammar."""
    return frozenset(re.findall(r'"([a-z]+)"', grammar()))


def stops_at(skeleton: str) -> int:
    """Return the place of the symbol with which no rule goes on."""
    try:
        return _parser().reaches(skeleton.split(" "))
    except TooAmbiguousError:
        return 0


@lru_cache(maxsize=REMEMBERED)
def read(skeleton: str) -> tuple[Reading, ...]:
    """Return what a sentence states, in each of its readings; none if the grammar has none."""
    parser = _parser()
    try:
        node = parser.parse(skeleton.split(" "))
        trees = [] if node is None else parser.trees(node)
    except TooAmbiguousError:
        return ()
    return tuple(dict.fromkeys(Meaning().reading(tree) for tree in trees))
