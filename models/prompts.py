"""Facts as the Prism reads them: one line that holds all it may say, in the words it may use.

Names are references (`models.references`); the titles themselves come last, to read and not to
write. The prompt also tells what follows from the Facts (what the item shares with its evidence,
which of them are of its series), so that the student has to phrase, not to compute. Everything is
plain text: no special token has a meaning inside it, so a title may contain any.
"""

from collections.abc import Mapping, Sequence

from catalog.facts import Facts
from catalog.types import Item
from models.english import category_words, decade
from models.grounded import attribute, name, style_of
from models.references import references
from models.titles import same_series


def prism_prompt(
    facts: Facts,
    style: int | None = None,
    known: Mapping[str, str] | None = None,
    *,
    titles: bool = True,
) -> str:
    """Return the prompt for these Facts.

    Parameters
    ----------
    facts : may be shortened ones
    style, known : style and references of the whole Facts, by default those of these
    titles : whether to spell them out
    """
    style = style_of(facts) if style is None else style
    known = references(facts) if known is None else known
    evidence = facts.evidence
    parts = [
        f"{style} {facts.evidence_kind}",
        f"{facts.noun.one}, {facts.noun.many}",
        _entity(facts.item, facts, known),
        *(f"{entry.liking} {_entity(entry, facts, known)}" for entry in evidence),
    ]
    shared = _shared(facts.item, evidence, known)
    if shared:
        parts.append(f"all {' '.join(shared)}")
    if len(evidence) > 1:
        for entry in evidence:
            some = [word for word in _shared(facts.item, [entry], known) if word not in shared]
            if some:
                parts.append(f"also {known[name(entry, facts)]} {' '.join(some)}")
        common = [w for w in _shared(evidence[0], evidence[1:], known) if w not in shared]
        if common:
            parts.append(f"they {' '.join(common)}")
    if facts.popularity:
        parts.append(facts.popularity)
    if titles:
        everything = (facts.item, *facts.evidence)
        parts.append(" ".join(f"{known[name(one, facts)]} {one.title}" for one in everything))
    return " | ".join(parts)


def _entity(item: Item, facts: Facts, known: Mapping[str, str]) -> str:
    told = name(item, facts)
    details = [_category(category, known) for category in item.categories]
    for key, value in item.attributes.items():
        words = attribute(value)
        details.append(f"{key} {known.get(words, words)}")
    year = f" {item.year}" if item.year is not None and not told.endswith(")") else ""
    return f"{known[told]}{year} {' '.join(details)}".rstrip()


def _shared(item: Item, entries: Sequence[Item], known: Mapping[str, str]) -> list[str]:
    """Return what all of them share: categories, decade, attributes, series."""
    if not entries:
        return []
    common = {category.casefold() for category in item.categories}
    for entry in entries:
        common &= {category.casefold() for category in entry.categories}
    shared = [_category(c, known) for c in item.categories if c.casefold() in common]
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


def _category(category: str, known: Mapping[str, str]) -> str:
    """Return a category as it is told; one without an English form is a reference."""
    return category if category_words(category).attributive else known[f"‘{category}’"]
