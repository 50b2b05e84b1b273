"""What was spotted of players, seats, ages and levels, held against the Facts."""

import re

from catalog.types import Item
from models.faithfulness.spotting.sizes import Sizes

_LEVELS = {
    "easy": 0, "gentle": 0, "beginner": 0, "moderate": 1, "intermediate": 1, "medium": 1,
    "hard": 2, "advanced": 2, "difficult": 2, "tough": 2,
}  # fmt: skip


class Levels(Sizes):
    """It adds for how many, how old and how skilled people things are."""

    def _seats(self) -> str:
        """So many can play it, or sit there."""
        number = self.spot.number()

        def has(item: Item) -> bool | None:
            if bounds := _bounds(item, "players"):
                return bounds[0] <= number <= bounds[-1]
            bounds = _bounds(item, "seats")
            return number <= bounds[-1] if bounds else None

        return self._wrong(has)

    def _fewest(self) -> str:
        """It takes at least so many."""
        number = self.spot.number()

        def has(item: Item) -> bool | None:
            bounds = _bounds(item, "players")
            return number <= bounds[0] if bounds else None

        return self._wrong(has)

    def _most(self) -> str:
        """No more than so many play it."""
        number = self.spot.number()

        def has(item: Item) -> bool | None:
            bounds = _bounds(item, "players")
            return number >= bounds[-1] if bounds else None

        return self._wrong(has)

    def _solo(self) -> str:
        """One plays it alone, and no more."""

        def has(item: Item) -> bool | None:
            bounds = _bounds(item, "players")
            return bounds[-1] == 1 if bounds else None

        return self._wrong(has)

    def _age(self) -> str:
        """It is for those of so many years and more: not where it is for older ones."""
        number = self.spot.number()

        def has(item: Item) -> bool | None:
            bounds = _bounds(item, "age") or _bounds(item, "ages")
            return number >= bounds[0] if bounds else None

        return self._wrong(has)

    def _level(self) -> str:
        """An easy walk, where it is known to be a hard one."""
        told = _LEVELS[self.spot.word("how")]

        def has(item: Item) -> bool | None:
            known = _level_of(item)
            return known == told if known is not None else None

        return self._wrong(has)

    def _easier(self) -> str:
        how = self.spot.word("how")
        easier = how in {"easier", "gentler", "simpler", "lower"} or how.startswith("less ")
        for one, other in self._pairs():
            mine, its = _level_of(one), _level_of(other)
            if mine is not None and its is not None and (mine >= its if easier else mine <= its):
                return "it is not"
        return ""


def _bounds(item: Item, key: str) -> list[int]:
    """Return the numbers of an attribute: 2 and 5 of "2–5"."""
    return [int(number) for number in re.findall(r"\d+", str(item.attributes.get(key, "")))]


def _level_of(item: Item) -> int | None:
    """Return how hard something is: 0, 1 or 2."""
    known = (str(item.attributes.get(key, "")).casefold() for key in ("level", "difficulty"))
    return next((_LEVELS[word] for word in known if word in _LEVELS), None)
