"""The clauses of a sentence, and of which things each speaks.

    You loved “Ronin” for its chases, so try “Heat”, a tale of thieves.
    [You loved “Ronin” for its chases] Ronin, [so] [try “Heat”] Heat, [a tale of thieves] Heat

Where it is not plain, what a clause says must be so of all that it may speak of.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from models.faithfulness.describing.phrases import Word

Mentions = list[set[int]]
"""The entities that each title may name."""

_STOPS = frozenset(".!?;:()—–")
_HELD = frozenset({"CATEGORY", "VALUE", "WORD", "NUMBER", "KIND", "GENERIC"})
_ALL = frozenset("both all each these same shared share shares similar common also too".split())


@dataclass(slots=True)
class Clause:
    """Some words of a sentence, and the things they are said of.

    Attributes
    ----------
    words : they, the one that begins the clause first
    mentions : the titles in it
    owners : the things it speaks of
    is_apposition : whether it stands right after a title, and names none
    before : all words of the sentence up to its end
    inserted : whether it stands between commas, so that what follows is said of what was before
    """

    words: list[Word] = field(default_factory=list)
    mentions: Mentions = field(default_factory=list)
    owners: Mentions = field(default_factory=list)
    is_apposition: bool = False
    before: Sequence[Word] = ()
    inserted: bool = False


def clauses_of(words: Sequence[Word], called: dict[int, Mentions], last: Mentions) -> list[Clause]:
    """Return the clauses of a sentence.

    `called` has what the titles that begin at a place of the text may name, `last` what the
    sentence before names.
    """
    found = [Clause()]
    for n, word in enumerate(words):
        if _begins(words, n) and found[-1].words:
            found.append(Clause())
            is_after = n > 1 and words[n - 1].text == "," and words[n - 2].kind == "MENTION"
            fronted = len(found) > 1 and found[-2].words[0].kind == "PREPOSITION"
            opens = word.kind not in {"BREAK", "RELATIVE"}
            found[-1].is_apposition = is_after and opens and not fronted
        if word.kind == "MENTION":
            found[-1].mentions += called.get(word.start, [])
            found[-1].is_apposition = False
        found[-1].words.append(word)
    found = [clause for clause in found if any(w.kind != "MARK" for w in clause.words)]
    for n, clause in enumerate(found):
        first = clause.words[0]
        ends = clause.words[-1].text == ","
        clause.inserted = n > 0 and ends and first.kind in {"PREPOSITION", "RELATIVE"}
        clause.before = [word for word in words if word.end <= clause.words[-1].end]
        clause.owners = _owners(found, n, last)
    return found


def _begins(words: Sequence[Word], n: int) -> bool:
    """Say whether a clause begins with a word."""
    word, before = words[n], words[n - 1] if n else None
    following = words[n + 1] if n + 1 < len(words) else None
    if before is None or before.text in _STOPS:
        return True
    if before.text == ",":
        return not _goes_on(words, n) or (word.kind == "JOINT" and _is_clause(words, n))
    if word.kind in {"LIKING", "RECOMMEND"}:
        return before.kind in {"READER", "READERS", "DETERMINER", "RELATIVE", "BREAK"}
    if word.kind == "JOINT" and following is not None:
        named = following.kind in {"MENTION", "READER"} or following.text == "it"
        return named or _is_clause(words, n)
    return word.kind == "BREAK"


def _is_clause(words: Sequence[Word], n: int) -> bool:
    """Say whether "and" joins two clauses, the second with "is": and the wine list is short."""
    verbs = {"BE", "SHOWS"}
    since = next((m for m in range(n - 1, -1, -1) if words[m].text in _STOPS), 0)
    second = takewhile(lambda w: w.kind not in {"JOINT", "MARK", "BREAK"}, words[n + 1 :])
    first = [w.kind for w in words[since:n] if w.kind in {*verbs, "PREPOSITION", "DETERMINER"}]
    has_verb = len(first) > 1 or bool(verbs.intersection(first))
    return has_verb and any(w.kind == "BE" for w in second)


def _goes_on(words: Sequence[Word], n: int) -> bool:
    """Say whether a comma before the word is one of a list."""
    rest = list(takewhile(lambda word: word.kind not in {"MARK", "BREAK"}, words[n:]))
    if rest[:1] and rest[0].kind == "DETERMINER" and any(w.kind == "MENTION" for w in rest):
        return False  # the thieves of “Heat” may suit you
    after = n
    while after < len(words) - 1 and words[after].kind in {"JOINT", "DETERMINER"}:
        after += 1
    return n >= 2 and words[n - 2].kind in _HELD and words[after].kind in _HELD


def _owners(clauses: Sequence[Clause], n: int, last: Mentions) -> Mentions:
    clause = clauses[n]
    named = [m for c in clauses for m in c.mentions]
    before = [m for c in clauses[:n] for m in c.mentions]
    texts = {word.text for word in clause.words}
    if texts & _ALL and (before or clause.mentions or last):
        return _distinct([*last, *before, *clause.mentions])
    if clause.mentions:
        return _distinct(clause.mentions)
    if "it" in texts or any(w.kind == "GENERIC" for w in clause.words[:3]):
        return _it(before or last)
    if before:
        near = [c for c in clauses[:n] if c.mentions]
        some = near[-1].mentions
        if (
            near[-1].inserted
            and clause.words[0].kind not in {"BREAK", "RELATIVE"}
            and len(near) > 1
        ):
            some = [*near[-2].mentions, *some]
        return _distinct(some)
    return _distinct(named) or _it(last)


def _it(near: Mentions) -> Mentions:
    """Return what "it" may be: the item, and what was liked where the item is not near."""
    return [{0}] if not near or any(0 in m for m in near) else _distinct([{0}, *near])


def _distinct(mentions: Mentions) -> Mentions:
    found: Mentions = []
    for mention in mentions:
        if mention and mention not in found:
            found.append(mention)
    return found
