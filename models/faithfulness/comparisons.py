"""What was spotted of dates, held against the Facts: older than, ten years later, the first."""

from collections.abc import Callable, Iterator
from itertools import combinations

from catalog.facts import Facts
from catalog.types import Item
from models.faithfulness.context import distinct
from models.faithfulness.spots import DECADES, Spotted
from models.faithfulness.symbols import Title
from models.language.english import decade

_LATER = frozenset(
    "after newer younger later on newest youngest latest afterwards followed postdates recent "
    "last".split()
)
"""Words that put the first of two things after the second."""
_CENTURIES = dict(
    zip("seventeenth eighteenth nineteenth twentieth".split(), range(17, 21), strict=True)
) | {"N - first": 21}
_FOUNDED = ("formed", "founded", "opened", "established", "built", "vintage", "released")

_COMPARE = frozenset(
    "before after earlier later older newer younger longer shorter cheaper heavier lighter "
    "bigger larger smaller slimmer thicker pricier dearer half twice double".split()
)
_OBJECT = frozenset(
    "than before after of to with like as from unlike beside followed for on".split()
)
"""Words after which something is not what the sentence speaks of."""
_SKIPPED = frozenset("the a an both either even your his her its C1 CA NN".split())
_BOUNDARY = frozenset(", ; : and but while whereas . ? !".split())


class Comparisons:
    """A spotted statement beside the Facts; the method for its kind has the name of the kind."""

    def __init__(
        self,
        spot: Spotted,
        facts: Facts,
        called: Callable[[Title], set[int]],
        before: list[set[int]],
    ) -> None:
        self.spot, self.facts, self.called = spot, facts, called
        self.before = [mention for mention in before if mention]
        self.entities: list[Item] = [facts.item, *facts.evidence]

    def why(self) -> str:
        """Return why it cannot be so."""
        return str(getattr(self, f"_{self.spot.kind}")())

    # ------------------------------------------------------------------ who is meant

    def _of(self, group: str) -> list[set[int]]:
        word = self.spot.word(group)
        if word in {"it", "this one"}:
            return self._it(group)
        if group == "a" and "a" not in self.spot.match.groupdict():
            named = distinct([*self._here()]) or distinct(self.before)
            return named if len(named) == 1 else []
        if word == "former":
            return self.before[:1] if len(self.before) == 2 else []
        if group == "b" and not word:  # the other of two
            mine = self._of("a")
            others = [m for m in self._here() if m not in mine]
            others = others or [m for m in self.before if m not in mine]
            return others if len(distinct(others)) == 1 else []
        return [m for title in self.spot.token(group).titles if (m := self.called(title))]

    def _it(self, group: str) -> list[set[int]]:
        """Return what "it" is: the only thing named before, else the item beside another."""
        place = self.spot.starts[self.spot.match.start(group)]
        tokens = self.spot.sentence.tokens[:place]
        near = distinct([m for t in tokens for title in t.titles if (m := self.called(title))])
        if group == "b":
            near = [m for m in distinct(self.before) if m not in self._of("a")]
        near = near or distinct(self.before)
        if len(near) == 1:
            return near
        return [{0}] if {0} in near and group == "a" else []

    def _here(self) -> list[set[int]]:
        """Return what the sentence names."""
        titles = (title for token in self.spot.sentence.tokens for title in token.titles)
        return [mention for title in titles if (mention := self.called(title))]

    def _named(self) -> list[set[int]]:
        """Return what this sentence and those before it name, each once."""
        return distinct([*self.before, *self._here()])

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
        """Yield each thing of the group a with each of b, or with the one other that is named."""
        if self._is_crossed():
            return
        for one in self._of("a"):
            for other in self._of("b"):
                if one != other and len(one) == len(other) == 1:
                    yield self.entities[min(one)], self.entities[min(other)]

    def _heads(self) -> bool:
        """Say whether it begins with what it is said of, or nothing else is named before it."""
        return self.spot.match.start("a") == self.spot.match.start() or self.spot.opens()

    def _is_crossed(self) -> bool:
        """Say whether more than one comparison is at hand, or the wrong thing is at its head.

        “Heat” is like “Ronin” but three years older: “Ronin” is not older.
        """
        match, starts = self.spot.match, self.spot.starts
        tokens = self.spot.sentence.tokens
        inside = [n for p, n in starts.items() if match.start() <= p < match.end()]
        words = [tokens[n].symbol for n in inside]
        own = self.spot.word("how").split()
        if sum(word in _COMPARE for word in words) > sum(word in _COMPARE for word in own):
            return True
        if not tokens or self.spot.word("a") in {"it"}:
            return False
        head = starts[match.start("a")]
        before = [tokens[n].symbol for n in range(max(0, head - 3), head)]
        while before and before[-1] in _SKIPPED:
            before.pop()
        if before and before[-1] in _OBJECT:
            return True
        if self.spot.word("b"):
            return False
        for token in reversed(tokens[:head]):  # nothing else in the same clause
            if token.symbol in _BOUNDARY:
                break
            if token.titles:
                return True
        return False

    # ------------------------------------------------------------------ dates

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
        values = {str(v) for e in self.entities for v in e.attributes.values()}
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
    known = {str(value) for value in item.attributes.values()}
    if item.year is None or (told in known) or (told.isdigit() and not 1000 < int(told) < 2100):
        return None
    if told.endswith("0s"):
        return f"{decade(item.year)}s" == (told if len(told) == 5 else f"19{told}")
    return str(item.year) == told
