"""Facts as the Prism reads them: one line that holds all it may say, in the words it may use.

Names are references (`models.references`), so that no title can lead the Prism astray. What the
item has in common with its evidence is told as whole clauses (`models.clauses`), after the Facts
that they follow from. So the student has to choose and to phrase, not to compute.
"""

from collections.abc import Mapping

from catalog.facts import Facts
from catalog.types import Item
from models.clauses import (
    another,
    attribute,
    evidence_in_common,
    name,
    own_clauses,
    shared_clauses,
)
from models.english import category_words, decade
from models.grounded import style_of
from models.references import references, with_references


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
    item, evidence = facts.item, facts.evidence
    shared = [clause.text for clause in shared_clauses(facts)]
    clauses = [
        *(shared or ["nothing in common"] if evidence else []),
        *filter(None, [another(facts), evidence_in_common(facts)]),
        *own_clauses(facts),
    ]
    parts = [
        f"{style} {facts.evidence_kind}",
        f"{facts.noun.one}, {facts.noun.many}",
        " ".join([known[name(item, facts)], *_when(item, facts), *_categories(item, known)]),
        *(f"{entry.liking} {_entry(entry, facts, known)}" for entry in evidence),
        *(with_references(clause, known) for clause in clauses),
        *([facts.popularity] if facts.popularity else []),
    ]
    return " | ".join(parts)


def _entry(entry: Item, facts: Facts, known: Mapping[str, str]) -> str:
    details = _categories(entry, known)
    for key, value in entry.attributes.items():
        words = attribute(value)
        details.append(f"{key} {known.get(words, words)}")
    return " ".join([known[name(entry, facts)], *_when(entry, facts)[:1], *details])


def _when(item: Item, facts: Facts) -> list[str]:
    """Return the year and the decade, where the name does not tell them."""
    if item.year is None or name(item, facts).endswith(")"):
        return []
    return [str(item.year), *([f"{decade(item.year)}s"] if item.year >= 1000 else [])]


def _categories(item: Item, known: Mapping[str, str]) -> list[str]:
    """Return the categories as they are told; one without an English form is a reference."""
    return [c if category_words(c).attributive else known[f"‘{c}’"] for c in item.categories]
