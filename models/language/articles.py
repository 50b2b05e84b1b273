"""Which article a phrase takes, and which verb: by rule, as no list would hold every catalogue.

    an unimportant film, a unanimous vote, an 1815 novel, an 8-bit game, an MP3 player, a ukulele
    people are, one lens is

What counts is how the first word is said: digits are said as numbers, capitals letter by letter.
"""

import re
import unicodedata

_FIRST = re.compile(r"[^\W_]+(?:[.,&][^\W_]+)*")
_NAMED_WITH_VOWEL = frozenset("aefhilmnorsx")
"""Letters whose names begin with a vowel: an F, an X."""
_SAID_AS_WORDS = frozenset(
    "nasa nato nascar unicef unesco fifa lego laser radar sonar midi simd wasp ram rom lan hud pin "
    "sim swat stem scuba ted uefa sega nasdaq lidar nimby mash".split()
)
"""Of those in capitals, the ones that are said as words and would else be spelled out."""
_SILENT_H = re.compile(r"h(our(?!i)|eir|onest|onou?r|ors d)")
_LIKE_YOU = re.compile(
    r"eu|ewe|u(?:$"
    r"|ni(?![nms]|d(?!i))|nim[oi]d|nis[eoy]|nidi|nanim|nary"  # uniform, not unimportant
    r"|[bkv][aeiou](?!e)|fo|g[ao]n|l[uy]s|r[aeiou]|s[aeiu]|s$|t[aeio]|kr|z[iy])"
)
"""Begins as "you" does: a European, a useful one."""
_BUT_NOT = re.compile(r"uber|ura?ng|uru[ks]|uto-aztec|urea?ch|uka")
_LIKE_WON = re.compile(r"one(?!r|i)|once|oui")
_VOWEL_Y = re.compile(r"y(?:tt|v|p[^a-z]*r|[bc])")
_SPELLED = re.compile(r"[bcdfghjklmnpqrstvwxz]{2,}\d*$|[a-z]\d+$")

_PLURALS = frozenset("people men women children feet teeth mice geese oxen dice media".split())
_SINGULAR_ENDINGS = ("ss", "us", "is", "series", "species", "ics", "news", "lens", "gas", "canvas",
                     "atlas", "bias", "chaos", "pancreas", "texas", "kansas")  # fmt: skip
_PLURAL_ENDINGS = ("menus", "gurus", "emus", "skis", "taxis", "bikinis", "lyrics", "graphics",
                   "comics", "topics", "critics", "clinics", "mechanics", "fabrics", "statistics",
                   "metrics", "mosaics", "tonics", "panics", "picnics")  # fmt: skip


def article(phrase: str) -> str:
    """Put "a" or "an" in front of a phrase."""
    return f"{'an' if begins_with_vowel(phrase) else 'a'} {phrase}"


def begins_with_vowel(phrase: str) -> bool:
    """Say whether a phrase is said with a vowel first."""
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", phrase) if not unicodedata.combining(char)
    )
    match = _FIRST.search(plain)
    if match is None:
        return False
    written = match[0]
    word = written.casefold()
    if word[0].isdigit():
        return _number_with_vowel(re.match(r"[\d,]+", word)[0])  # type: ignore[index]
    if _is_spelled(written, plain[match.end() :]):
        return word[0] in _NAMED_WITH_VOWEL
    if word[0] == "h":
        return bool(_SILENT_H.match(plain[match.start() :].casefold()))
    if word[0] == "x":  # an Xbox, a xylophone
        return len(word) < 2 or word[1] not in "aeiouy"
    if word[0] == "y":
        return bool(_VOWEL_Y.match(word))
    if word[0] == "u" and _BUT_NOT.match(word):
        return True
    return word[0] in "aeiou" and not (_LIKE_YOU.match(word) or _LIKE_WON.match(word))


def _number_with_vowel(digits: str) -> bool:
    """Say whether a number is said with a vowel first: eight, eleven, eighteen, and their powers.

    Four digits are said as a year: 1815 is eighteen fifteen, and 1,815 is one thousand and so on.
    """
    as_year = "," not in digits
    digits = digits.replace(",", "").lstrip("0") or "0"
    head = digits[: len(digits) % 3 or 3]
    if as_year and len(digits) == 4 and digits[1] != "0":
        head = digits[:2]
    return head.startswith("8") or head in {"11", "18"}


def _is_spelled(written: str, rest: str) -> bool:
    """Say whether a word is said letter by letter: MP3, R&B, x-ray, FBI, but not NASA."""
    word = written.casefold()
    if len(written) == 1:
        return written not in "aA" or rest[:1] in "-."
    if word in _SAID_AS_WORDS:
        return False
    if "&" in word or "." in written[:2] or _SPELLED.match(word):
        return True
    letters = [char for char in written if char.isalpha()]
    if not all(char.isupper() for char in letters):
        return False
    return len(letters) <= 3 or not re.search(r"[AEIOU]", written[:2])


def is_or_are(words: str) -> str:
    """Return the verb after a noun: "are" for "players", "is" for "number of players"."""
    counted = words.split(" of ", maxsplit=1)[0].casefold()
    last = counted.rsplit(" ", 1)[-1].rsplit("-", 1)[-1]
    if last in _PLURALS or counted.endswith(_PLURAL_ENDINGS):
        return "are"
    plural = last.endswith("s") and len(last) > 2 and not last.endswith(_SINGULAR_ENDINGS)
    return "are" if plural else "is"


def singular(noun: str) -> str:
    """Return a noun as it is of one: "author" for "authors"; one that has no plural, as it is."""
    if is_or_are(noun) == "is" or not noun.endswith("s") or noun.endswith(("ics", "lyrics")):
        return noun
    if noun.endswith("ies"):
        return f"{noun[:-3]}y"
    return noun[:-2] if noun.endswith(("ches", "shes", "xes", "sses")) else noun[:-1]


def plural(noun: str) -> str:
    """Return a noun as it is of several: "authors" for "author", "countries" for "country"."""
    if is_or_are(noun) == "are" or noun.endswith(("series", "species", "ics", "news", "cast")):
        return noun
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
