"""What two titles say about each other: when one is visibly a sequel of the other."""

import re
from functools import lru_cache
from itertools import takewhile

from catalog.types import Item

_ROMAN = {"ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}
_PART = re.compile(
    r"^(?P<stem>.*?\w.*?)[\s:,-]*(?:\b(?:part|chapter|episode|vol\.?|volume)\s+)?"
    r"\b(?P<number>10|[2-9]|ii|iii|iv|v|vi|vii|viii|ix|x)\b(?:\s*[:-]\s.*)?$",
    re.IGNORECASE,
)
_NEAR_YEARS = 8
_ALTERNATIVE = re.compile(r"\s*\([^()]*\)")


@lru_cache(maxsize=16_384)  # titles recur, and the pattern took 40% of a prompt's time
def series(title: str) -> tuple[str, int]:
    """Return (stem, part): "Toy Story 2" is ("toy story", 2), a title without number is part 1."""
    plain = _ALTERNATIVE.sub("", title).strip().casefold() or title.casefold()
    match = _PART.match(plain)
    if not match:
        return plain, 1
    number = match["number"]
    return match["stem"].strip(" :,-"), int(number) if number.isdigit() else _ROMAN[number]


def may_be_series(first: str, second: str) -> bool:
    """Say whether two titles begin so much alike that they may be of one series."""
    pairs = zip(first.casefold(), second.casefold(), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return alike >= max(4, min(len(first), len(second)) // 2)


def same_series(first: Item, second: Item) -> bool:
    """Say whether titles and years alone show one series: an equal stem, parts in order of years.

    Deliberately narrow, as a sentence will rest on it. Two numbered parts of one stem are a series.
    A title without a number is the first part only of a part 2 or 3 that follows within
    `_NEAR_YEARS`: "Bad Boys" (1983) is another film than the one "Bad Boys II" (2003) continues.
    Without years nothing is shown.
    """
    if first.year is None or second.year is None:
        return False
    (stem, part), (other_stem, other_part) = series(first.title), series(second.title)
    gap, years = other_part - part, second.year - first.year
    near = min(part, other_part) > 1 or (abs(gap) <= 2 and abs(years) <= _NEAR_YEARS)
    return stem == other_stem and near and gap * years > 0
