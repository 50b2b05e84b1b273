"""What the Facts say of their item, as clauses: the grammar tells them, the prompt offers them.

A clause is true of the Facts wherever it stands in a text: its "it" is the item, and its "both",
"all three" or "all four" are the item with all its evidence. A phrase is a part of a sentence:
"another drama", or "both westerns", which says what all the evidence is and the item is not. The
functions here expect Facts from which `models.language.ties` has removed what is not worth telling.

    item        “Apollo 13”, a 1995 drama by Ron Howard, with Tom Hanks and Kevin Bacon
    you liked   “Backdraft”, a 1991 drama by Ron Howard

    what they share                                 it is directed by Ron Howard, as is “Backdraft”
    the same, if their directors differed           both are dramas
    what is true of the item alone                  it has Tom Hanks and Kevin Bacon in its cast
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item, Values
from models.language.articles import article, is_or_are, plural, singular
from models.language.english import all_of, category_words, decade, kind, listing
from models.language.predicates import Predicate, alone, predicate
from models.language.relations import relation_of
from models.language.tellable import is_reason
from models.language.ties import Tie, tie_of
from models.language.values import is_name

_MOST_VALUES = 3
"""Of an attribute that is told by its name."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause, and what it tells.

    Attributes
    ----------
    tells : the categories of which it speaks, and "year" if it speaks of the year
    is_tie : whether it tells a tie, beside which nothing else is told
    is_reason : whether it tells an attribute for which people choose things, and which is no tie:
        people choose a hotel for its city, but hardly a film for its length
    """

    text: str
    tells: frozenset[str] = frozenset()
    is_tie: bool = False
    is_reason: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """An attribute as it is told: its values in words, and its name where that is told.

    The name is in the plural where there are several values.
    """

    name: str
    value: str
    several: bool = False


# ---------------------------------------------------------------------- clauses


def shared_clause(facts: Facts) -> Clause | None:
    """Return the most telling that the item and its evidence have in common; None if nothing.

    First comes a tie, then categories that all of them have, then those that the largest group of
    them has, then another attribute, and a decade last. No more than one: two reasons persuade no
    better.
    """
    item, evidence = facts.item, facts.evidence
    if not evidence:
        return None
    tie = tie_of(facts)
    if tie is not None:
        return Clause(tie_clause(tie, facts), is_tie=True)
    shared = shared_categories(item, evidence)[:2]
    if shared:
        text = f"{everybody(facts)} are {kinds_of(shared, facts.noun)}"
        return Clause(text, frozenset(shared))
    return _with_most(facts) or _shared_attribute(facts) or _shared_decade(facts)


def _shared_decade(facts: Facts) -> Clause | None:
    years = shared_decade((facts.item, *facts.evidence))
    if years is None:
        return None
    return Clause(f"{everybody(facts)} are from the {years}s", frozenset({"year"}))


def tie_clause(tie: Tie, facts: Facts) -> str:
    """Return "it is directed by V, as is “A”"."""
    if tie.predicate is None:
        return f"it belongs to the same series as {names(tie.entries, facts)}"
    return _as_others(tie.predicate, tie.entries, facts)


def _as_others(known: Predicate, entries: Sequence[Evidence], facts: Facts) -> str:
    return f"{it(facts)} {known.one}, as {known.does(len(entries))} {names(entries, facts)}"


def _shared_attribute(facts: Facts) -> Clause | None:
    """Return the attribute, none of those above, that most entries share with the item."""
    key = shared_attribute(facts)
    if key is None:
        return None
    same = _sharing(key, facts)
    values = facts.item.values(key)
    known = _known(facts.item, key)
    if known is not None:
        text = _as_others(known, same, facts)
    else:
        told = named(key, values)
        text = f"{it(facts)} has the same {told.name} as {names(same, facts)}: {told.value}"
    return Clause(text, is_reason=is_reason(key, values))


def _with_most(facts: Facts) -> Clause | None:
    """Return categories of the item that some entries share: those that the largest group shares.

    One clause, not one for each group: a small student that has to choose mixes them up.
    """
    groups: dict[tuple[str, ...], list[Evidence]] = {}
    for entry in facts.evidence:
        shared = tuple(shared_categories(facts.item, [entry])[:2])
        if shared:
            groups.setdefault(shared, []).append(entry)
    if not groups or len(facts.evidence) == 1:
        return None
    categories, entries = max(groups.items(), key=lambda group: (len(group[1]), len(group[0])))
    what = kind_of(categories, facts.noun).removeprefix(f"{facts.noun.one} listed")
    is_a = f"listed{what}" if what.startswith(" under") else article(what)
    text = f"like {names(entries, facts)}, {it(facts)} is {is_a}"
    return Clause(text, frozenset(categories))


def own_clauses(facts: Facts) -> list[str]:
    """Return one attribute of the item as a clause, if it has any to tell."""
    key = own_attribute(facts)
    if key is None:
        return []
    known = alone(facts.item, key)
    if known is not None:
        return [f"{it(facts)} {known.one}"]
    told = named(key, facts.item.values(key))
    return [f"its {told.name} {is_or_are(told.name)} {told.value}"]


# ---------------------------------------------------------------------- attributes


def attributes_told(facts: Facts) -> list[Told]:
    """Return at most two of the item's attributes, as they are told.

    The first is the one that evidence shares, the second says something of the item alone. No more
    are told, however many there are: a small student that has to choose mixes them up
    (`docs/distillation.md`).
    """
    item, found = facts.item, []
    tie = tie_of(facts)
    if tie is not None:
        return [Told("", tie.predicate.value, tie.predicate.several)] if tie.predicate else []
    for key in filter(None, [shared_attribute(facts), own_attribute(facts)]):
        known = _known(item, key)
        if known:
            found.append(Told("", known.value, known.several))
        else:
            found.append(named(key, item.values(key)))
    return found


def _known(item: Item, key: str) -> Predicate | None:
    """Return what a known attribute says of its item, of all its values; None if unknown."""
    return alone(item, key) or predicate(key, item.values(key))


def shared_attribute(facts: Facts) -> str | None:
    """Return the attribute whose values the item has in common with the largest number of entries.

    It is asked for where there is no tie (`models.language.ties`). An attribute for which people
    choose things, such as a city, comes before all others.
    """
    item = facts.item
    sharing = {key: len(_sharing(key, facts)) for key in item.attributes}
    can = [key for key in item.attributes if sharing[key] and _is_short(item.values(key))]
    telling = [key for key in can if is_reason(key, item.values(key))]
    return max(telling or can, key=sharing.__getitem__, default=None)


def own_attribute(facts: Facts) -> str | None:
    """Return an attribute that says something of the item alone.

    Attributes that may be ties (who made it) come before all others (where it is from). Which of
    several, the item's id decides: so texts vary from item to item.
    """
    item, shared = facts.item, shared_attribute(facts)
    can = [key for key in item.attributes if key != shared and _can_be_told(key, facts)]
    telling = [key for key in can if (relation := relation_of(key)) and relation.ties]
    among = telling or can
    return among[crc32(item.id.encode()) % len(among)] if among else None


def _can_be_told(key: str, facts: Facts) -> bool:
    if relation_of(key) is not None:
        return alone(facts.item, key) is not None
    return _is_short(facts.item.values(key)) and not is_person(facts.noun)


def _is_short(values: Sequence[int | str]) -> bool:
    """Say whether values can be told by their name: one, or a few that are words."""
    words = all(isinstance(value, str) for value in values)
    return len(values) == 1 or (words and len(values) <= _MOST_VALUES)


def _sharing(key: str, facts: Facts) -> list[Evidence]:
    """Return the evidence that has the item's values of an attribute."""
    values = facts.item.attributes[key]
    return [entry for entry in facts.evidence if entry.attributes.get(key) == values]


def named(key: str, values: Sequence[int | str]) -> Told:
    """Return an attribute: what it is called, and its values.

    It is called in the plural before several values ("authors: Ann Lee and Bo Lind"), and in the
    singular before one that is somebody's name ("author: Ann Lee"). Before a single number it is
    called as in the data ("players: 4").
    """
    if len(values) > 1:
        key = plural(key)
    elif isinstance(values[0], str) and is_name(values[0]):
        key = singular(key)
    return Told(key, attribute(tuple(values)), len(values) > 1)


# ---------------------------------------------------------------------- phrases


def another(facts: Facts) -> str | None:
    """Return "another crime drama" where all the evidence is one, too."""
    shared = shared_categories(facts.item, facts.evidence)[:2] if facts.evidence else []
    what = kind(shared, facts.noun.one, facts.noun.many)
    return f"another {what[0]}" if what else None


def evidence_in_common(facts: Facts) -> str | None:
    """Return "both westerns": what all entries of the evidence are, and the item is not."""
    evidence = facts.evidence
    if len(evidence) < 2:
        return None
    own = {category.casefold() for category in facts.item.categories}
    common = [c for c in shared_categories(evidence[0], evidence[1:]) if c.casefold() not in own]
    plural = next(filter(None, (category_words(c).plural for c in common)), None)
    return f"{all_of(len(evidence))} {plural}" if plural else None


# ---------------------------------------------------------------------- parts of clauses


def everybody(facts: Facts) -> str:
    """Return "both" or "all three": the item and all its evidence."""
    return all_of(1 + len(facts.evidence))


def name(item: Item, facts: Facts) -> str:
    """Return a title in “curly quotes”, with its year where another title of the Facts is equal."""
    everyone = [facts.item, *facts.evidence]
    shared = sum(other.title.casefold() == item.title.casefold() for other in everyone) > 1
    return f"“{item.title}”" + (f" ({item.year})" if shared and item.year else "")


_PEOPLE = frozenset(
    "actor actress artist author band composer creator designer director musician performer person"
    " poet singer streamer teacher writer".split()
)


def is_person(noun: Noun) -> bool:
    """Say whether the items are people, or bands of them, of whom nobody says "it"."""
    return noun.one.rsplit(" ", 1)[-1] in _PEOPLE


def it(facts: Facts) -> str:
    """Return what stands for the item in a clause: "it", or "this artist"."""
    return f"this {facts.noun.one}" if is_person(facts.noun) else "it"


def which(facts: Facts) -> str:
    """Return "which", or "whom" of people."""
    return "whom" if is_person(facts.noun) else "which"


def names(items: Sequence[Item], facts: Facts) -> str:
    """Return the names of items as a list."""
    return listing([name(item, facts) for item in items])


def kind_of(categories: Sequence[str], noun: Noun) -> str:
    """Return what an item is, without article: "crime drama", "film listed under ‘Thai’"."""
    if not categories:
        return noun.one
    known = kind(categories, noun.one, noun.many)
    return known[0] if known else f"{noun.one} listed under {_quoted(categories)}"


def kinds_of(categories: Sequence[str], noun: Noun) -> str:
    """Return the same in the plural, after "are": "crime dramas", "listed under ‘Thai’"."""
    known = kind(categories, noun.one, noun.many)
    return known[1] if known else f"listed under {_quoted(categories)}"


def shared_categories(item: Item, entries: Sequence[Item]) -> list[str]:
    """Return the categories of the item that all the entries have, too."""
    common = {category.casefold() for category in item.categories}
    for entry in entries:
        common &= {category.casefold() for category in entry.categories}
    return [category for category in item.categories if category.casefold() in common]


def shared_decade(items: Sequence[Item]) -> int | None:
    """Return the first year of the decade if all items are of one decade, else None."""
    decades = {decade(item.year or 0) for item in items}
    return decades.pop() if len(decades) == 1 and min(decades) >= 1000 else None


def attribute(values: Values) -> str:
    """Return an attribute as it is told: numbers plain, words quoted, several as a list."""
    if isinstance(values, tuple):
        return listing([attribute(value) for value in values])
    return str(values) if isinstance(values, int) and values >= 0 else f"‘{values}’"


def _quoted(words: Sequence[str]) -> str:
    return listing([f"‘{word}’" for word in words])
