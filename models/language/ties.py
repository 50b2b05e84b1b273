"""Ties: what an item and entries of the history share and a person would mention first.

A tie is a series, a person, or a maker: a publisher, a brand, a university. Which attributes are
ties, `models.language.relations` says.

    item        Apollo 13, a drama by Ron Howard, with Tom Hanks, Kevin Bacon and Gary Sinise
    you loved   Forrest Gump, a drama by Robert Zemeckis, with Tom Hanks and Gary Sinise
    you loved   Heat, a crime drama by Michael Mann, with Al Pacino

    tie         Apollo 13 and Forrest Gump have Tom Hanks and Gary Sinise in their cast

If there is a tie, a text tells the tie and nothing else: more detail does not persuade people any
better. So `worth_telling` drops the entries of the evidence that are not tied; here that is Heat.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.facts import Evidence, Facts
from catalog.placeholders import is_placeholder
from catalog.types import Item
from models.language.english import category_words
from models.language.predicates import Predicate, predicate, written_and_directed
from models.language.relations import by_telling, is_series, relation_of
from models.language.tellable import is_tellable
from models.language.titles import same_series

_DIRECTORS, _WRITERS = ("director", "directors"), ("writer", "writers", "screenwriter")


@dataclass(frozen=True, slots=True)
class Tie:
    """What an item and entries have in common.

    Attributes
    ----------
    entries : the evidence that shares it, in its order, at least one
    predicate : what is true of the item and of all of them; None where titles show one series
    """

    entries: tuple[Evidence, ...]
    predicate: Predicate | None = None


def tie_of(facts: Facts) -> Tie | None:
    """Return the most telling tie: a series, then who made it, then who is in it; None if none."""
    series = tuple(entry for entry in facts.evidence if same_series(facts.item, entry))
    names = [name for name in facts.item.attributes if (r := relation_of(name)) and r.ties]
    for name in by_telling(names):
        if series and not is_series(name):
            break
        tie = _shared(name, facts)
        if tie is not None:
            return tie
    return Tie(series) if series else None


def _shared(name: str, facts: Facts) -> Tie | None:
    """Return the value that most entries share, and what else all these share."""
    item, relation = facts.item, relation_of(name)
    mine = item.values(name)
    any_of_mine = frozenset(mine)
    some = [entry for entry in facts.evidence if not any_of_mine.isdisjoint(entry.values(name))]
    if relation is None or not some:
        return None
    first = max(mine, key=lambda value: sum(value in entry.values(name) for entry in some))
    entries = tuple(entry for entry in some if first in entry.values(name))
    common = [value for value in mine if all(value in entry.values(name) for entry in entries)]
    values = common[: relation.most]
    told = predicate(name, values)
    assert told is not None
    if name in _DIRECTORS and all(_wrote(one, values) for one in (item, *entries)):
        told = written_and_directed(told)
    return Tie(entries, told)


def _wrote(item: Item, values: Sequence[int | str]) -> bool:
    return any({*values} <= {*item.values(name)} for name in _WRITERS)


# ---------------------------------------------------------------------- what is worth telling


def worth_telling(facts: Facts) -> Facts:
    """Return the Facts without the entries, categories and attributes that a text does not tell.

    Of the item's categories placeholders and the noun itself are left out, and those without a
    well-known English form where another has one: "a pop song" says more than "a song listed under
    ‘Pop’ and ‘K-Pop’". Its attributes are those of `models.language.tellable`.

    The entries are those that cannot be told from another by title and year, and, where there is a
    tie, those that are not tied. Where no entry is left, it is as if there had been no evidence.
    """
    apart = _told_apart(_in_english(_tellable(facts)))
    tie = tie_of(apart)
    return apart if tie is None else _with(apart, tie.entries)


def _tellable(facts: Facts) -> Facts:
    item = facts.item
    attributes = {n: held for n, held in item.attributes.items() if is_tellable(n, item.values(n))}
    nothing = {facts.noun.one.casefold(), facts.noun.many.casefold()}  # a book listed under ‘Books’
    categories = tuple(
        one for one in item.categories if not is_placeholder(one) and one.casefold() not in nothing
    )
    if len(attributes) == len(item.attributes) and len(categories) == len(item.categories):
        return facts
    told = item.model_copy(update={"attributes": attributes, "categories": categories})
    return facts.model_copy(update={"item": told})


def _in_english(facts: Facts) -> Facts:
    categories = facts.item.categories
    known = tuple(one for one in categories if category_words(one).attributive)
    if not known or len(known) == len(categories):
        return facts
    item = facts.item.model_copy(update={"categories": known})
    return facts.model_copy(update={"item": item})


def _told_apart(facts: Facts) -> Facts:
    """Return the Facts without entries of another's title, but where years tell them apart."""
    named = [facts.item]
    kept = []
    for entry in facts.evidence:
        if all(_differ(entry, other) for other in named):
            named.append(entry)
            kept.append(entry)
    return _with(facts, tuple(kept))


def _differ(one: Item, other: Item) -> bool:
    if one.title.casefold() != other.title.casefold():
        return True
    return None not in {one.year, other.year} and one.year != other.year


def _with(facts: Facts, evidence: tuple[Evidence, ...]) -> Facts:
    if len(evidence) == len(facts.evidence):
        return facts
    kind = facts.evidence_kind if evidence else "none"
    return facts.model_copy(update={"evidence": evidence, "evidence_kind": kind})
