"""What the Facts know: the titles aside, every word and value that a text may take from them."""

import re
from dataclasses import dataclass
from functools import lru_cache

from catalog.facts import Facts
from catalog.types import Item
from models.language.english import category_words

_ALSO_CALLED = {"sci-fi": "science fiction", "science fiction": "sci-fi", "film-noir": "film noir"}


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What one text may be about: the words and values of its Facts, by their first letter."""

    phrases: dict[str, list[tuple[str, str, str]]]  # first letter: (form, symbol, what it is)
    quoted: list[str]
    contextual: dict[str, str]  # several words of our own that are a noun or a key in their place
    own_words: frozenset[str]


def lexicon_of(facts: Facts, own_words: frozenset[str]) -> Lexicon:
    """Return the words and values of the Facts."""
    phrases: list[tuple[str, str, str]] = []
    contextual: dict[str, str] = {}
    nouns = _nouns(facts)
    quoted: set[str] = set()
    for entity in (facts.item, *facts.evidence):
        quoted.update(entity.categories)
        for category in entity.categories:
            for form, symbol in category_forms(category):
                # "Children's Books" is quoted, or it would be Children among books.
                if not form.endswith(tuple(nouns)) and any(map(str.isalpha, form)):
                    _add(form, symbol, form, own_words, phrases)
        for key, value in entity.attributes.items():
            for form in (key, _other_number(key)):
                _add(form, "K", key, own_words, phrases, contextual)
            quoted.add(str(value))
            told = str(value)
            if isinstance(value, str):
                _add(told, "V", told, own_words, phrases)
    for form, symbol in nouns.items():
        _add(form, symbol, form, own_words, phrases, contextual)
    by_letter: dict[str, list[tuple[str, str, str]]] = {}
    for entry in sorted(set(phrases), key=lambda entry: (-len(entry[0]), entry[1] != "V", entry)):
        by_letter.setdefault(entry[0][0].casefold(), []).append(entry)
    return Lexicon(
        by_letter, sorted((f"‘{q}’" for q in quoted), key=len, reverse=True), contextual, own_words
    )


@lru_cache(maxsize=4096)
def category_forms(category: str) -> tuple[tuple[str, str], ...]:
    """Return how a category may be called without quotes, and the symbol of each form."""
    words = category_words(category)
    plain = category.casefold()
    forms = {plain: "CA"}
    if words.attributive is None:
        plural = plain.endswith("s") and not plain.endswith("ss") and plain.isalpha()
        forms |= {plain: "CP", plain[:-1]: "C1"} if plural else {f"{plain}s": "CP"}
    if plain in _ALSO_CALLED:
        forms[_ALSO_CALLED[plain]] = "CA"
    for form, symbol in ((words.attributive, "CA"), (words.noun, "C1"), (words.plural, "CP")):
        if form:
            forms[form.casefold()] = symbol
    return tuple(forms.items())


def has_category(item: Item, form: str) -> bool:
    """Say whether a category of the item may be called so."""
    told = form.casefold()
    return any(told == known for c in item.categories for known, _ in category_forms(c))


def _nouns(facts: Facts) -> dict[str, str]:
    """Return what the items are called, and short: "video game" is a "game"."""
    one, many = facts.noun.one, facts.noun.many
    found = {one.rsplit(" ", 1)[-1]: "NN", many.rsplit(" ", 1)[-1]: "NP"}
    found |= {one: "NN", many: "NP"}
    return {
        form: "NB" if one.endswith(form) and many.endswith(form) else s for form, s in found.items()
    }


@lru_cache(maxsize=4096)
def _is_own(form: str, own_words: frozenset[str]) -> bool:
    words = re.findall(r"[^\W\d_]+", form.casefold())
    return bool(words) and all(word in own_words or word == "s" for word in words)


_FUNCTION_WORDS = frozenset(
    "a an the and or but not no of by from in on at as to for with without about than then so "
    "if because since after before while you your we our us i it its they their he his she her "
    "this that these those which who whose whom what why how is are was were be been being am "
    "do did has have had may might could should would will can all both one two three four any "
    "some each every loved liked enjoyed love like enjoy loves likes recently lately also too "
    "here next".split()
)
"""Words that carry a sentence: a category or a value of these counts only in quotes."""


def _add(
    form: str, symbol: str, meaning: str, own_words: frozenset[str],
    phrases: list[tuple[str, str, str]], contextual: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """Add a form; several words of our own count only where a noun or a key is called for."""
    if symbol not in {"NN", "NP", "NB", "K"} and form.casefold() in _FUNCTION_WORDS:
        return
    if not (" " in form and _is_own(form, own_words)):
        phrases.append((form, symbol, meaning))
    elif contextual is not None:
        contextual[f"{symbol} {form}"] = meaning


def _other_number(key: str) -> str:
    return key.removesuffix("s") if key.endswith("s") else f"{key}s"
