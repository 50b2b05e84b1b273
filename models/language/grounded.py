"""The grounded engine: a grammar over Facts whose every sentence is true of them.

A text is one of the discourse patterns at the end of this file, filled with clauses. All choices
follow from a style number, which is a hash of the Facts, so that equal Facts always give the same
text and a page of different Facts is varied. Conventions that the checker and
every reader of a text can rely on: titles stand in “curly quotes”, categories and attribute values
without a well-known English form in ‘single’ ones; "it" and "this one" are the recommended item;
only evidence of kind `contribution` or `similar` is followed by "because" or anything like it.

Where a grounded text stands in for one that is false or late, it comes from here as well, by way of
the check: `models.prism.writer.grounded_text`.
"""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from catalog.facts import Evidence, Facts
from catalog.types import Item
from models.language.articles import article
from models.language.clauses import (
    another,
    everybody,
    evidence_in_common,
    kind_of,
    name,
    names,
    own_clauses,
    shared_clauses,
)
from models.language.english import all_of, decade, listing

GRAMMAR_VERSION = "4"
"""Raised whenever Facts may get another text."""
STYLES = 64
"""Ways to say things; more than patterns, as clauses vary within them."""
T = TypeVar("T")


class GroundedEngine:
    """Writes by grammar: instant, always true, and what every other engine falls back on."""

    name = "grounded"
    version = GRAMMAR_VERSION

    def write(self, batch: Sequence[Facts]) -> list[str]:
        """Return one text per Facts; see `Engine`."""
        return [explain(facts) for facts in batch]


def style_of(facts: Facts) -> int:
    """Return which of the `STYLES` ways to say things suits these Facts.

    A description moves no text of this grammar, which does not speak of it, and neither does the
    version that the Facts call themselves.
    """
    told = facts.model_dump_json(
        exclude={
            "version": True,
            "item": {"description"},
            "evidence": {"__all__": {"description"}},
        },
        exclude_defaults=True,
    )
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8]) % STYLES


def explain(facts: Facts, style: int | None = None) -> str:
    """Return one or two sentences, in the second person, that say nothing beyond the Facts.

    The text is a function of the Facts and the style, by default `style_of` the Facts.
    """
    dice = random.Random(style_of(facts) if style is None else style)  # noqa: S311
    patterns = {"none": _WITHOUT_EVIDENCE, "recent": _RECENT}.get(facts.evidence_kind, _BECAUSE)
    speaker = _Speaker(facts, dice)
    return speaker.pick(patterns)(speaker)


@dataclass
class _Speaker:
    """One text in the making: the Facts, the dice, and the clauses that patterns are made of."""

    facts: Facts
    dice: random.Random
    said: set[str] = field(default_factory=set)
    """Categories and years already told, so that a second sentence adds instead of repeating."""

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.dice.random() * len(choices))]

    # ------------------------------------------------------------------ names

    @cached_property
    def item(self) -> str:
        return name(self.facts.item, self.facts)

    def titles(self, items: Sequence[Item]) -> str:
        return names(items, self.facts)

    # ------------------------------------------------------------------ likings

    @cached_property
    def used(self) -> list[Evidence]:
        """The evidence of which is only known that it was used."""
        return [entry for entry in self.facts.evidence if entry.liking == "used"]

    def you_liked(self, *, recently: bool = False) -> str:
        """Return "you loved “A” and liked “B”", over all the evidence."""
        loved = [e for e in self.facts.evidence if e.liking == "loved"]
        liked = [e for e in self.facts.evidence if e.liking == "liked"]
        parts = []
        if loved:
            parts.append(f"loved {self.titles(loved)}")
        if liked:
            parts.append(f"{self.pick(['liked', 'enjoyed'])} {self.titles(liked)}")
        if self.used:
            parts.append(f"{self.facts.verb} {self.titles(self.used)}")
        return f"you {'recently ' if recently else ''}{listing(parts)}"

    def which_you_liked(self) -> str:
        """Return "“A”, which you loved, and “B”, which you liked,", with its closing comma."""
        evidence = self.facts.evidence
        verb = {
            "loved": "loved",
            "liked": self.pick(["liked", "enjoyed"]),
            "used": self.facts.verb,
        }
        likings = {entry.liking for entry in evidence}
        if len(evidence) > 1 and len(likings) == 1:
            count = all_of(len(evidence))
            return f"{self.titles(evidence)}, {count} of which you {verb[likings.pop()]},"
        if len(evidence) > 2 and len(likings) == 2:  # two of one kind: told together
            told_of = [liking for liking in verb if liking in likings]
            groups = [[e for e in evidence if e.liking == liking] for liking in told_of]
            which = {1: "which", 2: "both of which"}
            told = [f"{self.titles(g)}, {which[len(g)]} you {verb[g[0].liking]}," for g in groups]
            return " and ".join(told)
        return " and ".join(f"{name(e, self.facts)}, which you {verb[e.liking]}," for e in evidence)

    def your_liking(self, *, closed: bool = False) -> str:
        """Return "your love of “A”, along with your liking for “B”".

        `closed` adds the second comma, where the sentence goes on. What was only used is told as
        "“C”, which you played".
        """
        if self.used:
            return self.which_you_liked().removesuffix("" if closed else ",")
        loved = [e for e in self.facts.evidence if e.liking == "loved"]
        liked = [e for e in self.facts.evidence if e.liking == "liked"]
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
        if item.year is None or self.item.endswith(")"):
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
        return bool(self.facts.item.categories or self.facts.item.year)

    # ------------------------------------------------------------------ what is shared

    def shared_details(self) -> list[str]:
        """Return what the item and its evidence have in common, as clauses not told yet."""
        return [c.text for c in shared_clauses(self.facts) if not c.tells & self.said]

    def own_details(self) -> list[str]:
        """Return sentences on the item alone, without full stop."""
        found: list[str] = []
        if self.has_description() and not self.said:
            found += [f"it is {self.description()}"] * 2
        found += own_clauses(self.facts)
        popular = self.popular()
        # On a page of favourites nobody wants to read so ten times.
        if popular and (found or self.dice.random() < 0.5):
            found.append(f"it is {self.pick(popular)}")
        return found

    def popular(self) -> list[str]:
        many = self.facts.noun.many
        if self.facts.popularity == "favourite":
            return [f"one of the {many} that people here like most", "a favourite here"]
        return ["well liked here"] if self.facts.popularity == "well_liked" else []

    def aside(self, *, closed: bool = False) -> str:
        """Return ", a 1994 crime drama" for right after the item's title, or nothing.

        `closed` adds the second comma, where the sentence goes on.
        """
        if not self.has_description():
            return ""
        return f", {self.description()}{',' if closed else ''}"

    def then(self, chance: float = 0.85) -> str:
        """Return one more sentence with a detail not told yet, or nothing."""
        shared, own = self.shared_details(), self.own_details()
        details = shared if shared and (not own or self.dice.random() < 0.75) else own
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


# ---------------------------------------------------------------------- discourse patterns

Pattern = Callable[[_Speaker], str]


def _another(s: _Speaker) -> str:
    """You loved “A”; “I” is another thriller."""
    what = another(s.facts)
    if what is None:
        return f"{s.item} is on your list because {s.you_liked()}.{s.then()}"
    return s.pick(
        [
            f"{sentence(s.you_liked())} {s.item} is {what}.",
            f"{opening(s.you_liked())}; {s.item} is {what}.",
            f"{opening(what)} for you: {s.item}. {sentence(s.you_liked())}",
        ]
    )


def _and_shared(s: _Speaker) -> str:
    """“I” may be for you: you loved “A”, and both are thrillers."""
    # After a liking, "it" would be what was liked.
    details = [d for d in s.shared_details() if d.startswith(everybody(s.facts))]
    if not details:
        return f"{s.item}{s.aside(closed=True)} may be for you, because {s.you_liked()}."
    return s.pick(
        [
            f"{s.item} may be for you: {s.you_liked()}, and {s.pick(details)}.",
            f"{sentence(s.you_liked())} {s.item} is on your list; {s.pick(details)}.",
            f"{opening(s.you_liked())}; {s.item} may be for you, and {s.pick(details)}.",
        ]
    )


def _common(s: _Speaker) -> str:
    """You loved “A” and “B”, both westerns, so we suggest “I”, a 1994 comedy."""
    common = evidence_in_common(s.facts)
    if not common:
        return f"{opening(s.you_liked())}, so here is {s.item}{s.aside()}.{s.then()}"
    return s.pick(
        [
            f"{opening(s.you_liked())}, {common}, so we suggest {s.item}{s.aside()}.",
            f"{s.item}{s.aside(closed=True)} is here because {s.you_liked()}, {common}.",
        ]
    )


def _why(s: _Speaker) -> str:
    """Why “I”? Because you loved “A”."""
    if s.facts.item.title.endswith(("?", "!", ".")):
        return f"{s.item}{s.aside(closed=True)} is on your list because {s.you_liked()}."
    return f"Why {s.item}{s.aside()}? Because {s.you_liked()}."


def _for_you(s: _Speaker) -> str:
    """A 1994 crime drama for you: “I”."""
    if not s.has_description():
        return f"This one is for you: {s.item}.{s.then()}"
    return f"{opening(s.description())} for you: {s.item}.{s.then()}"


def _popular(s: _Speaker) -> str:
    """“I” is one of the films that people here like most. It is a 1994 crime drama."""
    popular = s.popular()
    if not popular:
        return f"{s.item} may be for you.{s.then()}"
    ending = f" It is {s.description()}." if s.has_description() else ""
    return s.pick(
        [
            f"{s.item} is {s.pick(popular)}.{ending}",
            f"{s.item}{s.aside(closed=True)} is {s.pick(popular)}.",
        ]
    )


_BECAUSE: list[Pattern] = [
    lambda s: f"Because {s.you_liked()}, we suggest {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{opening(s.you_liked())}, so {s.item}{s.aside(closed=True)} may suit you.",
    lambda s: f"{s.item} is on your list because {s.you_liked()}.{s.then()}",
    lambda s: f"Since {s.you_liked()}, here is {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{opening(s.you_liked())}, and that is why {s.item} is here.{s.then()}",
    lambda s: f"{s.item}{s.aside(closed=True)} is recommended because {s.you_liked()}.{s.then()}",
    lambda s: f"We picked {s.item} for you because {s.you_liked()}.{s.then()}",
    lambda s: f"{opening(s.your_liking(closed=True))} led us to {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{opening(s.which_you_liked())} led us to {s.item}{s.aside()}.{s.then()}",
    lambda s: (
        f"{opening(s.your_liking(closed=True))} put {s.item}{s.aside(closed=True)} on your list."
    ),
    lambda s: f"{opening(s.your_liking(closed=True))} points to {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{s.item} may appeal to you, as {s.you_liked()}.{s.then()}",
    lambda s: f"As {s.you_liked()}, we suggest {s.item}{s.aside()}.{s.then()}",
    lambda s: f"You may {s.pick(['like', 'enjoy'])} {s.item}, because {s.you_liked()}.{s.then()}",
    lambda s: f"The reason for {s.item}: {s.you_liked()}.{s.then()}",
    lambda s: f"{s.item} made your list thanks to {s.which_you_liked()[:-1]}.{s.then()}",
    lambda s: f"{sentence(s.you_liked())} That put {s.item}{s.aside(closed=True)} on your list.",
    lambda s: f"Next for you is {s.item}{s.aside()}, because {s.you_liked()}.{s.then()}",
    lambda s: f"Thanks to {s.your_liking()}, we found {s.item}{s.aside()}.{s.then()}",
    _another,
    _another,
    _and_shared,
    _and_shared,
    _common,
    _why,
]

_RECENT: list[Pattern] = [
    lambda s: f"{sentence(s.you_liked(recently=True))} Here is {s.item}{s.aside()}.",
    lambda s: f"Lately {s.you_liked()}. You may also like {s.item}{s.aside()}.",
    lambda s: f"After {s.which_you_liked()} comes {s.item}{s.aside()}.{s.then()}",
    lambda s: f"Next on your list is {s.item}{s.aside()}. {sentence(s.you_liked(recently=True))}",
    lambda s: f"{s.item}{s.aside(closed=True)} may be next. Lately {s.you_liked()}.",
    lambda s: f"{opening(s.you_liked(recently=True))}; {s.item}{s.aside(closed=True)} is next.",
    lambda s: f"You may like {s.item}{s.aside()}. {sentence(s.you_liked(recently=True))}",
    lambda s: f"{opening(s.you_liked(recently=True))}; we suggest {s.item} next.{s.then()}",
]

_WITHOUT_EVIDENCE: list[Pattern] = [
    lambda s: f"Here is {s.item}{s.aside()}.{s.then()}",
    lambda s: f"You may {s.pick(['like', 'enjoy'])} {s.item}{s.aside()}.{s.then()}",
    lambda s: f"We suggest {s.item}{s.aside()}.{s.then()}",
    lambda s: f"Try {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{s.item}{s.aside(closed=True)} may be one to start with.{s.then()}",
    lambda s: f"On your list: {s.item}{s.aside()}.{s.then()}",
    lambda s: f"Next for you: {s.item}{s.aside()}.{s.then()}",
    lambda s: f"{s.item}{s.aside(closed=True)} may suit you.{s.then()}",
    lambda s: f"To start with, we suggest {s.item}{s.aside()}.{s.then()}",
    _for_you,
    _popular,
    _popular,
]
