"""Holds what was spotted in a sentence against the Facts.

It says nothing where it does not know. What is so is not counted as a claim, as the words around it
may turn it round.
"""

from collections.abc import Callable

from catalog.facts import Facts
from catalog.types import Item
from models.faithfulness.attributes import BY_PREPOSITION, MADE, MAKES
from models.faithfulness.comparisons import Comparisons
from models.faithfulness.lexicon import has_category
from models.faithfulness.spots import Spotted
from models.faithfulness.symbols import Title
from models.language.titles import may_be_series, same_series

_CONTRAST = (
    "not",
    "it",
    "your",
    "unlike",
    "while",
    "whereas",
    "than",
    "nor",
    "neither",
    "instead",
    ";",
    ", and",
    "but",
    "before",
    "after",
    "like",
)
"""Words with which a sentence may go on to something else than what its maker made."""


def contradiction(
    spot: Spotted, facts: Facts, called: Callable[[Title], set[int]], before: list[set[int]]
) -> str:
    """Return why what was spotted cannot be so; empty where it can, or where it is not known.

    `called` returns the entities (0 is the item) that a title may name, `before` has those that
    the sentence before names.
    """
    return _Contradictions(spot, facts, called, before).why()


class _Contradictions(Comparisons):
    """It adds what was liked, what things are, who made them, how many there are, and roles."""

    def _all_made(self) -> str:
        """A sentence with a maker as its subject speaks of what this maker made."""
        skeleton = f" {self.spot.sentence.skeleton} "
        if self.spot.match.start() or any(f" {word} " in skeleton for word in _CONTRAST):
            return ""
        value, makers = self.spot.token("v").text, BY_PREPOSITION["by"]
        keys = {k for e in self.entities for k, v in e.attributes.items() if v == value} & makers
        return self._wrong(
            lambda i: (
                any(i.attributes.get(k) == value for k in keys)
                if keys & set(i.attributes)
                else None
            ),
            self._here(),
        )

    def _all_same(self) -> str:
        key, here = self.spot.token("k").text, self._here()
        values = {self.entities[min(mention)].attributes.get(key) for mention in here}
        return f"not the same {key}" if len(here) == 2 == len(values - {None}) else ""

    def _not_made(self) -> str:
        value = self.spot.token("v").text
        made = [self.entities[n].attributes for mention in self._of("a") for n in mention]
        return "it was" if any(value in map(str, known.values()) for known in made) else ""

    def _from(self) -> str:
        value, keys = self.spot.token("v").text, BY_PREPOSITION["from"] | BY_PREPOSITION["in"]

        return self._valued(value, keys)

    def _valued(self, value: str, keys: frozenset[str]) -> str:
        """Return of which a value is not so, though it has one under one of the names."""
        return self._wrong(
            lambda item: (
                value in map(str, item.attributes.values()) if keys & set(item.attributes) else None
            )
        )

    def _keys(self) -> frozenset[str]:
        """Return the names that what somebody made may stand under."""
        how = self.spot.word("how")
        return MADE[MAKES.get(how, how)] if how in {*MADE, *MAKES} else BY_PREPOSITION["by"]

    def _his(self) -> str:
        return self._other() if self.spot.word("v") == "P" else self._made()

    def _other(self) -> str:
        """A name that the Facts do not know is not of who made it, if they know who did."""
        keys = self._keys()
        name = " ".join(self.spot.token("v").parts).casefold()

        def has(item: Item) -> bool | None:
            known = [str(v).casefold() for key, v in item.attributes.items() if key in keys]
            return any(name in value or value in name for value in known) if known else None

        return self._wrong(has)

    def _series(self) -> str:
        others = [m for m in [*self._here(), *self.before] if m not in self._of("a")]
        titles = [self.entities[n].title for m in others for n in m]
        own = [self.entities[n].title for m in self._of("a") for n in m]
        related = any(may_be_series(one, other) for one in own for other in titles)
        return "" if related or not titles else "not of one series"

    def _no_series(self) -> str:
        others = [self.entities[min(m)] for m in [*self._here(), *self.before]]
        mine = [self.entities[min(m)] for m in self._of("a")]
        return "they are" if any(same_series(a, b) for a in mine for b in others) else ""

    def _none(self) -> str:
        forms = self.spot.token("c").parts
        return "one is" if any(has_category(e, f) for e in self.entities for f in forms) else ""

    def _all_liked(self) -> str:
        return "not so in the history" if any(
            entry.liking == "liked" for entry in self.facts.evidence
        ) else ""  # fmt: skip

    def _only_one(self) -> str:
        return "there are more" if len(self.facts.evidence) > 1 else ""

    def _topmost(self) -> str:
        return "" if self.facts.popularity == "favourite" else "it is not known to be"

    def _counted(self) -> str:
        count = len(self.facts.evidence)
        return f"there are {count}" if self.spot.number() > count else ""

    def _liking(self) -> str:
        strong = self.spot.word("how") in {"loved", "love", "adored"}
        for mention in self._of("a"):
            entries = [self.facts.evidence[n - 1] for n in mention if n]
            if not any(entry.liking == "loved" or not strong for entry in entries):
                return "not so in the history"
        return ""

    def _dislike(self) -> str:
        return "it was liked" if any(mention - {0} for mention in self._of("a")) else ""

    def _cause(self) -> str:
        causal = self.facts.evidence_kind in {"contribution", "similar"}
        return "" if causal else "these Facts give no cause"

    def _not(self) -> str:
        forms = self.spot.token("c").parts
        return "it is" if any(
            has_category(self.entities[n], form) for m in self._of("a") for n in m for form in forms
        ) else ""  # fmt: skip

    def _kind(self) -> str:
        forms = self.spot.token("c").parts
        return self._wrong(
            lambda i: all(has_category(i, f) for f in forms) if i.categories else None
        )

    def _noun(self) -> str:
        word = self.spot.word("c")
        return self._wrong(lambda item: has_category(item, word) if item.categories else None)

    def _made(self) -> str:
        return self._valued(self.spot.token("v").text, self._keys())

    def _same(self) -> str:
        key = self.spot.token("k").text
        for one, other in self._pairs():
            values = [item.attributes.get(key) for item in (one, other)]
            if None not in values and values[0] != values[1]:
                return f"not the same {key}"
        return ""

    def _measure(self) -> str:
        key, told = self.spot.token("k").text, self.spot.token("y").text
        return self._wrong(
            lambda i: str(i.attributes[key]) == told if key in i.attributes else None
        )

    def _popular(self) -> str:
        return "" if self.facts.popularity else "nobody knows how many like it"

    def _unpopular(self) -> str:
        return "many like it" if self.facts.popularity else ""

    def _offer(self) -> str:
        offered = self._of("a")
        wrong = offered and all(0 not in mention for mention in offered)
        return "this is not what is recommended" if wrong else ""
