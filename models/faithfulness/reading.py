"""From a sentence's skeleton to what it states: the parse, rule by rule.

    you loved TT , so we suggest T , a C1 .
    liking(loved, TT), cause, offer(T), category(T, C1)

A statement refers to tokens, not to titles, so that one reading serves every sentence of its
skeleton. Where a skeleton has several parses, each is a reading, and each must be true.
"""

import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import cast

from models.faithfulness.claims import ClaimType
from models.faithfulness.parser import Parser, TooAmbiguousError, Tree, Word

REMEMBERED = 16_384
"""Skeletons whose reading is remembered."""


@dataclass(frozen=True, slots=True)
class Things:
    """What a statement is about: titles, or a word that stands for some.

    `titles` are tokens of the sentence; `word` is "it", "all" (of `count`) or "evidence", what is
    named of it.
    """

    titles: tuple[int, ...] = ()
    word: str = ""
    count: int = 0
    place: int = 0  # of the word

    def __bool__(self) -> bool:
        return bool(self.titles or self.word)

    def __add__(self, other: "Things") -> "Things":
        return Things(
            self.titles + other.titles,
            self.word or other.word,
            self.count or other.count,
            self.place or other.place,
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a sentence says.

    Attributes
    ----------
    type : what kind of claim it makes; "role" for what is offered
    about : the things that it is said of
    first, last : the tokens that say it
    how : which of its kind: a strength, a preposition, a unit
    values : the tokens that hold what is said
    beside : the things it is compared with
    """

    type: ClaimType
    about: Things
    first: int
    last: int
    how: str = ""
    values: tuple[int, ...] = ()
    beside: Things | None = None


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


_FILES = ("grammar.lark", "encouragement.lark")
SLOTS = ("TT", "T", "NN", "NP", "NB", "N", "D", "CA", "C1", "CP", "Q", "V", "K", "S")


@cache
def _parser() -> Parser:
    return Parser(grammar())


@cache
def own_words() -> frozenset[str]:
    """Return every word of the grammar."""
    return frozenset(re.findall(r'"([a-z]+)"', grammar()))


Reading = tuple[Statement, ...]


@lru_cache(maxsize=REMEMBERED)
def read(skeleton: str) -> tuple[Reading, ...]:
    """Return what a sentence states, in each of its readings; none if the grammar has none."""
    parser = _parser()
    try:
        node = parser.parse(skeleton.split(" "))
        trees = [] if node is None else parser.trees(node)
    except TooAmbiguousError:
        return ()
    return tuple(dict.fromkeys(_Meaning().reading(tree) for tree in trees))


class _Meaning:
    """Walks one parse; `of` returns the things that a node names."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def reading(self, tree: Tree) -> Reading:
        """Return what a whole sentence states."""
        self.of(tree, Things())
        return tuple(dict.fromkeys(self.statements))

    def of(self, tree: Tree | Word, about: Things) -> Things:
        """Take down what a node states of the things at hand."""
        if isinstance(tree, Word):
            return Things()
        handle = getattr(self, f"_{tree.rule}", self._inside)
        return cast("Things", handle(tree, about))

    def _inside(self, tree: Tree, about: Things) -> Things:
        found = Things()
        for child in tree.children:
            found += self.of(child, about)
        return found

    # ------------------------------------------------------------------ helpers

    def _slots(self, tree: Tree, *symbols: str) -> list[int]:
        return [c.place for c in tree.children if isinstance(c, Word) and c.symbol in symbols]

    def _values(self, node: Tree | Word) -> list[int]:
        """Return the tokens of a value."""
        return self._slots(node, "V", "Q", "N") if isinstance(node, Tree) else []

    def _count(self, tree: Tree) -> int:
        """Return how many "both" or "all three" are."""
        found = [_NUMBERS.get(c.symbol, 0) for c in tree.children if isinstance(c, Word)]
        found += [
            self._count(c) for c in tree.children if isinstance(c, Tree) and _is(c, "both_all")
        ]
        return max(found, default=0)

    def _words(self, tree: Tree) -> str:
        return " ".join(
            c.symbol for c in tree.children if isinstance(c, Word) and c.symbol.islower()
        )

    def _say(
        self, type_: ClaimType, tree: Tree, about: Things, how: str = "",
        values: tuple[int, ...] = (), beside: Things | None = None,
    ) -> None:  # fmt: skip
        self.statements.append(Statement(type_, about, tree.first, tree.last, how, values, beside))

    def _child(self, tree: Tree, name: str, about: Things) -> Things:
        """Return the things that the children of a name name."""
        found = Things()
        for child in tree.children:
            if _is(child, name):
                found += self.of(child, about)
        return found

    # ------------------------------------------------------------------ things

    def _name(self, tree: Tree, about: Things) -> Things:
        own = Things(tuple(self._slots(tree, "T", "TT")))
        for child in tree.children:
            if not _is(child, "name"):
                self.of(child, own)
        return self._child(tree, "name", about) + own

    def _named(self, tree: Tree, about: Things) -> Things:
        own = self._child(tree, "name", about) + self._child(tree, "named", about)
        for child in tree.children:
            if not _is(child, "name", "named", "named_open"):
                self.of(child, own)
        return own

    _named_open = _enumerated = _is_liked = _named

    def _them(self, tree: Tree, about: Things) -> Things:
        return Things(word="evidence")

    def _it(self, tree: Tree, about: Things) -> Things:
        return Things(word="it", place=tree.first)

    def _everyone(self, tree: Tree, about: Things) -> Things:
        things = Things(word="all", count=self._count(tree))
        self._say("count", tree, things)
        return things

    # ------------------------------------------------------------------ likings

    def _liked_as(self, how: str, tree: Tree, about: Things) -> Things:
        things = self._inside(tree, about)
        self._say("liking", tree, things, how)
        return things

    def _loved(self, tree: Tree, about: Things) -> Things:
        return self._liked_as("loved", tree, about)

    def _liked(self, tree: Tree, about: Things) -> Things:
        return self._liked_as("liked", tree, about)

    def _of_liked(self, tree: Tree, about: Things) -> Things:
        return self._liked_as("known", tree, about)

    _loving = _loving_of = _loved
    _liking_of = _liked
    _liked_things = _of_liked

    def _loved_it(self, tree: Tree, about: Things) -> Things:
        self._say("liking", tree, about, "loved")
        return Things()

    def _liked_it(self, tree: Tree, about: Things) -> Things:
        self._say("liking", tree, about, "liked")
        return Things()

    def _recently(self, tree: Tree, about: Things) -> Things:
        self._say("recency", tree, about)
        return Things()

    _recent = _recently

    def _cause(self, tree: Tree, about: Things) -> Things:
        self._say("relation", tree, about)
        return Things()

    def _that(self, tree: Tree, about: Things) -> Things:
        self._say("relation", tree, about, "that")
        return Things()

    # ------------------------------------------------------------------ what is offered

    def _offered(self, tree: Tree, about: Things) -> Things:
        things = self._inside(tree, about)
        self._say("role", tree, things)
        return things

    _offered_before = _offered

    def _announced(self, tree: Tree, about: Things) -> Things:
        things = self._child(tree, "offered", about)
        self._child(tree, "heading", things)
        return things

    def _which(self, tree: Tree, about: Things) -> Things:
        self._inside(tree, about)
        return Things()

    def _offers_it(self, tree: Tree, about: Things) -> Things:
        self._say("role", tree, about)
        return self._inside(tree, about)

    # ------------------------------------------------------------------ descriptions

    def _about(self, tree: Tree, about: Things) -> Things:
        things = self._child(tree, "subject", about) or self._it(tree, about)
        before = len(self.statements)
        for child in tree.children:
            if not _is(child, "subject", "alike"):
                self.of(child, things)
        for other in (self.of(c, about) for c in tree.children if _is(c, "alike")):
            self._compare(tree, before, things, other)
        return things

    def _because_like(self, tree: Tree, about: Things) -> Things:
        it = self._it(tree, about)
        before = len(self.statements)
        for child in tree.children:
            if not _is(child, "alike", "likeness"):
                self.of(child, it)
        for other in (self.of(c, about) for c in tree.children if _is(c, "alike", "likeness")):
            self._compare(tree, before, it, other)
        return Things()

    def _compared(self, tree: Tree, about: Things) -> Things:
        beside = self._child(tree, "likeness", about)
        before = len(self.statements)
        for child in tree.children:
            if not _is(child, "likeness"):
                self._compare(tree, before, self.of(child, about), beside)
        return Things()

    def _compare(self, tree: Tree, since: int, things: Things, beside: Things) -> None:
        """Say of the things beside what has been said of the things since."""
        details = {"category", "year", "decade", "attribute", "popularity"}
        for statement in self.statements[since:]:
            if statement.type in details and statement.about == things:
                self.statements.append(replace(statement, about=beside))
        self._say("role", tree, beside, "beside")

    def _genre(self, tree: Tree, about: Things) -> Things:
        for n in self._slots(tree, "CA", "C1", "CP", "Q"):
            self.statements.append(Statement("category", about, n, n, values=(n,)))
        return Things()

    def _kind(self, tree: Tree, about: Things) -> Things:
        before = len(self.statements)
        for n in self._slots(tree, "CA", "C1", "CP"):
            self.statements.append(Statement("category", about, n, n, values=(n,)))
        for child in tree.children:
            if not _is(child, "alike"):
                self.of(child, about)
        details = [s for s in self.statements[before:] if s.type == "category" and s.about == about]
        told = tuple(dict.fromkeys(n for s in details for n in s.values))
        for other in (self.of(c, about) for c in tree.children if _is(c, "alike")):
            self._compare(tree, before, about, other)
        dates = {s.values for s in self.statements[before:] if s.type in {"year", "decade"}}
        if len(dates) > 1:
            self._say("count", tree, about, "twice")
        if any(_is(c, "another") for c in tree.children):
            self._say("count", tree, about, "another", told)
        elif len(told) > 1:
            self._say("count", tree, about, "distinct", told)
        return Things()

    _kinds = _kind

    def _counted(self, tree: Tree, about: Things) -> Things:
        things = Things(about.titles, "these", self._count(tree))
        self._say("count", tree, things, "of")
        return self._kind(tree, things)

    def _each_of(self, tree: Tree, about: Things) -> Things:
        if count := self._count(tree):
            self._say("count", tree, replace(about, count=count), "of")
        return Things()

    def _theirs(self, tree: Tree, about: Things) -> Things:
        """His 1995 drama: by whoever made what was liked."""
        self._say("attribute", tree, about, "same", beside=Things(word="others"))
        return Things()

    def _year(self, tree: Tree, about: Things) -> Things:
        self._say("year", tree, about, values=tuple(self._slots(tree, "N")))
        return Things()

    def _decade(self, tree: Tree, about: Things) -> Things:
        self._say("decade", tree, about, values=tuple(self._slots(tree, "D")))
        return Things()

    def _favourite(self, tree: Tree, about: Things) -> Things:
        self._say("popularity", tree, about, "favourite")
        return Things()

    def _well_liked(self, tree: Tree, about: Things) -> Things:
        self._say("popularity", tree, about, "well_liked")
        return Things()

    # ------------------------------------------------------------------ attributes

    def _valued(self, how: str, tree: Tree, about: Things) -> Things:
        self._say("attribute", tree, about, how, tuple(self._slots(tree, "V", "Q", "N")))
        return Things()

    def _value_by(self, tree: Tree, about: Things) -> Things:
        return self._valued("by", tree, about)

    def _value_from(self, tree: Tree, about: Things) -> Things:
        return self._valued("from", tree, about)

    def _value_in(self, tree: Tree, about: Things) -> Things:
        return self._valued("in", tree, about)

    def _value_on(self, tree: Tree, about: Things) -> Things:
        return self._valued("on", tree, about)

    def _value_bare(self, tree: Tree, about: Things) -> Things:
        return self._valued("", tree, about)

    def _made_by(self, tree: Tree, about: Things) -> Things:
        return self._valued(self._words(tree), tree, about)

    _made_by_verb = _made_by

    def _maker_of(self, tree: Tree, about: Things) -> Things:
        """From V, the developer of T: of both."""
        value = tuple(self._slots(tree, "V", "Q"))
        key = tuple(self._slots(tree, "K"))
        for things in (about, self._child(tree, "things", about)):
            self._say("attribute", tree, things, "its", (*key, *value))
        return Things()

    def _maker_who(self, tree: Tree, about: Things) -> Things:
        """Directed by V, who also directed T: of both."""
        value = tuple(self._slots(tree, "V", "Q"))
        words = self._words(tree).split()
        self._say("attribute", tree, about, words[0], value)
        verb = words[words.index("who") + 1 :]
        verb = [word for word in verb if word not in {"also", "as", "well", "too"}]
        self._say("attribute", tree, self._child(tree, "things", about), verb[0], value)
        return Things()

    def _its(self, tree: Tree, about: Things) -> Things:
        """Its director is V: the value of a named attribute; also V, of what was liked as well."""
        about = self._child(tree, "subject", about) or about
        keys = self._slots(tree, "K")
        for child in tree.children:
            if _is(child, "also_value"):
                self._say("attribute", tree, about, "same", (*keys,), Things(word="others"))
                child = next(iter(cast("Tree", child).children))  # noqa: PLW2901
            if _is(child, "value"):
                self._say("attribute", tree, about, "its", (*keys, *self._values(child)))
        return Things()

    _keyed = _its

    def _as_its(self, tree: Tree, about: Things) -> Things:
        """With V as its chef."""
        values = [n for child in tree.children for n in self._values(child)]
        self._say("attribute", tree, about, "its", (*self._slots(tree, "K"), *values))
        return Things()

    def _same(self, tree: Tree, about: Things) -> Things:
        """The same director as T, V: of all of them."""
        beside = self._child(tree, "things", about) or Things(word="others")
        keys = self._slots(tree, "K")
        self._say("attribute", tree, about, "same", tuple(keys[:1]), beside)
        for child in tree.children:
            if _is(child, "value"):
                values = (*keys[:1], *self._values(child))
                self._say("attribute", tree, about, "its", values)
            elif not _is(child, "things"):
                self.of(child, about)
        return Things()

    _same_as = _same_maker = _same

    def _maker_whose(self, tree: Tree, about: Things) -> Things:
        """Taught by V, whose T you loved: of both."""
        value = tuple(self._slots(tree, "V", "Q"))
        other = self._child(tree, "name", about)
        self._say("attribute", tree, about, self._words(tree).split()[0], value)
        self._say("attribute", tree, other, "by", value)
        self._child(tree, "loved_it", other)
        self._child(tree, "liked_it", other)
        return Things()

    def _sequel(self, tree: Tree, about: Things) -> Things:
        """Its sequel T: of one series with what was liked, and later."""
        self._say("series", tree, about, "sequel", beside=Things(word="evidence"))
        return Things()

    def _same_date(self, tree: Tree, about: Things) -> Things:
        self._say("year", tree, about, self._words(tree).split()[-1], beside=Things(word="others"))
        return Things()

    def _shares(self, tree: Tree, about: Things) -> Things:
        beside = self._child(tree, "things", about) or Things(word="others")
        for thing in (c for c in tree.children if isinstance(c, Tree) and _is(c, "shared_thing")):
            for key in self._slots(thing, "K"):
                self._say("attribute", thing, about, "same", (key,), beside)
                for value in thing.children[1:]:
                    values = (key, *self._values(value))
                    self._say("attribute", thing, about, "its", values)
            self._child(thing, "genre", about)
            self._child(thing, "genre", beside)
        return Things()

    def _series_of(self, tree: Tree, about: Things) -> Things:
        self._say("series", tree, about, beside=self._inside(tree, about))
        return Things()

    def _measure(self, tree: Tree, about: Things) -> Things:
        numbers = self._slots(tree, "N", "V", "Q")
        keys = self._slots(tree, "K")
        self._say("attribute", tree, about, f"measure {self._words(tree)}", (*numbers, *keys))
        return Things()

    _measure_before = _measure_after = _measure


def _is(tree: Tree | Word, *names: str) -> bool:
    """Say whether a node is of one of the rules."""
    return isinstance(tree, Tree) and tree.rule in names


_NUMBERS = {"both": 2, "two": 2, "three": 3, "four": 4}
