"""What was spotted of makers, places and series, held against the Facts."""

from collections.abc import Sequence

from catalog.types import Item
from models.faithfulness.judging.context import distinct
from models.faithfulness.judging.values import numbers_of, share
from models.faithfulness.reading.attributes import BY_PREPOSITION, CAST, IN_ROLE, MADE, MAKES
from models.faithfulness.spotting.comparisons import values_of
from models.faithfulness.spotting.levels import Levels

_ALL = {"both": 2, "two": 2, "three": 3, "four": 4}
_CONTRAST = (
    "not", "it", "your", "unlike", "while", "whereas", "than", "when", "been", "nor",
    "neither", "instead", ";", ", and", "but", "before", "after", "like",
)  # fmt: skip
"""Words with which a sentence may go on to something else than what its maker made."""
_MAKERS = BY_PREPOSITION["by"] | frozenset(
    "teacher winery creator label publisher company editor owner founder".split()
)
_PLACES = (BY_PREPOSITION["from"] - _MAKERS) | BY_PREPOSITION["in"] - {"series"}
_ANYBODY = frozenset(
    "hand pen people mind team voice person man woman duo maker makers name him her he she his "
    "hi".split()  # "his", without its s
)

_PLAIN_ROLES = frozenset(
    "directed written composed produced narrated illustrated sung taught".split()
)
"""What only those do who are named for it: whoever else is known made it in another way."""


class Makings(Levels):
    """It adds who made things, where they are from, and what they share."""

    def _keys(self) -> frozenset[str]:
        """Return the names that what somebody made may stand under."""
        how = self.spot.word("how")
        return MADE[MAKES.get(how, how)] if how in {*MADE, *MAKES} else _MAKERS

    def _valued(self, values: Sequence[str], keys: frozenset[str]) -> str:
        """Return of which values are not so, though it has some under one of the names."""
        under = self._names_of(values)

        def has(item: Item) -> bool | None:
            if values_of(item).issuperset(values):
                return True
            return False if under & keys & set(item.attributes) else None

        return self._wrong(has)

    def _held(self, keys: frozenset[str]) -> str:
        """Return of which a value is not so in just this role, which somebody else has."""
        values = self.spot.token("v").parts

        def has(item: Item) -> bool | None:
            known = values_of(item, keys)
            return known.issuperset(values) if known else None

        return self._wrong(has)

    def _made(self) -> str:
        how = MAKES.get(self.spot.word("how"), self.spot.word("how"))
        if how in _PLAIN_ROLES:
            return self._held(MADE[how])
        return self._valued(self.spot.token("v").parts, self._keys())

    def _cast(self) -> str:
        """In its cast: a person who is not, where the cast is known."""
        if self.spot.word("v") == "P":
            return self._other_of(CAST)
        is_person = self._names_of(self.spot.token("v").parts) & (CAST | _MAKERS)
        return self._held(CAST) if is_person else ""

    def _won(self) -> str:
        """Another number of a prize than it won, or one that it did not win."""
        names = IN_ROLE["won"]
        if self.spot.word("v") == "V":
            return self._held(names)
        number = self.spot.token("n").text if self.spot.word("n") else ""
        prizes = self.spot.token("v").parts

        def has(item: Item) -> bool | None:
            known = [value.casefold() for value in values_of(item, names)]
            found = [v for v in known if all(prize.casefold() in v for prize in prizes)]
            return any(not number or number in v.split() for v in found) if known else None

        return self._wrong(has)

    def _made_them(self) -> str:
        """Both of them: of what was named before, where it is so many."""
        named = distinct(self.before)
        number = next((n for w, n in _ALL.items() if w in self.spot.match[0].split()), 0)
        if not number or len(named) != number:
            return ""
        values = self.spot.token("v").parts
        return self._wrong(
            lambda i: values_of(i).issuperset(values) if values_of(i, _MAKERS) else None, named
        )

    def _from(self) -> str:
        return self._valued(self.spot.token("v").parts, _PLACES | _MAKERS)

    def _elsewhere(self) -> str:
        """In a place that the Facts do not know, where they know the place."""
        name = self.spot.token("v").text.casefold()
        keys = frozenset({"city", "place", "town", "location"})

        def has(item: Item) -> bool | None:
            known = [str(v).casefold() for key, v in item.pairs() if key in keys]
            return any(name in value or value in name for value in known) if known else None

        return self._wrong(has)

    def _value(self) -> str:
        """A value is not of what has another under its name."""
        before = self.spot.match.string[: self.spot.match.start()]
        if not self.spot.opens() or " or " in before:
            return ""
        values = self.spot.token("v").parts
        return self._valued(values, frozenset(self._names_of(values)))

    def _its(self) -> str:
        """The value of a named attribute."""
        return self._held(numbers_of(self.spot.token("k").text))

    def _his(self) -> str:
        return self._other() if self.spot.word("v") == "P" else self._made()

    def _other(self) -> str:
        """A name that the Facts do not know is not of who made it, if they know who did."""
        return self._other_of(self._keys())

    def _other_of(self, keys: frozenset[str]) -> str:
        names = [name.casefold() for name in self.spot.token("v").parts]

        def has(item: Item) -> bool | None:
            known = [value.casefold() for value in values_of(item, keys)]
            return all(any(n in v or v in n for v in known) for n in names) if known else None

        return self._wrong(has)

    def _not_made(self) -> str:
        values = self.spot.token("v").parts
        made = [values_of(self.entities[n]) for mention in self._of("a") for n in mention]
        return "" if all(known.isdisjoint(values) for known in made) else "it was"

    _not_valued = _not_made

    def _all_made(self) -> str:
        """A sentence with a maker as its subject speaks of what this maker made."""
        skeleton = f" {self.spot.sentence.skeleton} "
        makers = sum(token.symbol in {"V", "P"} for token in self.spot.sentence.tokens)
        if (
            makers > 1
            or self.spot.match.start()
            or any(f" {word} " in skeleton for word in _CONTRAST)
        ):
            return ""
        values = self.spot.token("v").parts
        keys = self._names_of(values) & BY_PREPOSITION["by"]
        return self._wrong(
            lambda i: values_of(i).issuperset(values) if keys & set(i.attributes) else None,
            self._here(),
        )

    # ------------------------------------------------------------------ what is shared

    def _all_same(self) -> str:
        key, here = self.spot.token("k").text, self._here()
        if len(here) != 2:
            return ""
        one, other = (self.entities[min(mention)] for mention in here)
        return f"not the same {key}" if share(one, other, key, equal=False) is False else ""

    def _same(self) -> str:
        key = self.spot.token("k").text
        pairs = [*self._pairs()]
        if not self.spot.word("b"):
            of = [self.entities[min(mention)] for mention in self._of("a")]
            pairs = [(of[0], other) for other in of[1:]]
        for one, other in pairs:
            if share(one, other, key, equal=False) is False:
                return f"not the same {key}"
        return ""

    def _makers(self, item: Item) -> set[str]:
        """Return who made something, under the name at hand."""
        how = (self.spot.word("how") or "hand").split()[-1]
        key = how.removesuffix("s")
        if how == "K":
            key = next(t.text for t in self.spot.tokens("how") if t.symbol == "K")
        names = {key, f"{key}s"} if key not in _ANYBODY else set(_MAKERS)
        return values_of(item, frozenset(names)) or values_of(item, _MAKERS)

    def _one_hand(self) -> str:
        """By the same: as another thing that is named."""
        named = [self.entities[min(mention)] for mention in self._named()]
        makers = [self._makers(item) for item in named]
        if len(named) < 2 or not all(makers):
            return ""
        shared = any(a & b for n, a in enumerate(makers) for b in makers[n + 1 :])
        return "" if shared else "no two are of one maker"

    def _one_maker(self) -> str:
        """The people behind one thing made another."""
        for one, other in self._pairs():
            mine, its = self._makers(one), self._makers(other)
            if mine and its and not mine & its:
                return "not of one maker"
        return ""

    def _pronoun(self) -> str:
        """His film: of whoever made something else that is named."""
        others = [self.entities[min(m)] for m in self._named() if m not in self._of("a")]
        here = {token.text for token in self.spot.sentence.tokens if token.symbol in {"V", "P"}}
        if here or not others:
            return ""
        for mention in self._of("a"):
            mine = self._makers(self.entities[min(mention)])
            its = [self._makers(other) for other in others]
            if mine and all(its) and not any(mine & makers for makers in its):
                return "not of one maker"
        return ""

    def _differ(self) -> str:
        """By another than what else is named."""
        mine = self._of("a")
        if len(mine) > 1:  # "A and B are by different hands"
            mine, others = mine[:1], mine[1:] if len(mine) == 2 else []
            return self._same_role(mine, others)
        others = self._of("b") if self.spot.word("b") else []
        others = others or [m for m in self._named() if m not in mine]
        return self._same_role(mine, others)

    def _same_role(self, mine: list[set[int]], others: list[set[int]]) -> str:
        for one in mine if others else ():
            known = self._role(self.entities[min(one)])
            if known and all(known == self._role(self.entities[min(m)]) for m in others):
                return "it is the same"
        return ""

    def _role(self, item: Item) -> dict[str, object]:
        """Return who made something, under the very name at hand, or all of them for "a hand"."""
        how = (self.spot.word("how") or "hand").split()[-1].removesuffix("s")
        if how == "K":
            how = next(t.text for t in self.spot.tokens("how") if t.symbol == "K")
        names = _MAKERS if how in _ANYBODY else {how, f"{how}s"}
        return {key: value for key, value in item.attributes.items() if key in names}

    def _no_kinship(self) -> str:
        pairs = [*self._pairs()]
        if not self.spot.word("b"):
            of = [self.entities[min(mention)] for mention in self._of("a")]
            pairs = [(of[0], other) for other in of[1:]]
        for one, other in pairs:
            if set(one.pairs()) & set(other.pairs()) or set(one.categories) & set(other.categories):
                return "they share something"
        return ""

    def _no_kin(self) -> str:
        """None of what was liked has a category in common with it."""
        mine = {c for m in self._of("a") for n in m for c in self.entities[n].categories}
        return "one has" if any(mine & set(e.categories) for e in self.facts.evidence) else ""
