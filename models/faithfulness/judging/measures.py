"""Words for sizes, "longer" and "cheaper", and the attributes that they may be about."""

import re

from catalog.types import Item, Values
from models.faithfulness.judging.context import Context, Judged
from models.faithfulness.reading.attributes import UNITS
from models.faithfulness.reading.statements import Statement, Things

MORE = frozenset(
    "higher highest longer longest dearer dearest more pricier priciest heavier heaviest "
    "bigger biggest larger largest thicker thickest costlier expensive outlasts outweighs "
    "lengthier roomier weightier most".split()
)
"""Words that say that the first of two things has more of it."""
LENGTHS = UNITS["minutes"] | frozenset("pages words weeks hours seasons episodes lessons".split())
"""What "longer" may be about."""
BY_WORD: dict[str, frozenset[str]] = {
    "time": UNITS["minutes"],
    "money": frozenset({"price"}),
    **dict.fromkeys(
        "cheap dear price undercuts cheaper cheapest dearer dearest pricier priciest costlier "
        "expensive cost costs costly affordable pay spend wallet purse pocket euro euros pounds "
        "dollars".split(),
        frozenset({"price"}),
    ),
    **dict.fromkeys("kilometres kilometers km".split(), frozenset({"length", "distance"})),
    **dict.fromkeys(["holds", "hold"], frozenset({"capacity", "volume", "storage"})),
    **dict.fromkeys(
        "heavier heaviest lighter lightest weigh weighs weightier heavy".split(),
        frozenset({"weight"}),
    ),
    **dict.fromkeys(
        "smaller smallest bigger biggest larger largest roomier".split(),
        frozenset("seats rooms size capacity".split()),
    ),
    **dict.fromkeys(
        "slimmer slimmest thinner thicker thickest slim briefer".split(), frozenset({"pages"})
    ),
    **dict.fromkeys("quicker quickest faster".split(), UNITS["minutes"]),
    **dict.fromkeys(["people", "person", "players", "player"], frozenset({"players", "seats"})),
    **dict.fromkeys(["minutes", "minute", "min"], UNITS["minutes"]),
}


def amount(value: Values) -> float | None:
    """Return the one number of an attribute: 29 for "€29", 0 for "free"; None of "1–4"."""
    if isinstance(value, tuple):
        return None
    told = re.sub(r",(?=\d{3}(?!\d))", "", str(value))
    numbers = re.findall(r"\d+(?:[.,]\d+)?", told)
    if isinstance(value, str) and value in {mark * len(value) for mark in "€£$¥"}:
        return len(value)
    if told.casefold() == "free":
        return 0
    if len(numbers) != 1 or re.search(r"[.,]\d{3}$", numbers[0]):  # "1.400" may be thousands
        return None
    return float(numbers[0].replace(",", "."))


def judge_size(context: Context, statement: Statement) -> Judged:
    """Longer or with more of something than another, and, where a number is told, by so much."""
    words = statement.how.split()
    more = not MORE.isdisjoint(words)
    tokens = [context.tokens[n] for n in statement.values]
    numbers = [int(token.text) for token in tokens if token.symbol == "N"]
    named = frozenset(token.text for token in tokens if token.symbol == "K")
    told = [table[w] for table in (UNITS, BY_WORD) for w in words if w in table]
    sized = named or next(iter(told), LENGTHS)
    beside = context.resolve(statement.beside or Things())
    others = [context.entities[n] for mention in beside for n in mention]

    def has(item: Item) -> bool | None:
        found = []
        for other in others:
            keys = sized & set(item.attributes) & set(other.attributes)
            pairs = [(amount(item.attributes[k]), amount(other.attributes[k])) for k in keys]
            if len(pairs) != 1 or None in pairs[0]:
                return None
            by = (pairs[0][0] or 0) - (pairs[0][1] or 0)
            by = by if more else -by
            found.append(by > 0 and (not numbers or by == numbers[0]))
        return all(found) if found else None

    return context.told(statement, has)
