"""References: how a Prism reads and writes the words of a catalogue, so that it never spells one.

A Prism sees the item as “0”, its evidence as “1” to “3”, the noun as ‘one’ and ‘many’, the item's
‘year’ and ‘decade’, a category by its English form, or as ‘a’, ‘b’, ... where it has none of its
own, and at most two attributes as ‘key1’, ‘value1’, ‘key2’ and ‘value2’; the form puts the
catalogue's words back. In natural language generation this is called delexicalisation (Wen et al.
2015, arXiv 1508.01745, section 2): a title of any length and script is then exact, a catalogue may
be of anything, and no model has to learn to copy.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from string import ascii_lowercase

from catalog.facts import Facts
from models.language.articles import article, is_or_are
from models.language.clauses import attributes_told, name
from models.language.english import category_words, decade

_REFERENCE = re.compile(
    r"(?:\b([Aa])n? )?(‘one’|‘year’|‘decade’)|(‘(?:key|value)\d’)(?: is| are)\b|“[0-3]”|‘[^‘’]+’"
)
_AN = re.compile(r"\b([Aa])n (?=‘one’|‘year’|‘decade’)")
_ARE = re.compile(r"(‘(?:key|value)\d’) are\b")
_ALONE = re.compile(r"“[^”]*”(?: \(\d+\))?|‘[^’]*’|\d+s?")
"""What is found without being looked for: a title, one quoted word, a number."""
_OURS = re.compile(r"“[0-3]”|‘(?:one|many|year|decade|(?:key|value)\d|[a-z])’")


def referents(facts: Facts) -> dict[str, str]:
    """Return what each reference stands for, as a text of Facts worth telling tells it."""
    item = facts.item
    found = {f"“{n}”": name(entity, facts) for n, entity in enumerate([item, *facts.evidence])}
    found |= {"‘one’": facts.noun.one, "‘many’": facts.noun.many}
    if item.year is not None:
        found |= {"‘year’": str(item.year), "‘decade’": f"{decade(item.year)}s"}
    letters = iter(ascii_lowercase)
    for category in item.categories:
        form = category_words(category).attributive
        if form is None or f"‘{form}’" in found:
            form = next(letters)
        found[f"‘{form}’"] = f"‘{category}’"
    for number, told in enumerate(attributes_told(facts), 1):
        found |= {f"‘key{number}’": told.name} if told.name else {}
        found[f"‘value{number}’"] = told.value
    return found


def references(facts: Facts) -> dict[str, str]:
    """Return the reference of all that is told by one: of equal words, the first."""
    found: dict[str, str] = {}
    for reference, told in referents(facts).items():
        found.setdefault(told, reference)
    return found


def with_references(text: str, known: Mapping[str, str]) -> str:
    """Return a text with references for all that is told by one: what a Prism learns from.

    "a" or "an" before a noun or a year is "a", and "is" or "are" after an attribute or its values
    is "is", for it is these that decide which.
    """
    words = sorted((told for told in known if not _ALONE.fullmatch(told)), key=len, reverse=True)

    def reference_of(match: re.Match[str]) -> str:
        if match[0] in known:
            return known[match[0]]
        if match[2]:  # “Heat” (1995), where nothing else is called “Heat”
            return f"{known.get(match[1], match[1])} ({known.get(match[2], match[2])})"
        return match[0]

    told = _told(tuple(words)).sub(reference_of, text)
    return _ARE.sub(r"\1 is", _AN.sub(r"\1 ", told))


@lru_cache(1024)  # the items of a catalogue have few sets of attributes
def _told(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return what may be told by a reference: titles, these words, quoted ones, and numbers."""
    plain = "|".join(map(re.escape, words))
    known = rf"(?<!\w)(?:{plain})(?!\w)|" if plain else ""
    return re.compile(rf"(“[^”]*”)(?: \((\d+)\))?|{known}‘[^’]*’|(?<!\w)\d+s?(?!\w)")


def with_names(text: str, facts: Facts) -> str:
    """Return a Prism's text with every reference as what it stands for.

    A text with a reference to nothing is no text: it comes back empty, which no check lets pass.
    """
    told = referents(facts)
    values = enumerate(attributes_told(facts), 1)
    are = {f"‘value{n}’" for n, one in values if one.several}
    are |= {key for key in told if key[1:4] == "key" and is_or_are(told[key]) == "are"}
    if any(reference not in told for reference in _OURS.findall(text)):
        return ""

    def name_of(match: re.Match[str]) -> str:
        if match[1]:
            return match[1] + article(told[match[2]])[1:]
        if match[3]:
            return f"{told[match[3]]} {'are' if match[3] in are else 'is'}"
        return told.get(match[0], match[0])

    return _REFERENCE.sub(name_of, text)
