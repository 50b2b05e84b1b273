"""The little English that facts need: lists, articles, and categories as words.

Shared by the writer (`grounded`) and the reader (`faithfulness`), as two people share a language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

COUNT_WORDS = {2: "two", 3: "three", 4: "four"}

# How a category is called in front of a noun ("an action film"), and as a noun where English has
# one ("a comedy", "comedies"). A category that is not here is quoted after "listed under".
_KNOWN: dict[str, tuple[str, str | None, str | None]] = {
    "action": ("action", None, None),
    "adventure": ("adventure", None, None),
    "american": ("American", None, None),
    "animation": ("animated", None, None),
    "anime": ("anime", None, None),
    "biography": ("biography", "biography", "biographies"),
    "blues": ("blues", None, None),
    "british": ("British", None, None),
    "children": ("children's", None, None),
    "children's": ("children's", None, None),
    "chinese": ("Chinese", None, None),
    "classical": ("classical", None, None),
    "comedy": ("comedy", "comedy", "comedies"),
    "country": ("country", None, None),
    "crime": ("crime", None, None),
    "cuban": ("Cuban", None, None),
    "dance": ("dance", None, None),
    "disco": ("disco", None, None),
    "documentary": ("documentary", "documentary", "documentaries"),
    "drama": ("drama", "drama", "dramas"),
    "electronic": ("electronic", None, None),
    "ethiopian": ("Ethiopian", None, None),
    "family": ("family", None, None),
    "fantasy": ("fantasy", "fantasy", "fantasies"),
    "fighting": ("fighting", None, None),
    "film-noir": ("noir", None, None),
    "folk": ("folk", None, None),
    "french": ("French", None, None),
    "garden": ("garden", None, None),
    "german": ("German", None, None),
    "gospel": ("gospel", None, None),
    "gothic": ("gothic", None, None),
    "greek": ("Greek", None, None),
    "hip-hop": ("hip-hop", None, None),
    "historical": ("historical", None, None),
    "historical fiction": ("historical fiction", None, None),
    "horror": ("horror", None, None),
    "imax": ("IMAX", None, None),
    "indian": ("Indian", None, None),
    "indie": ("indie", None, None),
    "italian": ("Italian", None, None),
    "japanese": ("Japanese", None, None),
    "jazz": ("jazz", None, None),
    "kitchen": ("kitchen", None, None),
    "korean": ("Korean", None, None),
    "latin": ("Latin", None, None),
    "lebanese": ("Lebanese", None, None),
    "literary fiction": ("literary fiction", None, None),
    "mediterranean": ("Mediterranean", None, None),
    "metal": ("metal", None, None),
    "mexican": ("Mexican", None, None),
    "moroccan": ("Moroccan", None, None),
    "musical": ("musical", "musical", "musicals"),
    "mystery": ("mystery", "mystery", "mysteries"),
    "noir": ("noir", None, None),
    "outdoor": ("outdoor", None, None),
    "peruvian": ("Peruvian", None, None),
    "poetry": ("poetry", None, None),
    "polish": ("Polish", None, None),
    "pop": ("pop", None, None),
    "portuguese": ("Portuguese", None, None),
    "punk": ("punk", None, None),
    "puzzle": ("puzzle", None, None),
    "racing": ("racing", None, None),
    "rap": ("rap", None, None),
    "reggae": ("reggae", None, None),
    "rock": ("rock", None, None),
    "role-playing": ("role-playing", None, None),
    "romance": ("romantic", "romance", "romances"),
    "russian": ("Russian", None, None),
    "sci-fi": ("sci-fi", None, None),
    "science fiction": ("science fiction", None, None),
    "seafood": ("seafood", None, None),
    "simulation": ("simulation", None, None),
    "soul": ("soul", None, None),
    "spanish": ("Spanish", None, None),
    "sports": ("sports", None, None),
    "stealth": ("stealth", None, None),
    "strategy": ("strategy", None, None),
    "survival": ("survival", None, None),
    "techno": ("techno", None, None),
    "thai": ("Thai", None, None),
    "thriller": ("thriller", "thriller", "thrillers"),
    "travel": ("travel", None, None),
    "turkish": ("Turkish", None, None),
    "vegan": ("vegan", None, None),
    "vegetarian": ("vegetarian", None, None),
    "vietnamese": ("Vietnamese", None, None),
    "war": ("war", None, None),
    "western": ("western", "western", "westerns"),
    "young adult": ("young adult", None, None),
}


@dataclass(frozen=True, slots=True)
class CategoryWords:
    """How one category may be called.

    Attributes
    ----------
    listed : as it stands in the data, used after "listed under"
    attributive : before a noun, or None where that would be guesswork
    noun, plural : as a noun of its own, or None
    """

    listed: str
    attributive: str | None
    noun: str | None
    plural: str | None


@lru_cache(maxsize=4096)
def category_words(category: str) -> CategoryWords:
    """Return how a category may be called; unknown categories are only ever listed."""
    return CategoryWords(category, *_KNOWN.get(category.casefold(), (None, None, None)))


def known_categories() -> list[str]:
    """Return every category that has an English form here."""
    return sorted(_KNOWN)


def category_forms() -> list[str]:
    """Return every word by which a well-known category may be called."""
    return sorted({form for forms in _KNOWN.values() for form in forms if form})


def category_nouns() -> list[str]:
    """Return the nouns by which a well-known category may be called: "comedy"."""
    return sorted({noun for _, noun, _ in _KNOWN.values() if noun})


# Of two categories the one further down stands last: "comedy drama", "fantasy thriller".
_LAST = ["romance", "fantasy", "mystery", "musical", "western", "comedy", "drama", "biography"]
_LAST += ["thriller", "documentary"]
_SAME = {"science fiction": "sci-fi"}
# Adjectives, which stack in front of any other category without "and".
_STACKING = {"IMAX": 0, "indie": 1, "animated": 2, "romantic": 3, "children's": 4, "family": 4}


def kind(categories: Sequence[str], noun: str, nouns: str) -> tuple[str, str] | None:
    """Return what up to two categories make of a noun, in singular and plural.

    ("Crime", "Drama") with "film" is ("crime drama", "crime dramas"); ("Animation", "Children")
    is ("animated children's film", ...). None where a category has no English form here. A
    category is left out where nobody would say both: a "drama thriller" is a thriller.
    """
    fronts_of = {category: category_words(category).attributive or "" for category in categories}
    told = {_SAME.get(front, front): category for category, front in fronts_of.items()}
    words = [category_words(category) for category in told.values()]  # each form once
    fronts = [w.attributive for w in words if w.attributive]
    if not fronts or len(fronts) != len(words):
        return None
    named = sorted((w for w in words if w.noun), key=lambda w: _LAST.index(str(w.noun)))
    if len(named) == 1 < len(words) and named[0].noun == "romance":
        named = []  # "romantic war film", not "war romance"
    if named:
        last = named[-1]
        first = "".join(f"{w.attributive} " for w in words if w is not last and w.noun != "drama")
        return f"{first}{last.noun}", f"{first}{last.plural}"
    fronts.sort(key=lambda front: _STACKING.get(front, 9))
    front = " ".join(fronts) if fronts[0] in _STACKING else listing(fronts)
    return f"{front} {noun}", f"{front} {nouns}"


def all_of(count: int) -> str:
    """Return "both", "all three" or "all four"."""
    return "both" if count == 2 else f"all {COUNT_WORDS[count]}"


def decade(year: int) -> int:
    """Return the first year of a year's decade."""
    return year - year % 10


def listing(parts: Sequence[str]) -> str:
    """Join as English does: "A", "A and B", "A, B and C"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
