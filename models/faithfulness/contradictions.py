"""Holds what was spotted in a sentence against the Facts.

It says nothing where it does not know. What is so is not counted as a claim, as the words around it
may turn it round.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from catalog.facts import Facts
from catalog.types import Item
from models.english import decade
from models.faithfulness.attributes import BY_PREPOSITION, MADE, MAKES, UNITS
from models.faithfulness.lexicon import has_category
from models.faithfulness.spots import DECADES, Spotted
from models.faithfulness.tokens import Title
from models.titles import may_be_series, same_series

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
)
"""Words with which a sentence may go on to something else than what its maker made."""
_MORE = frozenset("longer longest dearer more".split())
"""Words that say that the first of two things has more of it."""
_LATER = frozenset("after newer younger later on newest youngest latest".split())
"""Words that put the first of two things after the second."""


def contradiction(
    spot: Spotted, facts: Facts, called: Callable[[Title], set[int]], before: list[set[int]]
) -> str:
    """Return why what was spotted cannot be so; empty where it can, or where it is not known.

    `called` returns the entities (0 is the item) that a title may name, `before` has those that
    the sentence before names.
    """
    return _Spot(spot, facts, called, before).why()


class _Spot:
    """A spotted statement beside the Facts; the method for its kind has the name of the kind."""

    def __init__(
        self,
        spot: Spotted,
        facts: Facts,
        called: Callable[[Title], set[int]],
        before: list[set[int]],
    ) -> None:
        self.spot, self.facts, self.called, self.before = spot, facts, called, before
        self.entities: list[Item] = [facts.item, *facts.evidence]

    def why(self) -> str:
        """Return why it cannot be so."""
        return str(getattr(self, f"_{self.spot.kind}")())

    def _of(self, group: str) -> list[set[int]]:
        word = self.spot.word(group)
        if word == "it":
            has_item = any(0 in mention for mention in self.before)
            return self.before if len(self.before) == 1 else [{0}] if has_item else []
        if word == "former":
            return self.before[:1] if len(self.before) == 2 else []
        if group == "b" and not word:  # the other of two
            return [m for m in self._here() if m not in self._of("a")][:2]
        return [m for title in self.spot.token(group).titles if (m := self.called(title))]

    def _here(self) -> list[set[int]]:
        """Return what the sentence names."""
        titles = (title for token in self.spot.sentence.tokens for title in token.titles)
        return [mention for title in titles if (mention := self.called(title))]

    def _wrong(
        self, has: Callable[[Item], bool | None], mentions: list[set[int]] | None = None
    ) -> str:
        """Return of which it is not so: known, and false."""
        for mention in self._of("a") if mentions is None else mentions:
            found = [has(self.entities[n]) for n in mention]
            if found and all(so is False for so in found):
                return f"not so of “{self.entities[min(mention)].title}”"
        return ""

    def _pairs(self) -> Iterator[tuple[Item, Item]]:
        for one in self._of("a"):
            for other in self._of("b"):
                yield self.entities[min(one)], self.entities[min(other)]

    # ------------------------------------------------------------------ kinds of statements

    def _years(self) -> str:
        sign = 1 if self._is_later() else -1
        for one, other in self._pairs():
            if one.year and other.year and one.year - other.year != sign * self.spot.number():
                return f"{one.year} and {other.year}"
        return ""

    def _order(self) -> str:
        later = self._is_later()
        for one, other in self._pairs():
            if one.year and other.year and (one.year > other.year) is not later:
                return f"{one.year} and {other.year}"
        return ""

    def _extreme(self) -> str:
        later = self._is_later()
        others = [*self._here(), *self.before]
        for one in self._of("a"):
            mine = self.entities[min(one)].year
            for other in others:
                year = self.entities[min(other)].year
                if mine and year and other != one and (year > mine if later else year < mine):
                    return f"{mine} and {year}"
        return ""

    def _is_later(self) -> bool:
        return not _LATER.isdisjoint(self.spot.word("how").split())

    def _same_year(self) -> str:
        for one, other in self._pairs():
            if one.year and other.year and one.year != other.year:
                return f"{one.year} and {other.year}"
        return ""

    def _all_from(self) -> str:
        told = self.spot.token("y").text
        return self._wrong(lambda i: str(i.year) == told if i.year else None, self._here())

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

        def has(item: Item) -> bool | None:
            known = [str(v) for key, v in item.attributes.items() if key in keys]
            return value in map(str, item.attributes.values()) if known else None

        return self._wrong(has)

    def _his(self) -> str:
        return self._other() if self.spot.word("v") == "P" else self._made()

    def _other(self) -> str:
        """A name that the Facts do not know is not of who made it, if they know who did."""
        how = self.spot.word("how")
        keys = MADE[MAKES.get(how, how)] if how in {*MADE, *MAKES} else BY_PREPOSITION["by"]
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

    def _biggest(self) -> str:
        others = [m for m in [*self._here(), *self.before] if m not in self._of("a")]
        pairs = (
            (self.entities[min(a)], self.entities[min(b)]) for a in self._of("a") for b in others
        )
        return self._compared(pairs)

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

    def _year(self) -> str:
        told = self.spot.token("y").text
        told = DECADES.get(told, told)
        if told.endswith("0s"):
            short = told if len(told) == 5 else f"19{told}"
            return self._wrong(lambda i: f"{decade(i.year)}s" == short if i.year else None)
        return self._wrong(lambda item: str(item.year) == told if item.year else None)

    def _made(self) -> str:
        how = self.spot.word("how")
        keys = MADE[MAKES.get(how, how)] if how in {*MADE, *MAKES} else BY_PREPOSITION["by"]
        value = self.spot.token("v").text

        def has(item: Item) -> bool | None:
            known = [str(v) for key, v in item.attributes.items() if key in keys]
            return value in map(str, item.attributes.values()) if known else None

        return self._wrong(has)

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

    def _more(self) -> str:
        return self._compared(self._pairs())

    def _compared(self, pairs: Iterable[tuple[Item, Item]]) -> str:
        how = self.spot.word("how")
        keys = (
            UNITS["price"]
            if how in {"cheaper", "cheapest", "dearer", "less", "more"}
            else UNITS["minutes"] | UNITS["pages"]
        )
        for one, other in pairs:
            for key in keys & set(one.attributes) & set(other.attributes):
                mine, its = _amount(one.attributes[key]), _amount(other.attributes[key])
                if mine is not None and its is not None:
                    true = mine > its if how in _MORE else mine < its
                    return "" if true else f"{mine} and {its}"
        return ""

    def _popular(self) -> str:
        return "" if self.facts.popularity else "nobody knows how many like it"

    def _unpopular(self) -> str:
        return "many like it" if self.facts.popularity else ""

    def _offer(self) -> str:
        offered = self._of("a")
        wrong = offered and all(0 not in mention for mention in offered)
        return "this is not what is recommended" if wrong else ""


def _amount(value: int | str) -> int | None:
    """Return the number of an attribute: 29 for "€29"."""
    digits = re.sub(r"\D", "", str(value))
    return int(digits) if digits else None
