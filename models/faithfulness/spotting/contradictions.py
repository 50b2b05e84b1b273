"""Holds what was spotted in a sentence against the Facts: what things are, and all the rest.

It says nothing where it does not know. What is so is not counted as a claim, as the words around it
may turn it round.
"""

from collections.abc import Callable, Sequence

from catalog.facts import Facts
from catalog.types import Item
from models.faithfulness.reading.facts_words import has_category
from models.faithfulness.reading.symbols import CATEGORIES, Title, Token
from models.faithfulness.spotting.chronology import dated
from models.faithfulness.spotting.comparisons import values_of
from models.faithfulness.spotting.histories import Histories
from models.faithfulness.spotting.spots import Spotted
from models.language.english import category_forms, category_nouns

_ALL = {"both": 2, "two": 2, "pair": 2, "three": 3, "trio": 3, "four": 4}
_ATTRIBUTIVE = frozenset(category_forms()) | frozenset(
    "italian french greek spanish mexican indian thai japanese korean chinese vietnamese turkish "
    "lebanese ethiopian portuguese peruvian georgian vegan vegetarian seafood sparkling red white "
    "luxury budget boutique racing platform shooter puzzle strategy cooperative party dice card "
    "co-op horror trivia educational".split()
)
"""Categories as they stand before a noun; of another than its own a thing is none."""
_PLACE_NOUNS = frozenset(
    "restaurant place spot bistro eatery kitchen diner cafe hotel wine".split()
)
_OF_OTHERS = frozenset(
    "fan fans lover lovers buff buffs addict shelf cravings streak mood - S".split()
)
"""After a category, these say that it is no category of the thing: "a horror fan's dream"."""


def contradiction(
    spot: Spotted, facts: Facts, called: Callable[[Title], set[int]], before: list[set[int]]
) -> str:
    """Return why what was spotted cannot be so; empty where it can, or where it is not known.

    `called` returns the entities (0 is the item) that a title may name, `before` has those that
    the sentences before name.
    """
    return _Contradictions(spot, facts, called, before).why()


class _Contradictions(Histories):
    """It adds what things are."""

    def _categorised(self, forms: Sequence[str]) -> Callable[[Item], bool | None]:
        return lambda i: all(has_category(i, f) for f in forms) if i.categories else None

    def _np(self) -> str:
        """A noun phrase beside a title: what it says of categories, dates and values."""
        tokens = self.spot.tokens("np")
        if not tokens:
            return ""
        inside, after = tokens[:-1], tokens[1:]
        if {"not", "than", "like", "unlike"} & {token.symbol for token in inside}:
            return ""
        for token, following in zip(inside, after, strict=True):
            whose = following.symbol == "S" and token.symbol != "CA"
            is_its = whose or following.symbol not in _OF_OTHERS
            if is_its and (why := self._one_of(token, following)):
                return why
        return ""

    def _one_of(self, token: Token, following: Token) -> str:
        symbol = token.symbol
        if symbol in CATEGORIES:
            return self._wrong(self._categorised(token.parts))
        if symbol in {"N", "D"}:
            unit = following.symbol in {"K", "years", "year", "minutes", "pages", "%"}
            return "" if unit else self._wrong(lambda item: dated(item, token.text))
        if symbol == "V":
            return self._wrong(self._has_value(token.parts))
        word = token.text.casefold() if symbol == "P" else symbol
        noun = following.symbol in {"NN", "NP", "NB", *_PLACE_NOUNS}
        if word in category_nouns() or (word in _ATTRIBUTIVE and noun):
            return self._wrong(self._categorised([word]))
        return ""

    def _so_is(self) -> str:
        token = self.spot.token("np")
        return self._one_of(token, token)

    def _all_are(self) -> str:
        """All three are so: of all that is named, or of all that was liked."""
        token = self.spot.token("c")
        number = next((n for w, n in _ALL.items() if w in self.spot.word("n")), 0)
        everything = [{n} for n in range(len(self.entities))]
        sets = [s for s in (everything, everything[1:], self._named()) if len(s) == number]
        if token.symbol == "V":
            wrong = [self._wrong(self._has_value(token.parts), s) for s in sets]
        else:
            wrong = [self._wrong(self._categorised(token.parts), s) for s in sets]
        return wrong[0] if wrong and all(wrong) else ""

    def _only_it(self) -> str:
        """Only one of what was liked is so."""
        token = self.spot.token("c")
        is_value = token.symbol == "V"
        has = self._has_value(token.parts) if is_value else self._categorised(token.parts)
        others = [e for n, e in enumerate(self.entities) if n and {n} not in self._of("a")]
        return "another is" if any(has(entity) for entity in others) else ""

    def _one_of_them(self) -> str:
        """Only one of so many is so: of all that is named, of what was liked, or of everything."""
        has = self._categorised(self.spot.token("c").parts)
        if self.spot.token("c").symbol == "V":
            has = self._has_value(self.spot.token("c").parts)
        everything = [{n} for n in range(len(self.entities))]
        sets = [everything, everything[1:], self._named()]
        sets = [some for some in sets if len(some) == self.spot.number()]
        mine = self._of("a")
        another = [any(has(self.entities[min(m)]) for m in some if m not in mine) for some in sets]
        return "another is" if another and all(another) else ""

    def _has_value(self, values: Sequence[str]) -> Callable[[Item], bool | None]:
        keys = self._names_of(values)
        return lambda item: (
            values_of(item).issuperset(values) if keys & set(item.attributes) else None
        )

    def _kind(self) -> str:
        return self._wrong(self._categorised(self.spot.token("c").parts))

    def _pure(self) -> str:
        """Only a drama: and nothing else."""
        forms = self.spot.token("c").parts

        def has(item: Item) -> bool | None:
            if not item.categories:
                return None
            if not all(has_category(item, form) for form in forms):
                return False
            return len(item.categories) <= len(forms)

        return self._wrong(has)

    def _not(self) -> str:
        forms = self.spot.token("c").parts
        return "it is" if any(
            has_category(self.entities[n], form) for m in self._of("a") for n in m for form in forms
        ) else ""  # fmt: skip

    def _unlike(self) -> str:
        """Unlike T, it is a drama: T is none."""
        has = self._categorised(self.spot.token("c").parts)
        unlike = [self.entities[n] for mention in self._of("a") for n in mention]
        return "so is the other" if any(has(item) for item in unlike) else ""

    def _none(self) -> str:
        """None of what was liked is one."""
        forms = self.spot.token("c").parts
        liked = self.facts.evidence
        if self.spot.word("how") == "neither" and len(liked) != 2:
            return ""
        return "one is" if any(all(has_category(e, f) for f in forms) for e in liked) else ""

    def _all_kind(self) -> str:
        """All that was liked is of a category."""
        forms = self.spot.token("c").parts
        return self._wrong(
            self._categorised(forms), [{n} for n in range(1, len(self.entities))]
        )  # fmt: skip
