"""What a clause tells of an item's year, categories and attributes, each in its role.

“Heat”, directed by Michael Mann, runs 170 minutes.
director: Michael Mann; runtime: 170
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.types import Item
from models.faithfulness.describing.phrases import Node
from models.faithfulness.describing.support import ITEM
from models.faithfulness.reading.attributes import BY_PREPOSITION, CAST, IN_ROLE, MADE, MAKES, UNITS
from models.faithfulness.reading.facts_words import has_category
from models.faithfulness.reading.symbols import Token
from models.language.english import decade

_VERBS = frozenset({"runs", "lasts", "takes", "spans"})
"""What stands before an amount, beside the words of UNITS."""
_ROLES = {"featuring": "features", "starring": "stars", "winner": "won"}
"""Words that mean one of IN_ROLE, beside these themselves."""


@dataclass(frozen=True, slots=True)
class Told:
    """The item, and the tokens of the sentence by where they begin."""

    item: Item
    tokens: Mapping[int, Token]

    def category(self, node: Node) -> bool:
        """Say whether a word is a category of the item."""
        if node.word.kind != "CATEGORY" or node.turned:
            return False
        return all(has_category(self.item, part) for part in self.tokens[node.word.start].parts)

    def attributes(self, nodes: Sequence[Node]) -> set[int]:
        """Return which nodes tell an attribute or the year: directed by V, 90 minutes."""
        found: set[int] = set()
        for n, node in enumerate(nodes):
            before = nodes[n - 1] if n else None
            after = nodes[n + 1] if n + 1 < len(nodes) else None
            if node.turned:
                continue
            if node.word.kind == "VALUE":
                found.update(range(n + 1 - self._value(node, before), n + 1))
                if after is not None and self._in_cast(node, after):
                    found.update((n, n + 1))
            if node.word.kind == "NUMBER" and self._is_year(node, after):
                found.add(n)
            if after is not None and node.word.kind == "NUMBER" and self._counts(node, after):
                found.update((n, n + 1))
                if before is not None and before.word.text in {*UNITS, *_VERBS}:
                    found.add(n - 1)
        return found

    def _value(self, node: Node, before: Node | None) -> int:
        """Return how many nodes tell a value of the item in its role: "by V" or "director V"."""
        keys = self._names_of(node)
        if before is not None:
            role = before.word.text
            told = MADE.get(MAKES.get(role, role)) or IN_ROLE.get(_ROLES.get(role, role))
            if keys & (before.keys | (told or frozenset())):
                return 2
        return int(any(keys & BY_PREPOSITION.get(word, frozenset()) for word in node.how))

    def _in_cast(self, node: Node, after: Node) -> bool:
        """Say whether a value is told as one of the cast: with V in its cast."""
        return "in" in after.how and after.word.text == "cast" and bool(self._names_of(node) & CAST)

    def _names_of(self, node: Node) -> set[str]:
        """Return the names of attributes of the item that have all the values of a node."""
        told = self.tokens[node.word.start].parts
        return {
            name
            for name in self.item.attributes
            if set(map(str, self.item.values(name))).issuperset(told)
        }

    def _is_year(self, node: Node, after: Node | None) -> bool:
        """Say whether a number is the year or the decade of the item, and told as such."""
        year, told = self.item.year, node.word.text
        if not year or told not in {str(year), f"{decade(year)}s"}:
            return False
        if node.how in {("in",), ("from",), ("be", "from")}:
            return after is None or bool(after.joint or after.how)
        plain = node.how in {(), ("be",)}
        return plain and after is not None and after.bare and ITEM in after.keys

    def _counts(self, node: Node, after: Node) -> bool:
        """Say whether a number is that of an attribute: 90 minutes."""
        keys = UNITS.get(after.word.text, frozenset()) | after.keys
        values = {str(value) for key, value in self.item.pairs() if key in keys}
        return after.bare and node.word.text in values
