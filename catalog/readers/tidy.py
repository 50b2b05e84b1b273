"""Tidying: titles as people say them, and texts without the traces of a web page.

Matrix, The (1999)                     The Matrix, of 1999
Twelve Monkeys (a.k.a. 12 Monkeys)     Twelve Monkeys, where no other film of its year is
Gintama&#039;                          Gintama'
"""

import html
import re
from collections import Counter
from collections.abc import Sequence

from catalog.readers.plan import Tidying

_ARTICLES = "The|A|An|Le|La|Les|L'|Il|El|Los|Las|Der|Die|Das|Det|En|Den|Lo|Un|Une|De|I|Da"
_INVERTED = re.compile(rf"^(.+), ({_ARTICLES})((?:\s*\([^()]*\))*)$")
_ALTERNATIVES = re.compile(r"(?<=\S)(\s*\([^()]*\))+$")
_YEAR = re.compile(r"^(.*\S)\s*\(((?:1[89]|20)\d\d)(?:\s*[-–]\s*(?:\d{4})?)?\)$", re.DOTALL)


def front_article(title: str) -> str:
    """Put a trailing article in front: "Matrix, The" is "The Matrix"."""
    title = title.strip()
    match = _INVERTED.match(title)
    if not match:
        return title
    rest, article, alternatives = match.groups()
    return f"{article}{'' if article.endswith(chr(39)) else ' '}{rest}{alternatives}"


def split_year(title: str) -> tuple[str, int | None]:
    """Return a title without the year in parentheses at its end, and this year."""
    match = _YEAR.match(title.strip())
    return (match[1], int(match[2])) if match else (title, None)


def unescaped(text: str) -> str:
    """Return a text with HTML's entities as characters, also where they were escaped twice."""
    return html.unescape(html.unescape(text))


def titles(named: Sequence[tuple[str, int | None]], tidying: Tidying) -> list[str]:
    """Return the titles of a catalogue as people say them.

    Alternatives in parentheses go where the title is one of its year's without them.

    Parameters
    ----------
    named : the title and the year of every item
    """
    told = [title for title, _ in named]
    if tidying.alternatives:
        short = [(_ALTERNATIVES.sub("", title) or title, year) for title, year in named]
        taken = Counter(short)
        told = [
            one[0] if taken[one] == 1 else title for one, title in zip(short, told, strict=True)
        ]
    return [front_article(title) for title in told] if tidying.articles else told
