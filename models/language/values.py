"""How the value of an attribute is told: names plain, other words in ‘quotes’, with an article.

    director = Ron Howard               Ron Howard
    artist = blink-182                  ‘blink-182’
    country = Netherlands               the Netherlands
    award = Booker Prize                the Booker Prize
    series = The Lord of the Rings      Lord of the Rings

The last is said in "part of the … series", which has its own article.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from models.language.articles import article
from models.language.relations import is_series, relation_of

_PARTICLES = frozenset(
    "a al and bin d da das de del della den der des di do dos du e el ibn im in la las le les los "
    "of ten ter the und van von y zu".split()
)
_NO_NAMES = frozenset(
    "all also and another as because both he her here his i it its like me not of one or she so "
    "the them they this too us we which who with you your".split()
)
_PART = re.compile(r"[^\W_][\w.'’&/-]*,?|&")
_LONGEST = 48
_COUNTED = re.compile(r"^(?:\d+|[Aa]n?|[Tt]he|[Oo]ne|[Tt]wo|[Tt]hree) ")
_MANY_WINNERS = frozenset("BAFTA César Edgar Emmy Grammy Hugo Nebula Oscar Tony".split()) | {
    "Golden Globe", "Academy Award", "Grammy Award", "Emmy Award", "Hugo Award", "Nebula Award",
    "Tony Award", "BAFTA Award", "Saturn Award",
}  # fmt: skip
"""Awards of which there are many a year."""
_WITH_THE = re.compile(
    r"united .+|netherlands|philippines|bahamas|gambia|maldives|ussr|uk|us|usa|uae"
    r"|.+ (?:republic|islands|kingdom|states|union)",
    re.IGNORECASE,
)


@lru_cache(maxsize=16_384)  # names recur, and whether one is a name took a tenth of a prompt
def told(value: int | str, name: str) -> str:
    """Return a value as it is told: numbers and names plain, other words in ‘quotes’."""
    if isinstance(value, int):  # a name as well: an album called 1989
        return str(value) if value >= 0 and relation_of(name) is None else f"‘{value}’"
    if name in {"country", "countries"} and _WITH_THE.fullmatch(value):
        return f"the {value}"
    if relation_of(name) is None or not is_name(value, counts=name.startswith("award")):
        return f"‘{value}’"
    if is_series(name):
        return short_series(value)
    if name.startswith("award"):
        return _prize(value)
    return value


def _prize(value: str) -> str:
    """Return an award with its article: "the Booker Prize", "an Emmy", "2 Oscars", "Oscars"."""
    if _COUNTED.match(value) or value.endswith("s"):
        return value
    return article(value) if value in _MANY_WINNERS else f"the {value}"


def is_name(value: str, *, counts: bool = False) -> bool:
    """Say whether a value can be told without quotes: capitals, and what stands between them.

    `counts`: it may begin with a number or an article, as "2 Oscars" and "the Booker Prize" do.
    """
    if counts:
        value = _COUNTED.sub("", value)
    words = value.split(" ")
    if len(value) > _LONGEST or len(words) > 6 or value.casefold() in _NO_NAMES:
        return False
    return (
        all(_PART.fullmatch(word) for word in words)
        and _is_capital(words[0][0])
        and _is_capital(words[-1][0])
        and all(_is_capital(word[0]) or word in _PARTICLES or word == "&" for word in words)
        and all(word.endswith(("Jr.", "Sr.", "II", "III", "IV")) for word in _after_commas(words))
    )


def short_series(value: str) -> str:
    """Return a series as it is told: "the Lord of the Rings series", not "the The Lord ..."."""
    return value.removeprefix("The ").removesuffix(" Series") or value


def _after_commas(words: Sequence[str]) -> list[str]:
    """Return what follows a comma: a list of names would not be told from one of them."""
    return [after for word, after in pairwise(words) if word.endswith(",")]


def _is_capital(char: str) -> bool:
    """Say whether a letter is large, or of a script that knows no difference."""
    return unicodedata.category(char) in {"Lu", "Lt", "Lo"}
