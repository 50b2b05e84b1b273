"""The form `references`: one line that holds all a text may say, in the words it may use.

    prompt   7 contribution “0” ‘year’ ‘decade’ crime loved “1” | both are crime ‘many’
    target   You loved “1”, so we suggest “0”. Both are crime ‘many’.
    text     You loved “Ronin”, so we suggest “Heat”. Both are crime films.

The words of a catalogue are references (`models.prism.forms.referents`), except well-known
categories. So no title can lead the Prism astray.

Of the evidence, the prompt tells how it was liked, and beside that only what its entries share,
with the item or with each other. The two are counted differently. With three entries of evidence:

    all four are dramas   the item and the three entries are dramas (`shared_clause`)
    all three dramas      the three entries are dramas, the item is not (`evidence_in_common`)

What is not shared explains nothing, so it is left out. Where a series, a person or a maker ties the
item to the evidence (`models.language.ties`), the prompt tells only this tie, as a text does. So
the student chooses and phrases, and computes nothing. And a prompt is short: on a CPU, reading it
is most of the work.
"""

from collections.abc import Iterator, Mapping

from catalog.facts import Facts
from catalog.types import Item
from models.language.clauses import (
    evidence_in_common,
    is_person,
    name,
    own_clauses,
    shared_clause,
)
from models.language.english import category_words, decade
from models.language.grounded import style_of
from models.language.ties import worth_telling
from models.prism.forms.protocol import shorter
from models.prism.forms.referents import references, with_names, with_references


class References:
    """No word of a catalogue is read or written; see `Form`."""

    def prompts(self, facts: Facts) -> Iterator[str]:
        """Yield the prompt, then shorter ones, in the style and with the references of all."""
        style, worth = style_of(facts), worth_telling(facts)
        known = references(worth)
        yield prism_prompt(worth, style, known)
        for less in shorter(worth):
            yield prism_prompt(less, style, known)

    def target(self, text: str, facts: Facts) -> str | None:
        """Return a label with references; None where these would not lead back to it."""
        worth = worth_telling(facts)
        target = with_references(text, references(worth))
        return target if with_names(target, worth) == text else None

    def text(self, written: str, facts: Facts) -> str:
        """Return what was written with the catalogue's words."""
        return with_names(written, worth_telling(facts))


def prism_prompt(
    facts: Facts, style: int | None = None, known: Mapping[str, str] | None = None
) -> str:
    """Return the prompt for these Facts.

    Parameters
    ----------
    facts : that are worth telling (`models.language.ties`); may be shortened ones
    style, known : style and references of the whole Facts, by default those of these
    """
    style = style_of(facts) if style is None else style
    known = references(facts) if known is None else known
    begin = f"{style} {facts.evidence_kind}" + (" who" if is_person(facts.noun) else "")
    about = [begin, known[name(facts.item, facts)], *_likings(facts, known)]
    shared = shared_clause(facts)
    if shared and shared.is_tie:
        return f"{' '.join(about)} | {with_references(shared.text, known)}"
    about[2:2] = [*_when(facts.item, facts, known), *_categories(facts.item, known)]
    clauses = [
        *([shared.text if shared else "nothing in common"] if facts.evidence else []),
        *filter(None, [evidence_in_common(facts)]),
        *own_clauses(facts),
    ]
    parts = [
        " ".join(about),
        *([with_references(" | ".join(clauses), known)] if clauses else []),
        *([facts.popularity.replace("_", " ")] if facts.popularity else []),
    ]
    return " | ".join(parts)


def _likings(facts: Facts, known: Mapping[str, str]) -> Iterator[str]:
    """Yield each liking and the references of what it holds: loved “1” “3” played “2”."""
    for said in ("loved", "liked", facts.verb):
        entries = [known[name(e, facts)] for e in facts.evidence if facts.said_of(e) == said]
        if entries:
            yield from (said, *entries)


def _when(item: Item, facts: Facts, known: Mapping[str, str]) -> list[str]:
    """Return the year and the decade, where the name does not tell them."""
    if item.year is None or name(item, facts).endswith(")"):
        return []
    early = item.year < 1000  # when nobody speaks of decades
    return [known[str(item.year)], *([] if early else [known[f"{decade(item.year)}s"]])]


def _categories(item: Item, known: Mapping[str, str]) -> Iterator[str]:
    """Yield the English form of each category, or its reference where it has none."""
    for category in item.categories:
        reference = known[f"‘{category}’"]
        form = category_words(category).attributive
        yield form if form and reference == f"‘{form}’" else reference
