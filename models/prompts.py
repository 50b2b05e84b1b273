"""Facts as the Prism reads them: one line that holds all it may say, in the words it may use.

Names are references (`models.references`), so that no title can lead the Prism astray. What follows
from the Facts is told before the Facts of the evidence, under the words by which the texts tell it:
what "all four" have in common, what the item shares with one of them ("like “1”"). So the student
has to phrase, not to compute.
"""

from collections.abc import Mapping

from catalog.facts import Facts
from catalog.types import Item
from models.english import all_of, category_words
from models.grounded import attribute, name, shared_categories, shared_decade, style_of
from models.references import references
from models.titles import same_series


def prism_prompt(
    facts: Facts, style: int | None = None, known: Mapping[str, str] | None = None
) -> str:
    """Return the prompt for these Facts.

    Parameters
    ----------
    facts : may be shortened ones
    style, known : style and references of the whole Facts, by default those of these
    """
    style = style_of(facts) if style is None else style
    known = references(facts) if known is None else known
    evidence = facts.evidence
    parts = [
        f"{style} {facts.evidence_kind}",
        f"{facts.noun.one}, {facts.noun.many}",
        _entity(facts.item, facts, known),
        *(f"{entry.liking} {known[name(entry, facts)]}" for entry in evidence),
    ]
    if evidence:
        shared = shared_categories(facts.item, evidence)
        told = [_category(category, known) for category in shared]
        years = shared_decade((facts.item, *evidence))
        told += [] if years is None else [f"{years}s"]
        parts.append(f"{all_of(1 + len(evidence))} {' '.join(told) or 'nothing'}")
        for entry in evidence:
            told = [
                _category(c, known)
                for c in shared_categories(facts.item, [entry])
                if c not in shared
            ]
            told += _relations(facts.item, entry)
            if told:
                parts.append(f"like {known[name(entry, facts)]} {' '.join(told)}")
    if len(evidence) > 1:
        own = {category.casefold() for category in facts.item.categories}
        common = shared_categories(evidence[0], evidence[1:])
        told = [_category(category, known) for category in common if category.casefold() not in own]
        if told:
            parts.append(f"{all_of(len(evidence))} {' '.join(told)}")
    if facts.popularity:
        parts.append(facts.popularity)
    parts += [_entity(entry, facts, known) for entry in evidence]
    return " | ".join(parts)


def _entity(item: Item, facts: Facts, known: Mapping[str, str]) -> str:
    told = name(item, facts)
    details = [_category(category, known) for category in item.categories]
    for key, value in item.attributes.items():
        words = attribute(value)
        details.append(f"{key} {known.get(words, words)}")
    year = f" {item.year}" if item.year is not None and not told.endswith(")") else ""
    return f"{known[told]}{year} {' '.join(details)}".rstrip()


def _relations(item: Item, entry: Item) -> list[str]:
    """Return which attributes are the same, and whether they are of one series."""
    same = [f"same {k}" for k, v in item.attributes.items() if entry.attributes.get(k) == v]
    return [*same, "series"] if same_series(item, entry) else same


def _category(category: str, known: Mapping[str, str]) -> str:
    """Return a category as it is told; one without an English form is a reference."""
    return category if category_words(category).attributive else known[f"‘{category}’"]
