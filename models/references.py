"""References: how a Prism reads and writes names, so that it never has to spell one.

A Prism sees the item as “0”, its evidence as “1” to “3”, the item's attributes under their names
(‘author’), and its categories without an English form as ‘a’, ‘b’, ...; the engine puts the names
in their place. In natural language generation this is called delexicalisation (Wen et al. 2015,
arXiv 1508.01745, section 2): a title of any length and script is then exact, and no model has to
learn to copy it.
"""

import re
from collections.abc import Mapping
from itertools import count
from string import ascii_lowercase

from catalog.facts import Facts
from models.clauses import attribute, name
from models.english import category_words

_REFERENCE = re.compile(r"“[0-3]”|‘[a-z]\d*’|‘[a-z][a-z ]*[a-z]’")


def references(facts: Facts) -> dict[str, str]:
    """Return the names and quoted words of the Facts, as they are told, and their references."""
    named: dict[str, str] = {}
    quoted: dict[str, str] = {}
    for number, entity in enumerate([facts.item, *facts.evidence]):
        named.setdefault(name(entity, facts), f"“{number}”")
    for key, value in facts.item.attributes.items():
        if attribute(value).startswith("‘"):
            quoted.setdefault(attribute(value), f"‘{key}’")
    letters = map(_letter, count())
    for category in facts.item.categories:
        words = f"‘{category}’"
        if not category_words(category).attributive and words not in quoted:
            quoted[words] = f"‘{next(letters)}’"
    return named | quoted


def _letter(number: int) -> str:
    """Return a, b, ..., z, a1, b1, ..."""
    turn, letter = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(turn) if turn else "")


def with_references(text: str, known: Mapping[str, str]) -> str:
    """Return a text with every known name as its reference: what a Prism learns from."""
    longest_first = sorted(known, key=len, reverse=True)
    pattern = "|".join(re.escape(told) for told in longest_first)
    return re.sub(pattern, lambda match: known[match[0]], text)


def with_names(text: str, facts: Facts) -> str:
    """Return a Prism's text with every reference as the name that it stands for.

    A reference to nothing stays as it is, and the check rejects it.
    """
    named = {reference: told for told, reference in references(facts).items()}
    return _REFERENCE.sub(lambda match: named.get(match[0], match[0]), text)
