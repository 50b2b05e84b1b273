"""What two titles say about each other: when one is visibly a sequel of the other.

    Rocky II (1979), Rocky III (1982)                         one series
    Star Wars: Episode VI (1983), Star Wars: Episode I (1999) one series: an “Episode” is no year
    Bad Boys (1983), Bad Boys II (2003)                       not shown: twenty years lie between
    Henry V (1599), Henry VIII (1613)                         not: kings are counted, too

Precision comes before recall, as a sentence rests on it: `tests/test_titles.py` measures both.
"""

import re
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from catalog.types import Item

_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PART = re.compile(
    r"^(?P<stem>.*?\w.*?)[\s:,-]*(?:\b(?P<counted>part|chapter|episode|vol\.?|volume|book)\s+)?"
    rf"\b(?P<number>10|[1-9]|{'|'.join([*_ROMAN, *_WORDS])})\b(?:\s*[:-]\s.*)?$",
    re.IGNORECASE,
)
_NEAR_YEARS = 8
"""Between a title without a number and its second or third part."""
_FAR_YEARS = 20
"""Between one part and the next: more, and it is another film of the name."""
_ALTERNATIVE = re.compile(r"\s*\([^()]*\)")
_COUNTS_OTHERS = re.compile(
    r"(?:\b(?:no|nr|num|op|opus|number|psalm|sonata|symphony|concerto|quartet|quintet|trio|suite"
    r"|prelude|etude|nocturne|waltz|rhapsody|study|composition|season|series|channel|channels|area"
    r"|district|route|highway|flight|formula|level|studio|room|unit|apollo|act|scene|page|day|hour"
    r"|grade|class|form|group|zone|world|world war|stage|phase|category|catch|plan|type|model|mark"
    r"|hits|best|best of|essential|anthology|collection|live)|[#№])\.?$"
    r"|^(?:part|chapter|episode|vol\.?|volume|book)$"
)
"""Ends what is counted without being one work: opus 4 and opus 5, season 2 of whatever show."""
_REIGNED = frozenset(
    "henry richard edward louis george william charles james john elizabeth mary philip ferdinand"
    " alfonso frederick otto leopold albert alexander nicholas peter catherine paul ivan gustav"
    " charles christian haakon olaf napoleon ptolemy darius xerxes ramses ramesses pius benedict"
    " leo clement gregory innocent boniface urban julius sixtus francis joseph maximilian".split()
)
"""Names that go with numbers of their own: Henry V is no part of Henry VIII."""
_TITLED = re.compile(
    r"^(?:the )?(?:king|queen|pope|emperor|tsar|czar|prince|saint|st\.?) \w+(?: \w+)?$"
)
_CREATORS = ("author", "artist", "band", "composer", "performer", "creator")
"""Who makes all parts of a series; a film's director may change."""


class Numbered(NamedTuple):
    """A title as a stem and a number; `counted` where it says "part" or the like."""

    stem: str
    part: int = 1
    counted: bool = False


@lru_cache(maxsize=16_384)  # titles recur, and the pattern took 40% of a prompt's time
def series(title: str) -> Numbered:
    """Return stem and part: "Toy Story 2" is ("toy story", 2), a title without number is part 1."""
    plain = _ALTERNATIVE.sub("", title).strip().casefold() or title.casefold()
    match = _PART.match(plain)
    if not match:
        return Numbered(plain)
    stem, counted, number = match["stem"].strip(" :,-"), match["counted"], match["number"]
    names = _ROMAN if number in _ROMAN else _WORDS
    part = int(number) if number.isdigit() else names.index(number) + 1
    spelled = number in _WORDS or part == 1  # "The Nutty Two", "Malcolm I": only after "part"
    if (spelled and not counted) or _is_no_series(stem):
        return Numbered(plain)
    return Numbered(stem, part, counted is not None)


def _is_no_series(stem: str) -> bool:
    """Say whether what a number follows is counted without being a series of works."""
    return bool(stem in _REIGNED or _TITLED.match(stem) or _COUNTS_OTHERS.search(stem))


def may_be_series(first: str, second: str) -> bool:
    """Say whether two titles begin so much alike that they may be of one series."""
    pairs = zip(first.casefold(), second.casefold(), strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return alike >= max(4, min(len(first), len(second)) // 2)


def same_series(first: Item, second: Item) -> bool:
    """Say whether titles and years show one series: an equal stem, and parts of it by one maker.

    Two numbered parts of one stem are a series if they follow as their years do, or if both say
    "part" or "episode". A title without a number is the first part only of a part 2 or 3 that
    follows within `_NEAR_YEARS`: "Bad Boys" (1983) is another film than the one "Bad Boys II"
    (2003) continues. Without years nothing is shown.
    """
    if first.year is None or second.year is None:
        return False
    one, other = series(first.title), series(second.title)
    gap, years = other.part - one.part, second.year - first.year
    if one.stem != other.stem or not gap or _others_made(first, second):
        return False
    if one.counted and other.counted:
        return True
    if min(one.part, other.part) == 1:
        return abs(gap) <= 2 and abs(years) <= _NEAR_YEARS and gap * years > 0
    return gap * years > 0 and abs(gap) <= abs(years) <= _FAR_YEARS * abs(gap)


def _others_made(first: Item, second: Item) -> bool:
    """Say whether the two are known to be of different creators."""
    makers = [(first.attributes.get(key), second.attributes.get(key)) for key in _CREATORS]
    return any(None not in pair and pair[0] != pair[1] for pair in makers)
