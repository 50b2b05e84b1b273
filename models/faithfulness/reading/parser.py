"""Every parse of a sentence by the grammar.

It goes from the top down, remembers what a rule reads from where, and tries nothing that cannot
begin with the word at hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

from models.faithfulness.reading.notation import Rules

_MOST = 64
"""Parses of one node beyond which a sentence is too ambiguous to be read."""


class TooAmbiguousError(ValueError):
    """A sentence has more parses than anybody would look at."""


@dataclass(frozen=True, slots=True)
class Word:
    """A symbol of the skeleton, and its place in it."""

    symbol: str
    place: int


@dataclass(slots=True)
class Node:
    """What a rule reads of a sentence: symbols `first` to `last`, in one way or in several."""

    rule: str
    first: int
    last: int
    parses: list[list["Node | Word"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tree:
    """One parse of what a rule reads: without inline rules, and without mere words."""

    rule: str
    first: int
    last: int
    children: tuple["Tree | Word", ...]


_Children = tuple[Tree | Word, ...]


@dataclass(frozen=True, slots=True)
class _Alternative:
    symbols: tuple[str, ...]
    heads: tuple[frozenset[str] | None, ...]
    """What may come next at each symbol; None where nothing need come."""


class Parser:
    """Reads by a grammar (see `models.faithfulness.reading.notation`)."""

    def __init__(self, grammar: str) -> None:
        loaded = Rules(grammar)
        rules, self._kept = loaded.rules, loaded.kept
        everything = {s for found in rules.values() for one in found for s in one}
        self.words = {symbol: symbol[1:] for symbol in everything if symbol[0] == "="}
        heads = _heads(rules, self.words)
        _check_recursion(rules, heads)
        self._plain: dict[str, list[_Alternative]] = {}
        self._left: dict[str, list[_Alternative]] = {}  # those that begin with the rule itself
        for name, alternatives in rules.items():
            made = [_alternative(one, heads, self.words) for one in alternatives]
            self._plain[name] = [a for a in made if a.symbols[:1] != (name,)]
            self._left[name] = [a for a in made if a.symbols[:1] == (name,)]

    def parse(self, symbols: Sequence[str]) -> Node | None:
        """Return how the start rule reads all the symbols, None if it does not.

        Raises TooAmbiguousError.
        """
        return _Reading(self, [*symbols, ""]).rule("start", 0).get(len(symbols))

    def reaches(self, symbols: Sequence[str]) -> int:
        """Return how many symbols can be read before one that no rule goes on with."""
        reading = _Reading(self, [*symbols, ""])
        reading.rule("start", 0)
        return reading.reached

    def trees(self, node: Node) -> list[Tree]:
        """Return every parse of a sentence. Raises TooAmbiguousError."""
        return [
            Tree(node.rule, node.first, node.last, children) for children in self._ways(node, {})
        ]

    def _ways(self, node: Node, known: dict[int, list[_Children]]) -> list[_Children]:
        """Return the children of each parse, those of inline rules in the place of these."""
        if id(node) not in known:
            kept = node.rule in self._kept
            found = (
                tuple(child for children in way for child in children)
                for parts in node.parses
                for way in product(*(self._part(part, kept, known) for part in parts))
            )
            known[id(node)] = list(dict.fromkeys(islice(found, _MOST + 1)))
        if len(known[id(node)]) > _MOST:
            raise TooAmbiguousError
        return known[id(node)]

    def _part(
        self, part: Node | Word, kept: bool, known: dict[int, list[_Children]]
    ) -> list[_Children]:
        if isinstance(part, Word):
            return [(part,)] if kept or part.symbol.isupper() else [()]
        ways = self._ways(part, known)
        if part.rule.startswith("_"):
            return ways
        return [(Tree(part.rule, part.first, part.last, children),) for children in ways]


class _Reading:
    """One sentence being read: what each rule reads from each place, by where it ends."""

    def __init__(self, parser: Parser, symbols: list[str]) -> None:
        self._parser, self._symbols = parser, symbols
        self._known: dict[tuple[str, int], dict[int, Node]] = {}
        self.reached = 0

    def rule(self, name: str, place: int) -> dict[int, Node]:
        """Return what a rule reads from a place on, by the end."""
        key = (name, place)
        if key in self._known:
            return self._known[key]
        found: dict[int, Node] = {}
        self._known[key] = found
        for alternative in self._parser._plain[name]:
            for end, parts in self._sequence(alternative, 0, place):
                self._add(found, name, place, end, parts)
        waiting = list(found)
        for end in waiting:
            for alternative in self._parser._left[name]:
                for further, parts in self._sequence(alternative, 1, end):
                    waiting += [] if further in found else [further]
                    self._add(found, name, place, further, [found[end], *parts])
        return found

    def _add(
        self, found: dict[int, Node], name: str, place: int, end: int, parts: list[Node | Word]
    ) -> None:
        node = found.get(end)
        if node is None:
            node = found[end] = Node(name, place, end - 1)
        if parts not in node.parses:
            node.parses.append(parts)
        if len(node.parses) > _MOST:
            raise TooAmbiguousError

    def _sequence(
        self, alternative: _Alternative, n: int, place: int
    ) -> Iterator[tuple[int, list[Node | Word]]]:
        """Yield every way to read the symbols from the n-th on: where it ends, its parts."""
        if n == len(alternative.symbols):
            yield place, []
            return
        heads = alternative.heads[n]
        if heads is not None and self._symbols[place] not in heads:
            return
        name = alternative.symbols[n]
        word = self._parser.words.get(name)
        if word is not None:
            if word == self._symbols[place]:
                self.reached = max(self.reached, place + 1)
                for end, rest in self._sequence(alternative, n + 1, place + 1):
                    yield end, [Word(word, place), *rest]
            return
        for end, node in list(self.rule(name, place).items()):
            for last, rest in self._sequence(alternative, n + 1, end):
                yield last, [node, *rest]


def _check_recursion(
    rules: dict[str, list[tuple[str, ...]]], heads: dict[str, tuple[frozenset[str], bool]]
) -> None:
    """Raise ValueError where a rule begins with itself by way of another, which is not read."""
    begins: dict[str, set[str]] = {}
    for name, expansions in rules.items():
        corner = begins.setdefault(name, set())
        for expansion in expansions:
            for symbol in expansion:
                if symbol in rules:
                    corner.add(symbol)
                if symbol not in rules or not heads[symbol][1]:
                    break
        corner.discard(name)
    while begins:
        free = [name for name, corner in begins.items() if not corner & begins.keys()]
        if not free:
            raise ValueError(f"rules begin with each other: {', '.join(sorted(begins))}")
        for name in free:
            del begins[name]


def _heads(
    rules: dict[str, list[tuple[str, ...]]], words: dict[str, str]
) -> dict[str, tuple[frozenset[str], bool]]:
    """Return for each rule the words that it may begin with, and whether it may read nothing."""
    found = {name: (frozenset[str](), False) for name in rules}
    while True:
        before = dict(found)
        for name, expansions in rules.items():
            for expansion in expansions:
                heads, empty = _begins(expansion, found, words)
                found[name] = (found[name][0] | heads, found[name][1] or empty)
        if found == before:
            return found


def _begins(
    symbols: Sequence[str], heads: dict[str, tuple[frozenset[str], bool]], words: dict[str, str]
) -> tuple[frozenset[str], bool]:
    found = frozenset[str]()
    for name in symbols:
        if name in words:
            return found | {words[name]}, False
        begins, empty = heads[name]
        found |= begins
        if not empty:
            return found, False
    return found, True


def _alternative(
    symbols: tuple[str, ...], heads: dict[str, tuple[frozenset[str], bool]], words: dict[str, str]
) -> _Alternative:
    begins = [_begins(symbols[n:], heads, words) for n in range(len(symbols))]
    return _Alternative(symbols, tuple(None if empty else first for first, empty in begins))
