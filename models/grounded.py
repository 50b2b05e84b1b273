"""The grounded engine: a grammar over Facts whose every sentence is true of them.

A text is one of the discourse patterns at the end of this file, filled with clauses. All choices
follow from a style number, which is a hash of the Facts, so that equal Facts always give the same
text and a page of different Facts is varied. Conventions that the checker and
every reader of a text can rely on: titles stand in “curly quotes”, categories and attribute values
without a well-known English form in ‘single’ ones; "it" and "this one" are the recommended item;
only evidence of kind `contribution` or `similar` is followed by "because" or anything like it.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from catalog.facts import Evidence, Facts
from catalog.types import Item
from models.english import all_of, article, category_words, decade, kind, listing
from models.titles import same_series

GRAMMAR_VERSION = "1"
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
    """Return which of the `STYLES` ways to say things suits these Facts."""
    return int.from_bytes(facts.digest()[:8]) % STYLES


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

    def title(self, item: Item) -> str:
        return name(item, self.facts)

    @cached_property
    def item(self) -> str:
        return self.title(self.facts.item)

    def titles(self, items: Sequence[Item]) -> str:
        return listing([self.title(item) for item in items])

    # ------------------------------------------------------------------ likings

    def you_liked(self, *, recently: bool = False) -> str:
        """Return "you loved “A” and liked “B”", over all the evidence."""
        loved = [e for e in self.facts.evidence if e.liking == "loved"]
        liked = [e for e in self.facts.evidence if e.liking == "liked"]
        parts = []
        if loved:
            parts.append(f"loved {self.titles(loved)}")
        if liked:
            parts.append(f"{self.pick(['liked', 'enjoyed'])} {self.titles(liked)}")
        return f"you {'recently ' if recently else ''}{listing(parts)}"

    def which_you_liked(self) -> str:
        """Return "“A”, which you loved, and “B”, which you liked,", with its closing comma."""
        evidence = self.facts.evidence
        verb = {"loved": "loved", "liked": self.pick(["liked", "enjoyed"])}
        likings = {entry.liking for entry in evidence}
        if len(evidence) > 1 and len(likings) == 1:
            count = all_of(len(evidence))
            return f"{self.titles(evidence)}, {count} of which you {verb[likings.pop()]},"
        if len(evidence) > 2:  # two of one kind and one of the other: tell the two together
            groups = [[e for e in evidence if e.liking == liking] for liking in ("loved", "liked")]
            which = {1: "which", 2: "both of which"}
            told = [f"{self.titles(g)}, {which[len(g)]} you {verb[g[0].liking]}," for g in groups]
            return " and ".join(told)
        return " and ".join(f"{self.title(e)}, which you {verb[e.liking]}," for e in evidence)

    def your_liking(self, *, closed: bool = False) -> str:
        """Return "your love of “A”, along with your liking for “B”".

        `closed` adds the second comma, where the sentence goes on.
        """
        loved = [e for e in self.facts.evidence if e.liking == "loved"]
        liked = [e for e in self.facts.evidence if e.liking == "liked"]
        parts = []
        if loved:
            parts.append(f"your love of {self.titles(loved)}")
        if liked:
            parts.append(f"your {self.pick(['liking', 'fondness'])} for {self.titles(liked)}")
        return ", along with ".join(parts) + ("," if closed and len(parts) > 1 else "")

    # ------------------------------------------------------------------ descriptions

    def kind_of(self, categories: Sequence[str]) -> str:
        """Return what an item is, without article: "crime drama", "film listed under ‘Thai’"."""
        noun = self.facts.noun
        if not categories:
            return noun.one
        known = kind(categories, noun.one, noun.many)
        return known[0] if known else f"{noun.one} listed under {quoted(categories)}"

    def kinds_of(self, categories: Sequence[str]) -> str:
        """Return the same in the plural, after "are": "crime dramas", "listed under ‘Thai’"."""
        known = kind(categories, self.facts.noun.one, self.facts.noun.many)
        return known[1] if known else f"listed under {quoted(categories)}"

    def description(self) -> str:
        """Return what the recommended item is, with article: "a 1994 crime drama"."""
        item = self.facts.item
        categories = self.chosen(item.categories)
        self.said.update(categories)
        what = self.kind_of(categories)
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

    def everybody(self) -> str:
        """Return "both" or "all three": the item and all its evidence."""
        return all_of(1 + len(self.facts.evidence))

    def shared_details(self) -> list[str]:
        """Return sentences on what the item and its evidence have in common, without full stop."""
        evidence = self.facts.evidence
        if not evidence:
            return []
        found: list[str] = []
        everybody = self.everybody()
        shared = shared_categories(self.facts.item, evidence)
        new = [category for category in shared if category not in self.said]
        if new:
            found += [f"{everybody} are {self.kinds_of(new[:n])}" for n in (1, 2)]
        elif len(evidence) > 1 and not shared:
            found += self.with_some_of_them()
        years = shared_decade((self.facts.item, *evidence))
        if years is not None and "year" not in self.said:
            found.append(f"{everybody} are from the {years}s")
            found.append(f"{everybody} date from the {years}s")
        for entry in evidence:
            if same_series(self.facts.item, entry):
                title = self.title(entry)
                found += [
                    f"it belongs to the same series as {title}",
                    f"it is part of the same series as {title}",
                ] * 2
        for name, value in self.facts.item.attributes.items():
            same = [e for e in evidence if e.attributes.get(name) == value]
            if same:
                told = f"it has the same {name} as {self.titles(same)}"
                found.append(f"{told}: {attribute(value)}")
        return found

    def with_some_of_them(self) -> list[str]:
        """Return what the item shares with some of its evidence."""
        groups: dict[tuple[str, ...], list[Evidence]] = {}
        for entry in self.facts.evidence:
            shared = [c for c in shared_categories(self.facts.item, [entry]) if c not in self.said]
            if shared:
                groups.setdefault(tuple(shared[:2]), []).append(entry)
        found = []
        for categories, entries in groups.items():
            what = self.kind_of(categories).removeprefix(f"{self.facts.noun.one} listed")
            is_a = f"listed{what}" if what.startswith(" under") else article(what)
            found.append(f"like {self.titles(entries)}, it is {is_a}")
        return found

    def evidence_in_common(self) -> str | None:
        """Return a plural that holds for all the evidence and not for the item, "westerns"."""
        evidence = self.facts.evidence
        if len(evidence) < 2:
            return None
        common = set.intersection(*({c.casefold() for c in e.categories} for e in evidence))
        common -= {c.casefold() for c in self.facts.item.categories}
        plurals = (
            category_words(c).plural for c in evidence[0].categories if c.casefold() in common
        )
        return next(filter(None, plurals), None)

    def own_details(self) -> list[str]:
        """Return sentences on the item alone, without full stop."""
        item, found = self.facts.item, []
        if self.has_description() and not self.said:
            found += [f"it is {self.description()}"] * 2
        for name, value in item.attributes.items():
            plural = name.endswith("s") and not name.endswith("ss")
            found.append(f"its {name} {'are' if plural else 'is'} {attribute(value)}")
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


def name(item: Item, facts: Facts) -> str:
    """Return a title in “curly quotes”, with its year where another title of the Facts is equal."""
    everyone = [facts.item, *facts.evidence]
    shared = sum(other.title.casefold() == item.title.casefold() for other in everyone) > 1
    return f"“{item.title}”" + (f" ({item.year})" if shared and item.year else "")


def shared_categories(item: Item, entries: Sequence[Item]) -> list[str]:
    """Return the categories of the item that all the entries have, too."""
    common = {category.casefold() for category in item.categories}
    for entry in entries:
        common &= {category.casefold() for category in entry.categories}
    return [category for category in item.categories if category.casefold() in common]


def shared_decade(items: Sequence[Item]) -> int | None:
    """Return the first year of the decade of all the items, if it is one."""
    decades = {decade(item.year or 0) for item in items}
    return decades.pop() if len(decades) == 1 and min(decades) >= 1000 else None


def quoted(words: Sequence[str]) -> str:
    """Return words in single curly quotes, as a list."""
    return listing([f"‘{word}’" for word in words])


def attribute(value: int | str) -> str:
    """Return an attribute's value as it is told: numbers plain, words quoted."""
    return str(value) if isinstance(value, int) and value >= 0 else f"‘{value}’"


# ---------------------------------------------------------------------- discourse patterns

Pattern = Callable[[_Speaker], str]


def _another(s: _Speaker) -> str:
    """You loved “A”; “I” is another thriller."""
    shared = shared_categories(s.facts.item, s.facts.evidence)
    what = s.kind_of(shared[:2])
    if not shared or " listed under " in what:
        return f"{s.item} is on your list because {s.you_liked()}.{s.then()}"
    return s.pick(
        [
            f"{sentence(s.you_liked())} {s.item} is another {what}.",
            f"{opening(s.you_liked())}; {s.item} is another {what}.",
            f"Another {what} for you: {s.item}. {sentence(s.you_liked())}",
        ]
    )


def _and_shared(s: _Speaker) -> str:
    """“I” may be for you: you loved “A”, and both are thrillers."""
    # After a liking, "it" would be what was liked.
    details = [d for d in s.shared_details() if d.startswith(s.everybody())]
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
    plural = s.evidence_in_common()
    if not plural:
        return f"{opening(s.you_liked())}, so here is {s.item}{s.aside()}.{s.then()}"
    count = all_of(len(s.facts.evidence))
    return s.pick(
        [
            f"{opening(s.you_liked())}, {count} {plural}, so we suggest {s.item}{s.aside()}.",
            f"{s.item}{s.aside(closed=True)} is here because {s.you_liked()}, {count} {plural}.",
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
