"""Which attributes a text may tell: those that make an English sentence, and that people care for.

Each of these fails one of the two, and is not told:

    isbn = 9780141439587            nobody likes a book for its number
    vegan = yes                     "its vegan is ‘yes’" is no English
    set in = Paris                  nor is "its set in is ‘Paris’"
    artist = Various Artists        stands for nobody, so two albums share nobody
    stars = 5                       a rating here; elsewhere, `stars` are a film's cast
    awards = Hugo Award Nominee     was nominated for it, and did not win it

Such attributes stay in the Facts, and the check knows them; the grammar and the prompt leave them
out (`models.language.ties.worth_telling`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from catalog.placeholders import is_placeholder
from models.language.articles import singular
from models.language.relations import relation_of

_IDENTIFIERS = frozenset(
    "asin barcode code doi ean guid hash id identifier ids image isbn issn key link links picture "
    "poster reference sku slug thumbnail tracking upc uri url urls uuid website".split()
)
_NO_NOUNS = frozenset(
    "about above after also and are as at available been before below best both by can contains "
    "does during featuring for free from has have how if in including into is not of off on only "
    "or out over per since starring than to under until up via was were what when where which who "
    "why with without".split()
)
"""A name that ends with one of these is no noun: set in, best for, gluten free."""
_NOUNS_IN_ED = frozenset("bed breed creed feed greed need reed seed shed sled speed weed".split())
_FLAGS = frozenset("yes no true false y n on off".split())
_ADDRESS = re.compile(r"[a-z]+://|www\.|\S+@\S+\.\S+$", re.IGNORECASE)
_NUMBER = re.compile(r"\W*\d+(?:[.,]\d+)?\W*")
_CALLED_BY_NUMBERS = frozenset("album artist band brand series".split())
"""What may be called 1989, 311 or 24."""
_CODE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?|(?!UK|US)[A-Z]{2}")
_PLACES = frozenset("country countries language languages".split())
_MANY_SHARE = frozenset(
    "availability binding certificate color colour condition currency difficulty edition format "
    "gender grade kind level medium quality rating season size status type unit version".split()
)
_NOT_WON = re.compile(
    r"\b(?:nomin|shortlist|longlist|finalist|runner|candidate|lost|no award)", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?:won|winner|winning|wins)\b", re.IGNORECASE)


@lru_cache(maxsize=16_384)  # the attributes of an item recur with every user
def is_tellable(name: str, values: tuple[int | str, ...]) -> bool:
    """Say whether a text may tell an attribute with these values."""
    if any(is_placeholder(value) or _is_address(value) for value in values):
        return False
    if relation_of(name) is not None:
        return all(_fits(name, value) for value in values)
    last = name.rsplit(" ", 1)[-1]
    flags = all(str(value).casefold() in _FLAGS for value in values)
    return not flags and last not in _IDENTIFIERS and _is_noun(last)


def is_reason(name: str, values: Sequence[int | str]) -> bool:
    """Say whether sharing an attribute is a reason to like both: a city, but no price or format."""
    relation = relation_of(name)
    few_share_it = relation.few_share_it if relation else singular(name) not in _MANY_SHARE
    return few_share_it and not any(char.isdigit() for value in values for char in str(value))


def is_won(value: str) -> bool:
    """Say whether an award is one that was won: not a nomination, not a place on a list."""
    return not _NOT_WON.search(value)


def _fits(name: str, value: int | str) -> bool:
    """Say whether a value can be what a known relation says: a name, a place, a prize."""
    called = str(value)
    may_be_number = singular(name) in _CALLED_BY_NUMBERS
    if _NUMBER.fullmatch(called) and not may_be_number:
        return False
    if name.startswith("award"):
        return is_won(called) and not _SENTENCE.match(called)
    return name not in _PLACES or not _CODE.fullmatch(called)


def _is_noun(word: str) -> bool:
    return word not in _NO_NOUNS and (not word.endswith("ed") or word in _NOUNS_IN_ED)


def _is_address(value: int | str) -> bool:
    return isinstance(value, str) and _ADDRESS.match(value) is not None
