"""What was spotted of dates, held against the Facts: older than, ten years later, the first."""

from itertools import combinations

from catalog.types import Item
from models.faithfulness.spotting.comparisons import Comparisons, values_of
from models.faithfulness.spotting.spots import DECADES
from models.language.english import decade

_LATER = frozenset(
    "after newer younger later on newest youngest latest afterwards followed postdates recent "
    "last newcomer youngster junior".split()
)
"""Words that put the first of two things after the second."""
_CENTURIES = dict(
    zip("seventeenth eighteenth nineteenth twentieth".split(), range(17, 21), strict=True)
) | {"N - first": 21}
_FOUNDED = ("formed", "founded", "opened", "established", "built", "vintage", "released")


class Chronology(Comparisons):
    """It adds dates."""

    def _years(self) -> str:
        """So many years before or after, or only before or after."""
        later = self._is_later()
        for one, other in self._pairs():
            mine, its = year_of(one), year_of(other)
            if not (mine and its):
                continue
            years = mine - its if later else its - mine
            exact = bool(self.spot.word("n")) and not self.spot.is_about()
            if years < 0 or (exact and years != self.spot.number()):
                return f"{mine} and {its}"
        return ""

    def _gap(self) -> str:
        """So many years lie between two of what is named, whichever they are."""
        named, number = self._named(), self.spot.number()
        years = [year_of(self.entities[n]) for mention in named for n in mention]
        if len(self._here()) < 1 or len(named) < 2 or None in years or self.spot.is_about():
            return ""
        if len(named) > 2 or len(self._here()) < 2:  # something else may be meant
            years = [year_of(entity) for entity in self.entities]
        gaps = {abs((a or 0) - (b or 0)) for a, b in combinations(years, 2)}
        values = set[str]().union(*map(values_of, self.entities))
        told = number in gaps or None in years or str(number) in values
        return "" if told else f"no two of them are {number} years apart"

    def _elder(self) -> str:
        """The first or the last of what is named."""
        if not self._heads():
            return ""
        later = self._is_later()
        others = self._named()
        if len(others) < 2:
            others = [{n} for n in range(len(self.entities))]
        for one in self._of("a"):
            mine = year_of(self.entities[min(one)])
            for other in others:
                year = year_of(self.entities[min(other)])
                if mine and year and other != one and (year > mine if later else year < mine):
                    return f"{mine} and {year}"
        return ""

    def _than_all(self) -> str:
        """Older than any of what was liked."""
        later = self._is_later()
        for one in self._of("a"):
            mine = year_of(self.entities[min(one)])
            for entry in self.facts.evidence if one == {0} else ():
                its = year_of(entry)
                if mine and its and (mine < its if later else mine > its):
                    return f"{mine} and {its}"
        return ""

    def _all_than(self) -> str:
        """All that was liked is older or newer than it."""
        later = self._is_later()
        for one in self._of("a"):
            mine = year_of(self.entities[min(one)])
            for entry in self.facts.evidence if one == {0} else ():
                its = year_of(entry)
                if mine and its and (its < mine if later else its > mine):
                    return f"{mine} and {its}"
        return ""

    def _century(self) -> str:
        told = _CENTURIES[self.spot.word("how")]
        return self._wrong(
            lambda i: told in {i.year // 100 + 1, (i.year - 1) // 100 + 1} if i.year else None
        )

    def _is_later(self) -> bool:
        return not _LATER.isdisjoint(self.spot.word("how").split())

    def _same_year(self) -> str:
        mentions = [*self._of("a"), *(self._of("b") if self.spot.word("b") else [])]
        years = {year_of(self.entities[min(mention)]) for mention in mentions}
        return "not of one year" if len(years) > 1 and None not in years else ""

    def _all_from(self) -> str:
        told = self.spot.token("y").text
        return self._wrong(lambda i: str(i.year) == told if i.year else None, self._here())

    def _year(self) -> str:
        token, match = self.spot.token("y"), self.spot.match
        if match.start("y") < match.start("a") and not self.spot.opens():
            return ""
        return self._wrong(lambda item: dated(item, token.text))


def year_of(item: Item) -> int | None:
    """Return the year of something, or the one that it was founded, formed or opened in."""
    if item.year is not None:
        return item.year
    found = (item.attributes.get(key) for key in _FOUNDED)
    return next((value for value in found if isinstance(value, int)), None)


def dated(item: Item, told: str) -> bool | None:
    """Say whether something is of a year or a decade: "1994", "1990s", "nineties"."""
    told = DECADES.get(told, told)
    if not told[:-1].isdigit():
        return None
    known = values_of(item)
    if item.year is None or (told in known) or (told.isdigit() and not 1000 < int(told) < 2100):
        return None
    if told.endswith("0s"):
        return f"{decade(item.year)}s" == (told if len(told) == 5 else f"19{told}")
    return str(item.year) == told
