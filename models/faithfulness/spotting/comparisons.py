"""Who is meant by what was spotted in a sentence: one thing, the other, the last of two."""

from collections.abc import Callable, Iterator, Sequence

from catalog.facts import Facts
from catalog.types import Item
from models.faithfulness.judging.context import distinct
from models.faithfulness.reading.attributes import MADE
from models.faithfulness.reading.symbols import Title
from models.faithfulness.spotting.spots import Spotted

_COMPARE = frozenset(
    "before after earlier later older newer younger longer shorter cheaper heavier lighter "
    "bigger larger smaller slimmer thicker pricier dearer half twice double".split()
)
_OBJECT = frozenset(
    "than before after of to with like as from unlike beside followed for on".split()
)
"""Words after which something is not what the sentence speaks of."""
_SKIPPED = frozenset("the a an both either even your his her its C1 CA NN".split())
_BESIDE = frozenset({"like", "unlike"})
_PLURAL = frozenset(
    "are were both all come date hail have share two three four NP CP neither none".split()
)
_SET_BEHIND = frozenset(", ( from of in by at on with which that who whom you".split())
"""Words that may set something behind the last title of a list alone."""
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
        titles = self.spot.token(group).titles
        if self._is_of_last(group):
            titles = titles[-1:]
        return [m for title in titles if (m := self.called(title))]

    def _is_of_last(self, group: str) -> bool:
        """Say whether what follows a list may be said of its last title alone.

        “Heat” and “Her”, the film you loved: only “Her” was loved, for all that is known.
        """
        match = self.spot.match
        words = match.string[match.end(group) : match.end()].split()
        if self.spot.word(group) != "TT" or not words or not _PLURAL.isdisjoint(words):
            return False
        return words[0] in _SET_BEHIND or words[0] in MADE

    def _it(self, group: str) -> list[set[int]]:
        """Return what "it" is: the only thing named before, else the item beside another."""
        place = self.spot.starts[self.spot.match.start(group)]
        tokens = self.spot.sentence.tokens[:place]
        named = [  # "like T, it": it is not T
            t for n, t in enumerate(tokens) if n == 0 or tokens[n - 1].symbol not in _BESIDE
        ]
        near = distinct([m for t in named for title in t.titles if (m := self.called(title))])
        if group == "b":
            mine = self._of("a")
            near = [m for m in near if m not in mine] if tokens else []
            near = near or [m for m in distinct(self.before) if m not in mine]
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

    def _names_of(self, values: Sequence[str]) -> set[str]:
        """Return the names of attributes under which something has one of the values."""
        return {key for e in self.entities for key, value in e.pairs() if str(value) in values}

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


def values_of(item: Item, names: frozenset[str] | None = None) -> set[str]:
    """Return the values of all attributes of an item, or of those of the names."""
    return {str(value) for key, value in item.pairs() if names is None or key in names}
