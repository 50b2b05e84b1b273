"""What was spotted of dates and sizes, held against the Facts: older than, the longest."""

import re
from collections.abc import Callable, Iterable, Iterator

from catalog.facts import Facts
from catalog.types import Item
from models.faithfulness.attributes import UNITS
from models.faithfulness.spots import DECADES, Spotted
from models.faithfulness.symbols import Title
from models.language.english import decade

_MORE = frozenset("longer longest dearer more".split())
"""Words that say that the first of two things has more of it."""
_LATER = frozenset("after newer younger later on newest youngest latest".split())
"""Words that put the first of two things after the second."""


class Comparisons:
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

    def _year(self) -> str:
        told = self.spot.token("y").text
        told = DECADES.get(told, told)
        if told.endswith("0s"):
            short = told if len(told) == 5 else f"19{told}"
            return self._wrong(lambda i: f"{decade(i.year)}s" == short if i.year else None)
        return self._wrong(lambda item: str(item.year) == told if item.year else None)

    def _more(self) -> str:
        return self._compared(self._pairs())

    def _biggest(self) -> str:
        others = [m for m in [*self._here(), *self.before] if m not in self._of("a")]
        pairs = (
            (self.entities[min(a)], self.entities[min(b)]) for a in self._of("a") for b in others
        )
        return self._compared(pairs)

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


def _amount(value: int | str) -> int | None:
    """Return the number of an attribute: 29 for "€29"."""
    digits = re.sub(r"\D", "", str(value))
    return int(digits) if digits else None
