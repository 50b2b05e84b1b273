"""A language model's text as a label: its titles in curly quotes, and nothing around it.

    written     Explanation: "Because you loved *Ronin*, you may enjoy Heat."
    normalised  Because you loved “Ronin”, you may enjoy “Heat”.

Nothing that is said is changed: only how titles are marked, and what a model puts around its text.
"""

import re
from collections.abc import Iterator, Sequence

from catalog.facts import Facts

_MARKS = "\"'“”„‟«»‘’‚‹›*_`"
_LABEL = re.compile(
    r"^\W*(?:(?:here(?:'s| is) (?:an?|the|your) )?"
    r"(?:explanation|recommendation|answer|response|output|text|reason)\b[^:.“”]{0,40}:\s*)",
    re.IGNORECASE,
)
_WRAPPED = re.compile(r'^(?:"(?P<plain>[^"]*)"|“(?P<curly>[^“”]*)”)$')
_QUOTED = re.compile(r'“[^“”]*”|"[^"]*"')
_STOPS = ".,;:!?…"


def normalised(text: str, facts: Facts) -> str:
    """Return what a model wrote of these Facts as a label on one line; see above.

    A title is recognised by its letters, whatever marks stand around it (“…”, "…", *…*). Without
    marks it is one where nothing else can be meant: not “It” in "it is", nor “Heat” where a
    sentence begins with the word.
    """
    text = " ".join(text.split())
    text = _LABEL.sub("", text, count=1)
    wrapped = _WRAPPED.match(text)
    if wrapped and " " in text:
        inner = wrapped["plain"] or wrapped["curly"] or ""
        if inner not in _titles(facts):
            text = inner
    return _marked(text, _titles(facts)).strip()


def _titles(facts: Facts) -> list[str]:
    """Return all titles of the Facts, longest first, so that none hides in a longer one."""
    titles = {entity.title for entity in (facts.item, *facts.evidence)}
    return sorted(titles, key=lambda title: (-len(title), title))


def _marked(text: str, titles: Sequence[str]) -> str:
    """Return a text in which every title that can be told stands in curly quotes."""
    parts: list[str] = []
    end = 0
    for start, stop, title, after in _found(text, titles):
        parts += [text[end:start], f"“{title}”{after}"]
        end = stop
    return "".join([*parts, text[end:]])


def _found(text: str, titles: Sequence[str]) -> Iterator[tuple[int, int, str, str]]:
    """Yield where each title stands with its marks: start, end, title, and the stop it swallowed.

    "Heat," in American usage has the comma inside the quotes: it goes behind them.
    """
    spelled = {_key(title): title for title in titles}
    words = "|".join(_pattern(title) for title in titles)
    marked = re.compile(
        rf"[{_MARKS}]+(?P<title>{words})(?P<stop>[{re.escape(_STOPS)}]?)[{_MARKS}]+"
        rf"|(?<![\w’'])(?P<bare>{words})(?![\w-]|[’'](?!s\b))",
        re.IGNORECASE,
    )
    quoted = [span.span() for span in _QUOTED.finditer(text)]
    for match in marked.finditer(text):
        if match["title"] is not None:
            yield match.start(), match.end(), spelled[_key(match["title"])], match["stop"]
        elif any(start < match.start() and match.end() < end for start, end in quoted):
            continue  # “Heat 2” is a title of its own, if a wrong one
        elif _must_be_meant(match, spelled[_key(match["bare"])], text):
            yield match.start(), match.end(), spelled[_key(match["bare"])], ""


def _pattern(title: str) -> str:
    """Return a pattern for a title, with straight and curly apostrophes alike."""
    return re.sub(r"['’‘]", "['’‘]", re.escape(title))


def _key(title: str) -> str:
    return re.sub("[’‘]", "'", title.casefold())


def _must_be_meant(match: re.Match[str], title: str, text: str) -> bool:
    """Say whether a title without marks can be nothing but the title."""
    told = match["bare"]
    if re.sub("[’‘]", "'", told) != re.sub("[’‘]", "'", title):
        return False  # in "the matrix", or "HEAT"
    first, *others = told.split()
    if any(word[0].isupper() for word in others):
        return True
    before = text[: match.start()].rstrip()
    begins = not before or before[-1] in ".!?:"
    # "It is" may begin a sentence, "1984" be a number, "I" be whoever speaks.
    return first[0].isupper() and not begins and first != "I"
