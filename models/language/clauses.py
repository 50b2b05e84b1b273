"""What the Facts say of their item, as clauses: the grammar tells them, the prompt offers them.

A clause is true of the Facts wherever it stands: in it "it" is the item, and "both", "all three" or
"all four" are the item with all its evidence. A phrase ("another drama") is only part of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item, Values
from models.language.articles import article, is_or_are
from models.language.english import all_of, category_words, decade, kind, listing
from models.language.titles import same_series


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause, and the categories (and "year") that it tells."""

    text: str
    tells: frozenset[str] = frozenset()


# ---------------------------------------------------------------------- clauses


def shared_clauses(facts: Facts) -> list[Clause]:
    """Return what the item and its evidence have in common."""
    item, evidence = facts.item, facts.evidence
    if not evidence:
        return []
    found = []
    shared = shared_categories(item, evidence)[:2]
    if shared:
        text = f"{everybody(facts)} are {kinds_of(shared, facts.noun)}"
        found.append(Clause(text, frozenset(shared)))
    elif len(evidence) > 1:
        found += _with_most(facts)
    years = shared_decade((item, *evidence))
    if years is not None:
        found.append(Clause(f"{everybody(facts)} are from the {years}s", frozenset({"year"})))
    for entry in evidence:
        if same_series(item, entry):
            found.append(Clause(f"it belongs to the same series as {name(entry, facts)}"))
    for key in attributes_told(facts)[:1]:
        same = _sharing(key, facts)
        if same:
            value = attribute(item.attributes[key])
            found.append(Clause(f"it has the same {key} as {names(same, facts)}: {value}"))
    return found


def _with_most(facts: Facts) -> list[Clause]:
    """Return what the item shares with the largest group of evidence that shares the same with it.

    One clause, not one for each group: a small student that has to choose mixes them up.
    """
    groups: dict[tuple[str, ...], list[Evidence]] = {}
    for entry in facts.evidence:
        shared = tuple(shared_categories(facts.item, [entry])[:2])
        if shared:
            groups.setdefault(shared, []).append(entry)
    if not groups:
        return []
    categories, entries = max(groups.items(), key=lambda group: (len(group[1]), len(group[0])))
    what = kind_of(categories, facts.noun).removeprefix(f"{facts.noun.one} listed")
    is_a = f"listed{what}" if what.startswith(" under") else article(what)
    return [Clause(f"like {names(entries, facts)}, it is {is_a}", frozenset(categories))]


def own_clauses(facts: Facts) -> list[str]:
    """Return one attribute of the item as a clause, if it has any."""
    values = facts.item.attributes
    return [
        f"its {key} {is_or_are(key)} {attribute(values[key])}"
        for key in attributes_told(facts)[-1:]
    ]


def attributes_told(facts: Facts) -> list[str]:
    """Return at most two of the item's attributes: one that evidence shares, and one more.

    Of those shared it is the one that most of the evidence shares; the other differs from item to
    item. No more are told, however many there are: a small student that has to choose mixes them
    up (`docs/distillation.md`).
    """
    item = facts.item
    most_shared = sorted(item.attributes, key=lambda key: -len(_sharing(key, facts)))
    first = [key for key in most_shared[:1] if _sharing(key, facts)]
    others = [key for key in item.attributes if key not in first]
    return first + (others and [others[crc32(item.id.encode()) % len(others)]])


def _sharing(key: str, facts: Facts) -> list[Evidence]:
    """Return the evidence that has the item's value of an attribute."""
    value = facts.item.attributes[key]
    return [entry for entry in facts.evidence if entry.attributes.get(key) == value]


# ---------------------------------------------------------------------- phrases


def another(facts: Facts) -> str | None:
    """Return "another crime drama" where all the evidence is one, too."""
    shared = shared_categories(facts.item, facts.evidence)[:2] if facts.evidence else []
    what = kind(shared, facts.noun.one, facts.noun.many)
    return f"another {what[0]}" if what else None


def evidence_in_common(facts: Facts) -> str | None:
    """Return "both westerns": what all the evidence, and only it, is."""
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
    """Return the first year of the decade of all the items, if it is one."""
    decades = {decade(item.year or 0) for item in items}
    return decades.pop() if len(decades) == 1 and min(decades) >= 1000 else None


def attribute(values: Values) -> str:
    """Return an attribute as it is told: numbers plain, words quoted, several as a list."""
    if isinstance(values, tuple):
        return listing([attribute(value) for value in values])
    return str(values) if isinstance(values, int) and values >= 0 else f"‘{values}’"


def _quoted(words: Sequence[str]) -> str:
    return listing([f"‘{word}’" for word in words])
