"""Predicates: what an attribute with its values says of one thing or of several.

director = Ron Howard               it is directed by Ron Howard
cast = Tom Hanks, Gary Sinise       both have Tom Hanks and Gary Sinise in their cast
award = 2 Oscars                    it won 2 Oscars
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.types import Item
from models.language.english import listing
from models.language.relations import Relation, relation_of
from models.language.values import told

_DOES = {
    "is": ("is", "are"),
    "has": ("does", "do"),
    "serves": ("does", "do"),
    "won": ("did", "did"),
}
_MANY = {"is": "are", "has": "have", "serves": "serve", "won": "won"}


@dataclass(frozen=True, slots=True)
class Predicate:
    """What is said of one or several things: "is directed by Ron Howard".

    Attributes
    ----------
    relation : of the table
    phrase : what follows the verb, with its value
    value : the value as it is told
    did : what they did whom it names: "directed"
    several : whether it names several
    """

    relation: Relation
    phrase: str
    value: str
    did: str = ""
    several: bool = False

    @property
    def one(self) -> str:
        """Of one thing: "has Tom Hanks in its cast"."""
        return f"{self.relation.verb} {self.phrase}"

    @property
    def many(self) -> str:
        """Of several: "have Tom Hanks in their cast"."""
        return f"{_MANY[self.relation.verb]} {self.phrase.replace(' its ', ' their ')}"

    @property
    def both(self) -> str:
        """Of two by their titles: "are both directed by V", "both have V in their cast"."""
        first, rest = self.many.split(" ", 1)
        return f"are both {rest}" if first == "are" else f"both {self.many}"

    @property
    def beside(self) -> str:
        """Right after a title: "directed by Ron Howard", "with Tom Hanks in its cast"."""
        before = {"has": "with ", "serves": "with ", "won": "winner of "}
        phrase = self.phrase.replace("part of ", "from ")
        return before.get(self.relation.verb, "") + phrase

    def does(self, others: int) -> str:
        """Return the verb that stands for it: as "is", "are", "does", "do", or "did" others."""
        one, many = _DOES[self.relation.verb]
        return one if others == 1 else many


def predicate(name: str, values: Sequence[int | str]) -> Predicate | None:
    """Return what an attribute with these values says; None where the table does not know it."""
    relation = relation_of(name)
    if relation is None:
        return None
    value = listing([told(value, name) for value in values])
    return Predicate(relation, relation.phrase.format(value), value, relation.did, len(values) > 1)


def written_and_directed(of_director: Predicate) -> Predicate:
    """Return the same of people who wrote it, too."""
    phrase = f"written and {of_director.phrase}"
    return replace(of_director, phrase=phrase, did="wrote and directed")


def alone(item: Item, name: str) -> Predicate | None:
    """Return what an attribute says of its item; None of an unknown one, and of too many values.

    Of a cast the best known are told, and of many awards two; of five directors not three, as if
    these were all.
    """
    relation, values = relation_of(name), item.values(name)
    if relation is None or (len(values) > relation.most and relation.verb not in {"has", "won"}):
        return None
    return predicate(name, values[: relation.most])
