"""Text as a chain of content words, each with how it follows the one before.

    A cosy diner in Rome, without music.
    cosy -> diner -in-> Rome -without-> music (not)

The words of licensed.txt join, turn round or separate; every other word is content.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from models.faithfulness.describing.lemmas import lemmas
from models.faithfulness.reading.symbols import NUMBERS

_WORD = re.compile(
    r"(?P<number>[$€£]?\d+(?:[.,:]\d+)*(?:%|\w+)?)"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*(?:[-‑][^\W_]+)*)|(?P<other>\S)"
)
_CONTRACTED = {"n't": "not", "'s": "'s", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would",
               "'m": "am"}  # fmt: skip
_IS = {"it's", "that's", "there's", "he's", "she's", "who's", "here's", "what's"}
_SILENT = {'"', "'", "‘", "’", "“", "”", "*", "…"}
_PLAIN_NOT = frozenset(
    "not no never without nothing nobody none neither nor cannot minus sans".split()
)
_HAVE = frozenset({"has", "have", "had", "having"})


@dataclass(frozen=True, slots=True)
class Word:
    """One word, number or mark: `text[start:end]`, and its kind, a name of licensed.txt.

    Besides these: WORD and NUMBER are content, MARK is anything else, and a caller may have marked
    what it knows as MENTION, CATEGORY or VALUE. A name has a capital.
    """

    text: str
    kind: str
    start: int
    end: int
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A content word in a chain.

    Attributes
    ----------
    word : it
    keys : its lemmas; "#3" of a number
    how : the prepositions between the one before and it, "be" and "'s"
    joint : "list" after "and" or a comma, "break" where a clause ends, else ""
    bare : whether nothing stands between
    determiner : the last word that only points: a, the, its, 's
    turned : the words that turn it round or make it only possible: not, try
    """

    word: Word
    keys: frozenset[str]
    how: tuple[str, ...] = ()
    joint: str = ""
    bare: bool = False
    determiner: str = ""
    turned: frozenset[str] = frozenset()


@cache
def licensed() -> dict[str, frozenset[str]]:
    """Return the words and phrases of licensed.txt by kind."""
    text = Path(__file__).with_name("licensed.txt").read_text("utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    found: dict[str, frozenset[str]] = {}
    for kind, told in re.findall(r"^([A-Z]+):((?:.|\n )*)", text, re.MULTILINE):
        found[kind] = frozenset(word.replace("_", " ") for word in told.split())
    return found


_SPECIAL = ("STRONG", "PAST", "MODAL", "CAUSE")
"""Kinds that only say more of a word of another kind."""


@cache
def _kinds() -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, words in licensed().items():
        if kind not in _SPECIAL:
            for word in words:
                found.setdefault(word, kind)
    return found


@cache
def _longest() -> int:
    return max(len(phrase.split()) for phrase in _kinds())


def words_of(
    text: str, marked: Mapping[int, Word], start: int = 0, end: int | None = None
) -> list[Word]:
    """Return the words of `text[start:end]`; at the places of `marked` stands what is known."""
    found: list[Word] = []
    position, end = start, len(text) if end is None else end
    while match := _WORD.search(text, position, end):
        known = marked.get(match.start())
        if known is not None:
            found.append(known)
            position = known.end
            continue
        found += _split(match)
        position = match.end()
    return list(_joined(found))


def _split(match: re.Match[str]) -> Iterator[Word]:
    start, end, raw = match.start(), match.end(), match[0].casefold().replace("’", "'")
    if match["number"]:
        yield Word(raw.replace(",", ""), "NUMBER", start, end)
        return
    if match["other"]:
        if raw not in _SILENT:
            yield Word(raw, "MARK", start, end)
        return
    for ending, full in _CONTRACTED.items():
        stem = raw.removesuffix(ending)
        if stem != raw and stem:
            if ending == "n't":
                stem = {"ca": "can", "wo": "will"}.get(stem, stem)
            yield Word(stem, _kind(stem), start, end - len(ending))
            told = "is" if raw in _IS else full
            yield Word(told, "'S" if told == "'s" else _kind(told), end - len(ending), end)
            return
    yield Word(raw, _kind(raw), start, end, match[0][0].isupper())


def _kind(word: str) -> str:
    return "NUMBER" if word in NUMBERS and word != "one" else _kinds().get(word, "WORD")


def _joined(words: Sequence[Word]) -> Iterator[Word]:
    """Yield the words with every licensed phrase as one."""
    n = 0
    while n < len(words):
        for size in range(_longest(), 1, -1):
            some = words[n : n + size]
            phrase = " ".join(word.text for word in some)
            if len(some) == size and phrase in _kinds():
                yield Word(phrase, _kinds()[phrase], some[0].start, some[-1].end)
                n += size
                break
        else:
            yield words[n]
            n += 1


_CONTENT = frozenset(
    "WORD NUMBER MENTION CATEGORY VALUE SHOWS LIKING READER READERS RECOMMEND KIND GENERIC".split()
)


def keys_of(word: Word) -> frozenset[str]:
    """Return the lemmas of a word; of a number its digits."""
    if word.kind == "NUMBER":
        return frozenset({f"#{NUMBERS.get(word.text, word.text)}"})
    return lemmas(word.text)


def chain(words: Sequence[Word]) -> list[Node]:
    """Return the content words of a sentence, each with how it follows the one before."""
    found: list[Node] = []
    between: list[Word] = []
    turned: set[str] = set()
    for n, raw in enumerate(words):
        after = words[n + 1] if n + 1 < len(words) else None
        word = _in_place(raw, after, between, found)
        if word.kind in {"NOT", "UNREAL"}:
            turned.add(_turn(word))
            if word.text == "without":
                between.append(word)
            continue
        if word.kind == "BREAK" or (word.kind == "MARK" and word.text not in ",-/&"):
            turned = set()
        if word.kind not in _CONTENT:
            between.append(word)
            continue
        found.append(_node(word, between, frozenset(turned), bool(found)))
        between = []
    return found


def _in_place(
    word: Word, after: Word | None, between: Sequence[Word], found: Sequence[Node]
) -> Word:
    """Return a word as what it is where it stands: "has", "like", "try" and "it" may be several."""
    if word.text in _HAVE and after is not None and not _is_participle(after):
        return replace(word, kind="SHOWS")
    begins = not found or found[-1].word.kind in {"READER", "READERS", "RECOMMEND"}
    if begins and word.text in licensed()["RECOMMEND"]:
        return replace(word, kind="RECOMMEND")
    if word.text == "it":  # a thing, which its owner decides
        return replace(word, kind="MENTION")
    if word.text == "like" and _is_verb(between, found):
        return replace(word, kind="LIKING")
    return word


def _turn(word: Word) -> str:
    """Return what a word does to those after it: "not", "not refuse", "hope"."""
    if word.text in _PLAIN_NOT:
        return "not"
    lemma = min(lemmas(word.text), key=len)
    return f"not {lemma}" if word.kind == "NOT" else lemma


def _is_participle(word: Word) -> bool:
    """Say whether a word may follow "has" as its verb: has been, has lost."""
    irregular = lemmas(word.text) - {word.text} and not word.text.endswith("s")
    return word.kind in {"BE", "NOT"} or word.text.endswith(("ed", "en")) or bool(irregular)


def _is_verb(between: Sequence[Word], found: Sequence[Node]) -> bool:
    """Say whether "like" is one: after you, or a modal."""
    modal = any(word.text in licensed()["MODAL"] for word in between)
    return modal or bool(found and found[-1].word.kind in {"READER", "READERS"})


def _node(word: Word, between: Sequence[Word], turned: frozenset[str], follows: bool) -> Node:
    how = tuple(
        {"BE": "be"}.get(w.kind, "'s" if w.text == "whose" else w.text)
        for w in between
        if w.kind in {"PREPOSITION", "BE", "'S"} or w.text in {"without", "whose"}
    )
    is_list = any(w.kind == "JOINT" or w.text in {",", "/"} for w in between)
    is_break = any(
        w.kind == "BREAK" or (w.kind == "MARK" and w.text not in ",/&-") for w in between
    )
    joint = "break" if is_break else "list" if is_list else ""
    pointing = [w.text for w in between if w.kind in {"DETERMINER", "'S"}]
    determiner = pointing[-1] if pointing else ""
    return Node(word, keys_of(word), how, joint, follows and not between, determiner, turned)
