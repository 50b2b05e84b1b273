"""What one text may take from its Facts: every word and value that they know, apart from titles.

All other words that can be read are those of the grammar, in the files *.ebnf beside this one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from catalog.facts import Facts
from catalog.types import Item
from models.faithfulness.reading.attributes import SERIES
from models.language.articles import plural, singular
from models.language.english import category_words
from models.language.values import short_series

_ALSO_CALLED = {"sci-fi": "science fiction", "science fiction": "sci-fi", "film-noir": "film noir"}
_WORD = re.compile(r"[^\W\d_]+|\w*")
Phrase = tuple[str, str, str]
"""A form, its symbol, and what it is."""
Phrases = dict[str, list[Phrase]]
"""Of each first word what begins with it, the longest first."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What one text may be about: the words and values of its Facts, by their first word.

    Attributes
    ----------
    phrases : of each first word what begins with it, the longest first
    quoted : the symbol of categories (Q) and other values (V) that may stand in ‘quotes’
    contextual : several words of our own that are a noun or a key in their place
    own_words : those of the grammar
    """

    phrases: Phrases
    quoted: dict[str, str]
    contextual: Phrases
    own_words: frozenset[str]


def first_word(text: str, start: int = 0) -> str:
    """Return the letters, or else letters and digits, at `start`, in small letters; if any."""
    return _WORD.match(text, start)[0].casefold()  # type: ignore[index]


def lexicon_of(facts: Facts, own_words: frozenset[str]) -> Lexicon:
    """Return the words and values of the Facts."""
    nouns = _nouns(facts.noun.one, facts.noun.many)
    found = [
        _forms_of(
            entity.categories,
            tuple((key, str(value), isinstance(value, str)) for key, value in entity.pairs()),
            nouns,
            own_words,
        )
        for entity in (facts.item, *facts.evidence)
    ]
    quoted: dict[str, str] = {}
    for forms in found:
        quoted.update(forms.values)
    for forms in found:
        quoted.update(forms.categories)
    return Lexicon(
        _together([forms.phrases for forms in found]),
        quoted,
        _together([forms.contextual for forms in found]),
        own_words,
    )


def _together(known: Sequence[Phrases]) -> Phrases:
    """Return the phrases of several items: few begin with one word, or all with the same."""
    found = dict(known[0])
    for phrases in known[1:]:
        for word, near in phrases.items():
            mine = found.setdefault(word, near)
            if mine is not near and mine != near:
                found[word] = _sorted({*mine, *near})
    return found


def _sorted(phrases: Iterable[Phrase]) -> list[Phrase]:
    return sorted(phrases, key=lambda phrase: (-len(phrase[0]), phrase[1] != "V", phrase))


class _Forms:
    """What may be said of one item, and what it is called."""

    def __init__(
        self, categories: Iterable[str], values: Iterable[str], own_words: frozenset[str]
    ) -> None:
        self.categories = dict.fromkeys(categories, "Q")
        self.values = dict.fromkeys(values, "V")
        self.phrases: Phrases = {}
        self.contextual: Phrases = {}
        self._own_words = own_words

    def add(self, form: str, symbol: str, meaning: str) -> None:
        """Add a form; several words of our own count only where a noun or a key is called for.

        Or as a name, which has capitals: "The Who", but not "the who" or "It is".
        """
        named = symbol in {"NN", "NP", "NB", "K"}
        is_name = symbol == "V" and all(word[0].isupper() for word in form.split())
        if not (named or is_name) and form.casefold() in _FUNCTION_WORDS:
            return
        if is_name or not (" " in form and _is_own(form, self._own_words)):
            self._keep(self.phrases, (form, symbol, meaning))
        elif named:
            self._keep(self.contextual, (form, symbol, meaning))

    def _keep(self, known: Phrases, phrase: Phrase) -> None:
        near = known.setdefault(first_word(phrase[0]), [])
        near[:] = _sorted({*near, phrase})


@lru_cache(maxsize=4096)
def _forms_of(
    categories: tuple[str, ...],
    attributes: tuple[tuple[str, str, bool], ...],
    nouns: tuple[tuple[str, str], ...],
    own_words: frozenset[str],
) -> _Forms:
    """Return what may be said of an item of these; an attribute with whether it is text."""
    found = _Forms(categories, (value for _, value, _ in attributes), own_words)
    endings = tuple(form for form, _ in nouns)
    for category in categories:
        for form, symbol in category_forms(category):
            # "Children's Books" is quoted, or it would be Children among books.
            if not form.endswith(endings) and any(map(str.isalpha, form)):
                found.add(form, symbol, form)
    for key, value, is_text in attributes:
        for form in dict.fromkeys((key, singular(key), plural(key))):
            found.add(form, "K", key)
        if is_text:
            found.add(value, "V", value)
        if is_text and key in SERIES and short_series(value) != value:
            found.add(short_series(value), "V", value)
    for form, symbol in nouns:
        found.add(form, symbol, form)
    return found


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


@lru_cache(maxsize=64)
def _nouns(one: str, many: str) -> tuple[tuple[str, str], ...]:
    """Return what the items are called, and short: "video game" is a "game"."""
    found = {one.rsplit(" ", 1)[-1]: "NN", many.rsplit(" ", 1)[-1]: "NP"}
    found |= {one: "NN", many: "NP"}
    return tuple(
        (form, "NB" if one.endswith(form) and many.endswith(form) else symbol)
        for form, symbol in found.items()
    )


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
"""Words that carry a sentence: a category or value of these counts only in quotes, or as a name."""
