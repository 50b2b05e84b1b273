"""What was spotted of sizes, held against the Facts: longer than, half as many pages, 40 seats."""

from collections.abc import Iterable
from itertools import combinations

from catalog.types import Item
from models.faithfulness.judging.measures import BY_WORD, LENGTHS, MORE, amount
from models.faithfulness.spotting.chronology import Chronology

_OVER = frozenset("over more least".split())
_TIMES = {"half": 0.5, "twice": 2.0, "double": 2.0, "three times": 3.0, "four times": 4.0}
_EVEN = 0.1
"""How far two things may be from each other that are as long."""
_NEAR = 0.25
"""How far from it a number may be that is told as more or less so."""
_PRICES = frozenset("price admission entry fee".split())


class Sizes(Chronology):
    """It adds sizes to dates."""

    def _sized(self) -> frozenset[str]:
        """Return the names of attributes that the words at hand may be about."""
        unit = self.spot.word("u")
        if unit == "K":
            return frozenset({self.spot.token("u").text})
        if unit:
            plural = unit if unit.endswith("s") else f"{unit}s"
            return BY_WORD.get(unit, frozenset({unit, plural}))
        if self.spot.word("k"):
            return frozenset({self.spot.token("k").text})
        words = [*self.spot.word("how").split(), *self.spot.match[0].split()]
        return next((BY_WORD[word] for word in words if word in BY_WORD), LENGTHS)

    def _bigger(self) -> str:
        return self._compared(self._pairs())

    def _bigger_all(self) -> str:
        """Longer than either of two that are named, or than all that was liked."""
        mine = self._of("a")
        others = [m for m in self._named() if m not in mine]
        liked = [{n} for n in range(1, len(self.entities)) if {n} not in mine]
        sets = [others, liked]
        if self.spot.word("n") in {"either", "both"}:
            sets = [some for some in sets if len(some) == 2]
        wrong = [
            self._compared(
                (self.entities[min(a)], self.entities[min(b)]) for a in mine for b in some
            )
            for some in sets
        ]
        return wrong[0] if wrong and all(wrong) else ""

    def _biggest(self) -> str:
        if not self._heads():
            return ""
        others = [m for m in self._named() if m not in self._of("a")]
        others = others or [{n} for n in range(1, len(self.entities)) if {n} not in self._of("a")]
        pairs = (
            (self.entities[min(a)], self.entities[min(b)]) for a in self._of("a") for b in others
        )
        return self._compared(pairs)

    def _compared(self, pairs: Iterable[tuple[Item, Item]]) -> str:
        """More or less than another, and, where a number is told, by so much."""
        words = self.spot.word("how").split()
        is_less = words[:1] == ["less"] or "affordable" in words
        more = not MORE.isdisjoint(words) and not is_less
        number = self.spot.number() if self.spot.word("n") else None
        sized = self._sized()
        if number and not self.spot.word("u"):
            sized = frozenset({key for entity in self.entities for key in entity.attributes})
        for one, other in pairs:
            found = ""
            for key in sized & set(one.attributes) & set(other.attributes):
                mine, its = amount(one.attributes[key]), amount(other.attributes[key])
                if mine is None or its is None:
                    continue
                by = mine - its if more else its - mine
                if by > 0 and (not number or by == number or self.spot.is_about()):
                    found = ""
                    break
                found = f"{mine} and {its}"
            if found:
                return found
        return ""

    def _not_as(self) -> str:
        """Not as long as another: shorter; not as cheap: dearer."""
        is_more = self.spot.word("how") not in {"short", "cheap"}
        pairs = [(b, a) if is_more else (a, b) for a, b in self._pairs()]
        keys = self._sized()
        for more, less in pairs:
            known = [
                (amount(more.attributes[k]), amount(less.attributes[k]))
                for k in keys
                if k in more.attributes and k in less.attributes
            ]
            if known and all(None not in two and (two[0] or 0) <= (two[1] or 0) for two in known):
                return "it is not"
        return ""

    def _as_big(self) -> str:
        """As long as another."""
        for one, other in self._pairs():
            for key in self._sized() & set(one.attributes) & set(other.attributes):
                mine, its = amount(one.attributes[key]), amount(other.attributes[key])
                if mine is not None and its is not None and abs(mine - its) > _EVEN * its:
                    return f"{mine} and {its}"
        return ""

    def _times(self) -> str:
        """Half as long, twice the price."""
        factor = _TIMES[self.spot.word("how")]
        keys = self._sized()
        for one, other in self._pairs():
            for key in keys & set(one.attributes) & set(other.attributes):
                mine, its = amount(one.attributes[key]), amount(other.attributes[key])
                if mine and its and abs(mine / its / factor - 1) > _NEAR:
                    return f"{mine} and {its}"
        return ""

    def _free(self) -> str:
        """It costs nothing."""
        return self._wrong(_is_free)

    def _not_free(self) -> str:
        """It has to be paid for."""
        return self._wrong(lambda item: None if (free := _is_free(item)) is None else not free)

    def _under(self) -> str:
        """Less than so many minutes."""
        keys, number = self._sized(), self.spot.number()

        def has(item: Item) -> bool | None:
            known = [amount(v) for key, v in item.pairs() if key in keys]
            return any(v < number for v in known if v is not None) if any(known) else None

        return self._wrong(has)

    def _size(self) -> str:
        """So many pages, minutes or seats it has."""
        if not self.spot.opens():
            return ""
        keys, number = self._sized(), self.spot.number()
        about = self.spot.is_about()

        def has(item: Item) -> bool | None:
            known = [amount(v) for key, v in item.pairs() if key in keys]
            whole = [value for value in known if value is not None]
            if not whole:
                return None
            if about and self.spot.is_bound(_OVER):  # "over 100 pages": 300 are
                return any(v >= number for v in whole)
            return any(abs(v - number) <= (_NEAR * number if about else 0) for v in whole)

        return self._wrong(has)

    def _any_size(self) -> str:
        """Something named has so many, or so many more than another."""
        keys, number = self._sized(), self.spot.number()
        known = [amount(v) for e in self.entities for k, v in e.pairs() if k in keys]
        whole = [value for value in known if value is not None]
        named = [self.entities[n] for mention in self._named() for n in mention]
        if not whole or not named or not all(keys & set(item.attributes) for item in named):
            return ""
        gaps = [abs(a - b) for a, b in combinations(whole, 2)]
        near = _NEAR * number if self.spot.is_about() else 0
        sums = [sum(whole), *(a + b for a, b in combinations(whole, 2))]
        told = any(abs(v - number) <= near for v in (*whole, *gaps, *sums))
        return "" if told else f"nothing here has {number}"

    def _measure(self) -> str:
        key, told = self.spot.token("k").text, self.spot.token("y").text
        return self._wrong(
            lambda i: str(i.attributes[key]) == told if key in i.attributes else None
        )


def _is_free(item: Item) -> bool | None:
    prices = [amount(item.attributes[key]) for key in _PRICES & set(item.attributes)]
    return None if not prices or None in prices else not any(prices)
