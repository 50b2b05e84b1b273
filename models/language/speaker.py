"""One text in the making: the Facts, the dice, and the pieces that patterns are made of."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from catalog.facts import Evidence, Facts
from catalog.types import Item, Liking
from models.language.articles import article
from models.language.clauses import (
    Clause,
    is_person,
    it,
    kind_of,
    name,
    names,
    own_clauses,
    shared_clause,
    which,
)
from models.language.english import all_of, decade, listing
from models.language.predicates import Predicate
from models.language.ties import Tie, tie_of

T = TypeVar("T")


@dataclass
class Speaker:
    """Puts what is worth telling of the Facts into words, as the dice fall."""

    facts: Facts
    dice: random.Random
    said: set[str] = field(default_factory=set)
    """Categories and years already told, so that a second sentence adds instead of repeating."""

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self.dice.random() * len(choices))]

    # ------------------------------------------------------------------ names

    @cached_property
    def item(self) -> str:
        """The item's title."""
        return name(self.facts.item, self.facts)

    @cached_property
    def it(self) -> str:
        """What stands for the item: "it", or "this artist"."""
        return it(self.facts)

    @cached_property
    def tie(self) -> Tie | None:
        """What the item shares with all the evidence that is told, if that is a tie."""
        return tie_of(self.facts)

    def titles(self, items: Sequence[Item]) -> str:
        """Return titles as a list."""
        return names(items, self.facts)

    # ------------------------------------------------------------------ what ties

    @cached_property
    def predicate(self) -> Predicate:
        """What the tie says of the item and of the evidence; only where it says anything."""
        assert self.tie and self.tie.predicate
        return self.tie.predicate

    def does(self) -> str:
        """Return the verb that stands for the predicate of the evidence: is, are, does, do, did."""
        return self.predicate.does(len(self.facts.evidence))

    # ------------------------------------------------------------------ likings

    def held(self, liking: Liking) -> list[Evidence]:
        """Return the evidence of which just this is known: loved, liked or used."""
        return [entry for entry in self.facts.evidence if entry.liking == liking]

    def you_liked(self, *, recently: bool = False) -> str:
        """Return "you loved “A” and liked “B”", over all the evidence."""
        loved, liked = self.held("loved"), self.held("liked")
        parts = []
        if loved:
            parts.append(f"loved {self.titles(loved)}")
        if liked:
            parts.append(f"{self.pick(['liked', 'enjoyed'])} {self.titles(liked)}")
        if used := self.held("used"):
            parts.append(f"{self.facts.verb} {self.titles(used)}")
        return f"you {'recently ' if recently else ''}{listing(parts)}"

    def which_you_liked(self) -> str:
        """Return "“A”, which you loved, and “B”, which you liked,", with its closing comma."""
        evidence, who = self.facts.evidence, which(self.facts)
        verb = {
            "loved": "loved",
            "liked": self.pick(["liked", "enjoyed"]),
            "used": self.facts.verb,
        }
        likings = {entry.liking for entry in evidence}
        if len(evidence) > 1 and len(likings) == 1:
            count = all_of(len(evidence))
            return f"{self.titles(evidence)}, {count} of {who} you {verb[likings.pop()]},"
        if len(evidence) > 2 and len(likings) == 2:  # two of one kind: told together
            told_of = [liking for liking in verb if liking in likings]
            groups = [self.held(liking) for liking in told_of]
            of = {1: who, 2: f"both of {who}"}
            told = [f"{self.titles(g)}, {of[len(g)]} you {verb[g[0].liking]}," for g in groups]
            return " and ".join(told)
        return " and ".join(f"{name(e, self.facts)}, {who} you {verb[e.liking]}," for e in evidence)

    def your_liking(self, *, closed: bool = False) -> str:
        """Return "your love of “A”, along with your liking for “B”".

        `closed` adds the second comma, where the sentence goes on. What was only used is told as
        "“C”, which you played".
        """
        if self.held("used"):
            return self.which_you_liked().removesuffix("" if closed else ",")
        loved, liked = self.held("loved"), self.held("liked")
        parts = []
        if loved:
            parts.append(f"your love of {self.titles(loved)}")
        if liked:
            parts.append(f"your {self.pick(['liking', 'fondness'])} for {self.titles(liked)}")
        return ", along with ".join(parts) + ("," if closed and len(parts) > 1 else "")

    # ------------------------------------------------------------------ descriptions

    def description(self) -> str:
        """Return what the recommended item is, with article: "a 1994 crime drama"."""
        item = self.facts.item
        categories = self.chosen(item.categories)
        self.said.update(categories)
        what = kind_of(categories, self.facts.noun)
        if item.year is None or self.item.endswith(")") or is_person(self.facts.noun):
            return article(what)
        self.said.add("year")
        forms = [f"{item.year} {what}"]
        if " listed under " not in what:
            forms += [f"{what} from {item.year}", f"{what} from the {decade(item.year)}s"]
        if item.year < 1000:  # "an 85 drama" reads like a count
            forms = [f"{what} from the year {item.year}"]
        return article(self.pick(forms))

    def chosen(self, categories: Sequence[str]) -> list[str]:
        """Pick up to two categories, in their own order."""
        count = min(len(categories), self.pick([1, 2, 2]))
        start = int(self.dice.random() * (len(categories) - count + 1))
        return list(categories[start : start + count])

    def has_description(self) -> bool:
        """Say whether there is more to tell of the item than what it is called."""
        return bool(self.facts.item.categories or self.facts.item.year)

    # ------------------------------------------------------------------ what is shared

    def shared_detail(self) -> Clause | None:
        """Return what the item and its evidence have in common, where it is not told yet."""
        clause = self._shared
        return clause if clause and not clause.tells & self.said else None

    @cached_property
    def _shared(self) -> Clause | None:
        """What the item and its evidence have in common; patterns ask for it several times."""
        return shared_clause(self.facts)

    def own_details(self) -> list[str]:
        """Return sentences on the item alone, without full stop."""
        found: list[str] = []
        if self.has_description() and not self.said:
            found += [f"{self.it} is {self.description()}"] * 2
        found += own_clauses(self.facts)
        popular = self.popular()
        # On a page of favourites nobody wants to read so ten times.
        if popular and (found or self.dice.random() < 0.5):
            found.append(f"{self.it} is {self.pick(popular)}")
        return found

    def popular(self) -> list[str]:
        """Return how it may be said that many like the item, if they do."""
        many = self.facts.noun.many
        if self.facts.popularity == "favourite":
            most = [f"one of the {many} that people here like most"]
            return [*([] if is_person(self.facts.noun) else most), "a favourite here"]
        return ["well liked here"] if self.facts.popularity == "well_liked" else []

    def aside(self, *, closed: bool = False) -> str:
        """Return ", a 1994 crime drama" for right after the item's title, or nothing.

        `closed` adds the second comma, where the sentence goes on.
        """
        if not self.has_description():
            return ""
        return f", {self.description()}{',' if closed else ''}"

    def reason(self) -> str:
        """Return the sentence that ends a text: what is shared and a reason to like both, if any.

        Only what is no tie, which is told at once: "It is in Vienna, as is “Hotel Imperial”."
        """
        shared = self.shared_detail()
        return " " + sentence(shared.text) if shared and shared.is_reason else ""

    def then(self) -> str:
        """Return one more sentence with the most telling detail not told yet, or nothing.

        Where the item has been described, mostly nothing: more detail persuades no better. Nothing
        either, where a reason follows.
        """
        if self.reason():
            return ""
        shared, own = self.shared_detail(), self.own_details()
        details = [shared.text] if shared and (not own or self.dice.random() < 0.75) else own
        chance = 0.3 if self.said else 0.9 if self.facts.evidence else 1
        if not details or self.dice.random() > chance:
            return ""
        return " " + sentence(self.pick(details))


# ---------------------------------------------------------------------- small pieces


def opening(clause: str) -> str:
    """Return a clause with a capital, to begin a sentence with."""
    return clause[0].upper() + clause[1:]


def sentence(clause: str) -> str:
    """Return a clause as a sentence of its own."""
    return opening(clause).removesuffix(",") + "."
