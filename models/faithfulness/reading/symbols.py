"""The tokens of a text, and lists of them as one: “A”, “B” and “C” are one symbol."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

NUMBERS = dict(
    zip(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty".split(),
        range(1, 21),
        strict=True,
    )
)
"""Numbers in words."""
TENS = dict(
    zip(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),
        range(20, 100, 10),
        strict=True,
    )
)
_UNITS = {
    "minutes",
    "minute",
    "min",
    "pages",
    "page",
    "hours",
    "hour",
    "year",
    "years",
    "weeks",
    "week",
    "-",
}
"""What a number in words may count."""
_COUNTED = {"K", *_UNITS}
CATEGORIES = {"CA", "C1", "CP"}
_MERGED = {"P", *CATEGORIES}
_LISTED = ({"T"}, {"Q", "V", "P"}, CATEGORIES)
_OF_LISTS = (("T", "TT"), ("P", "P"), ("V", "V"))
"""What a list is that has one of these: of a name that is not known, and of a value, it is both."""
_OF_CATEGORY, _OF_NOUN = {"C1", "CP"}, {"NN", "NP", "NB"}


@dataclass(frozen=True, slots=True)
class Title:
    """A title as it stands in the text, with the year in parentheses behind it, if any."""

    text: str
    start: int
    end: int
    year: int | None = None


@dataclass(slots=True)
class Token:
    """One symbol of a skeleton: `text[start:end]`.

    `parts` holds what it is made of: categories, quoted values, or the words of one. A word that
    may be several things ("food" to the grammar, and a category) has the others as `others`.
    """

    symbol: str
    start: int
    end: int
    parts: tuple[str, ...] = ()
    titles: tuple[Title, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Its first part."""
        return self.parts[0] if self.parts else ""


def joined(tokens: Iterator[Token]) -> list[Token]:
    """Return the tokens with every list of titles, categories or quoted values as one."""
    found: list[Token] = []
    for token in tokens:
        if token.symbol in _MERGED and found and _are_one(found[-1].symbol, token.symbol):
            found[-1] = _merged([found[-1], token])
            if token.symbol == "P":  # one name of several words
                found[-1].parts = (" ".join(found[-1].parts),)
        else:
            found.append(token)
    symbols = {token.symbol for token in found}
    if not symbols.isdisjoint(TENS):
        found = list(_compounds(found))
    for kinds in _LISTED if "and" in symbols else ():
        if sum(token.symbol in kinds for token in found) > 1:
            found = list(_lists(found, kinds))
    for token, following in pairwise(found):
        if token.symbol in NUMBERS and following.symbol in _COUNTED:
            token.parts, token.symbol = (str(NUMBERS[token.symbol]),), "N"
        if token.symbol in _OF_CATEGORY and following.symbol in _OF_NOUN:
            token.symbol = "CA"
    return found


def _are_one(symbol: str, following: str) -> bool:
    return (symbol == following == "P") or (symbol in CATEGORIES and following in CATEGORIES)


def _compounds(tokens: list[Token]) -> Iterator[Token]:
    """Yield the tokens, "twenty-four years" with its number as one."""
    n = 0
    while n < len(tokens):
        tens = TENS.get(tokens[n].symbol, 0)
        symbols = [token.symbol for token in tokens[n : n + 4]] if tens else []
        if tens and symbols[1:2] == ["-"] and 0 < NUMBERS.get("".join(symbols[2:3]), 0) < 10:
            number = tens + NUMBERS[symbols[2]]
            yield Token("N", tokens[n].start, tokens[n + 2].end, (str(number),))
            n += 3
            continue
        if tens and symbols[1:2] and symbols[1] in _COUNTED - {"-"}:
            yield Token("N", tokens[n].start, tokens[n].end, (str(tens),))
        else:
            yield tokens[n]
        n += 1


def _lists(tokens: list[Token], kinds: set[str]) -> Iterator[Token]:
    """Yield the tokens, "A, B and C" as one; a comma alone joins nothing."""
    symbols = [token.symbol for token in tokens] + [""] * 4
    n = 0
    while n < len(tokens):
        if symbols[n] not in kinds:
            yield tokens[n]
            n += 1
            continue
        members, after, closed = [n], n + 1, False
        while not closed:
            joint = 0
            if symbols[after] == "," and symbols[after + 1] in kinds:
                joint = 1
            elif symbols[after] == "and" and symbols[after + 1] in kinds:
                joint, closed = 1, True
            elif symbols[after : after + 2] == [",", "and"] and symbols[after + 2] in kinds:
                joint, closed = 2, True
                if len(members) == 1:  # "A, and B is …" begins a clause
                    joint, closed = 0, False
            if not joint and kinds == {"T"}:  # "the A, the B and the C"
                joint, closed = _with_the(symbols, after, len(members))
            if not joint:
                break
            members.append(after + joint)
            after += joint + 1
        if closed:
            yield _merged([tokens[m] for m in members])
            n = after
        else:
            yield tokens[n]
            n += 1


def _with_the(symbols: list[str], after: int, members: int) -> tuple[int, bool]:
    """Return how many symbols join a title with an article to a list; whether they close it."""
    for joint, closed in ((", the", False), ("and the", True), (", and the", True)):
        size = joint.count(" ") + 1
        stands = " ".join(symbols[after : after + size + 1]) == f"{joint} T"
        if stands and (size < 3 or members > 1):  # "A, and the B is …" begins a clause
            return size, closed
    return 0, False


def _merged(members: list[Token]) -> Token:
    last, symbols = members[-1], {token.symbol for token in members}
    return Token(
        next((to for one, to in _OF_LISTS if one in symbols), last.symbol),
        members[0].start,
        last.end,
        tuple(part for token in members for part in token.parts),
        tuple(title for token in members for title in token.titles),
    )
