"""Goes over a parse, rule by rule, and knows which things it names.

Each rule that says something has a method of its name, one underscore before it; the others only
pass on what stands in them. The methods for what is said of things are in `details` and `meaning`.
"""

from dataclasses import replace
from typing import TypeGuard, cast

from models.faithfulness.claims import ClaimType
from models.faithfulness.reading.parser import Tree, Word
from models.faithfulness.reading.statements import Reading, Statement, Things

_NUMBERS = {"both": 2, "two": 2, "three": 3, "four": 4}


class Walker:
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
        """Return the tokens of a node that have one of the symbols."""
        return [c.place for c in tree.children if isinstance(c, Word) and c.symbol in symbols]

    def _values(self, node: Tree | Word) -> list[int]:
        """Return the tokens of a value."""
        return self._slots(node, "V", "Q", "N", "P") if isinstance(node, Tree) else []

    def _count(self, tree: Tree) -> int:
        """Return how many "both" or "all three" are."""
        found = [_NUMBERS.get(c.symbol, 0) for c in tree.children if isinstance(c, Word)]
        found += [self._count(c) for c in tree.children if is_rule(c, "both_all")]
        return max(found, default=0)

    def _words(self, tree: Tree) -> str:
        """Return the mere words of a rule that keeps them."""
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
            if is_rule(child, name):
                found += self.of(child, about)
        return found

    def _compare(self, tree: Tree, since: int, things: Things, beside: Things) -> None:
        """Say of what was liked, beside the things, what has been said of these since."""
        self._repeat(since, things, beside)
        self._say("role", tree, beside, "beside", beside=things)

    def _repeat(self, since: int, things: Things, others: Things) -> None:
        """Say of others what has been said of the things since."""
        details = {"category", "year", "decade", "attribute", "popularity", "liking", "series"}
        for statement in self.statements[since:]:
            if statement.type in details and statement.about == things:
                self.statements.append(replace(statement, about=others))

    # ------------------------------------------------------------------ things

    def _name(self, tree: Tree, about: Things) -> Things:
        own = Things(tuple(self._slots(tree, "T", "TT")))
        for child in tree.children:
            if not is_rule(child, "name"):
                self.of(child, own)
        return self._child(tree, "name", about) + own

    def _named(self, tree: Tree, about: Things) -> Things:
        own = self._child(tree, "name", about) + self._child(tree, "named", about)
        before = len(self.statements)
        for child in tree.children:
            if not is_rule(child, "name", "named", "named_open", "alike"):
                self.of(child, self._last_of(own, tree) if is_rule(child, "kind") else own)
        for other in (self.of(c, about) for c in tree.children if is_rule(c, "alike")):
            self._compare(tree, before, own, other)
        return own

    def _last_of(self, own: Things, tree: Tree) -> Things:
        """Return what a kind in the singular is said of: T and T, the film that you loved."""
        kinds = sum(is_rule(child, "kind") for child in tree.children)
        is_list = any(self._slots(c, "TT") for c in tree.children if is_rule(c, "name"))
        return replace(own, word="latter") if is_list and kinds == 1 else own

    _named_open = _is_liked = _late = _such_as = _named

    def _enumerated(self, tree: Tree, about: Things) -> Things:
        """The three dramas that you loved: T, T and T."""
        own = self._named(tree, about)
        if count := self._count(tree):
            self._say("count", tree, replace(own, count=count), "of")
        return own

    def _them(self, tree: Tree, about: Things) -> Things:
        return Things(word="evidence")

    _that_one = _them

    def _it(self, tree: Tree, about: Things) -> Things:
        return Things(word="it", place=tree.first)

    def _latter(self, tree: Tree, about: Things) -> Things:
        return Things(word="latter", place=tree.first)

    def _former(self, tree: Tree, about: Things) -> Things:
        return Things(word="former", place=tree.first)

    def _they(self, tree: Tree, about: Things) -> Things:
        return Things(word="all")

    def _everyone(self, tree: Tree, about: Things) -> Things:
        things = Things(word="all", count=self._count(tree), place=tree.first)
        self._say("count", tree, things)
        return things


def is_rule(tree: Tree | Word, *names: str) -> TypeGuard[Tree]:
    """Say whether a node is of one of the rules."""
    return isinstance(tree, Tree) and tree.rule in names
