"""Facts as the Prism reads them: one line that holds all it may say, in the words it may use.

The prompt also tells what follows from the Facts (what the item shares with its evidence, which of
them are of its series), so that the student has to phrase and to copy, not to compute. Everything
is plain text: no special token has a meaning inside it, so a title may contain any.
"""

from collections.abc import Sequence

from catalog.facts import Facts
from catalog.types import Item
from models.english import category_words, decade
from models.grounded import attribute, name, style_of
from models.titles import same_series


def prism_prompt(facts: Facts, style: int | None = None) -> str:
    """Return the prompt for these Facts, in the given style or in their own."""
    evidence = facts.evidence
    parts = [
        f"{style_of(facts) if style is None else style} {facts.evidence_kind}",
        f"{facts.noun.one}, {facts.noun.many}",
        _entity(facts.item, facts),
        *(f"{entry.liking} {_entity(entry, facts)}" for entry in evidence),
    ]
    shared = _shared(facts.item, evidence)
    if shared:
        parts.append(f"all {' '.join(shared)}")
    if len(evidence) > 1:
        for entry in evidence:
            some = [word for word in _shared(facts.item, [entry]) if word not in shared]
            if some:
                parts.append(f"also {name(entry, facts)} {' '.join(some)}")
        common = [w for w in _shared(evidence[0], evidence[1:]) if w not in shared]
        if common:
            parts.append(f"they {' '.join(common)}")
    if facts.popularity:
        parts.append(facts.popularity)
    return " | ".join(parts)


def _entity(item: Item, facts: Facts) -> str:
    told = name(item, facts)
    details = [_category(category) for category in item.categories]
    details += [f"{key} {attribute(value)}" for key, value in item.attributes.items()]
    year = f" {item.year}" if item.year is not None and not told.endswith(")") else ""
    return f"{told}{year} {' '.join(details)}".rstrip()


def _shared(item: Item, entries: Sequence[Item]) -> list[str]:
    """Return what all of them share: categories, decade, attributes, series."""
    if not entries:
        return []
    common = {category.casefold() for category in item.categories}
    for entry in entries:
        common &= {category.casefold() for category in entry.categories}
    shared = [_category(c) for c in item.categories if c.casefold() in common]
    decades = {decade(one.year or 0) for one in (item, *entries)}
    if len(decades) == 1 and min(decades) >= 1000:
        shared.append(f"{decades.pop()}s")
    shared += [
        f"same {key}"
        for key, value in item.attributes.items()
        if all(entry.attributes.get(key) == value for entry in entries)
    ]
    if all(same_series(item, entry) for entry in entries):
        shared.append("series")
    return shared


def _category(category: str) -> str:
    """Return a category as it is told; one without an English form stands in single quotes."""
    return category if category_words(category).attributive else f"‘{category}’"
