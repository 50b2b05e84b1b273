"""How statements of attributes are held against the Facts: whose value it is, and in which role.

“Heat” is directed by Michael Mann: so if he is one of its directors, false if only in its cast.
"""

import re
from collections.abc import Callable, Sequence

from catalog.types import Item
from models.faithfulness.judging.context import Context, Judged, any_known
from models.faithfulness.judging.measures import judge_size
from models.faithfulness.reading.attributes import (
    BY_PREPOSITION,
    IN_ROLE,
    MADE,
    NEVER_IS,
    UNITS,
    makers_of,
)
from models.faithfulness.reading.statements import Statement, Things
from models.faithfulness.reading.symbols import Token
from models.language.articles import plural, singular
from models.language.titles import same_series

_MAKERS = BY_PREPOSITION["by"]


def judge_attribute(context: Context, statement: Statement) -> Judged:
    """A value holds for what it is said of, under the name or in the role it is told in."""
    tokens = [context.tokens[n] for n in statement.values]
    if statement.how in {"same", "shared"}:
        return _same(context, statement, tokens[0].text if tokens else "")
    if statement.how.startswith("size "):
        return judge_size(context, statement)
    if statement.how.startswith("whose "):
        return _whose(context, statement, tokens[0].text)
    how = statement.how.removeprefix("also ")
    has = (_named if how in {"its", "among"} else _in_role)(tokens, how)
    if has is None:
        return False, "the same detail twice"
    outcome = context.told(statement, has)
    if outcome[0] is True and (how != statement.how or _says_also(context, statement)):
        return _also(context, statement, has)
    return outcome


_BEFORE_ALSO = 4
"""Words before a value among which "also" belongs to it: also part of the series V."""
_ALSO = re.compile(r"\b(?:also|too|as well(?! as))\b")
_CLAUSE = re.compile(r"[,;:]|\bTT?\b")
"""Behind these, "also" of before belongs to something else: you may also like T, directed by V."""
_Has = Callable[[Item], bool | None]


def _named(tokens: Sequence[Token], how: str) -> _Has | None:
    """Its director is V: nobody else; V is among its cast: one of several."""
    names = [token.text for token in tokens if token.symbol == "K"]
    told = [part for token in tokens if token.symbol != "K" for part in token.parts]
    if len(set(told)) < len(told) and len(names) == 1:
        return None
    each = len(names) == len(told) > 1  # by the same author and artist, V and V
    told_under = [([told[n]] if each else told, numbers_of(name)) for n, name in enumerate(names)]

    def has(item: Item) -> bool | None:
        found = [_holds(item, values, keys, how) for values, keys in told_under]
        return False if False in found else None if None in found else True

    return has


def _holds(item: Item, told: Sequence[str], keys: frozenset[str], how: str) -> bool | None:
    known = {str(value) for key, value in item.pairs() if key in keys}
    if not known:
        return None
    if not known.issuperset(told):
        return False
    return True if how == "among" or len(known) == len(told) else None


def _in_role(tokens: Sequence[Token], how: str) -> _Has | None:
    """Directed by V, from V, 90 minutes: a value under a name that is told so."""
    keys = _keys(how, [token.text for token in tokens[1:]])
    told = tokens[0].parts
    never = NEVER_IS if how == "is" else frozenset()
    is_strange = tokens[0].symbol == "P"
    if len(set(told)) < len(told):
        return None

    def has(item: Item) -> bool | None:
        known = [str(v) for key, v in item.pairs() if (key in keys if keys else key not in never)]
        if not known:
            return None
        if not all(any(v == one or _amounts_to(v, one, how) for v in known) for one in told):
            return None if is_strange and _may_be(known, told) else False
        return _is_of(item, told, keys) if how in {"by", "from"} and keys else True

    return has


def _may_be(known: Sequence[str], told: Sequence[str]) -> bool:
    """Say whether names that the Facts do not know may be short or long forms of those they do."""
    wholes = [value.casefold() for value in known]
    names = [name.casefold() for name in told]
    return all(any(n in whole or whole in n for whole in wholes) for n in names)


def _is_of(item: Item, told: Sequence[str], keys: frozenset[str]) -> bool | None:
    """Say whether a thing is by somebody, not only, as a film by its composer, with their help."""
    held = makers_of(item.attributes) | (keys - _MAKERS)
    known = {str(value) for key, value in item.pairs() if key in held}
    return True if known.issuperset(told) else None


def _says_also(context: Context, statement: Statement) -> bool:
    """Say whether "also" stands right before or in what is said, or "too" in it or behind."""
    symbols = [token.symbol for token in context.tokens]
    first, end = statement.first, statement.last + 1
    before = " ".join(symbols[max(0, first - _BEFORE_ALSO) : first])
    inside, after = " ".join(symbols[first:end]), " ".join(symbols[end : end + 4])
    near = _CLAUSE.split(before)[-1]
    return bool(_ALSO.search(f"{near} {inside}") or _ALSO.match(after.removeprefix(", ")))


def _also(context: Context, statement: Statement, has: _Has) -> Judged:
    """What is "also" by somebody is so as something else that is named."""
    about = {n for mention in context.resolve(statement.about) for n in mention}
    others = [context.entities[n] for n in context.named - about]
    if any(map(has, others)) or (len(about) > 1 and not others):
        return True, ""
    return "unverifiable", "nothing else that is named has it"


def _whose(context: Context, statement: Statement, key: str) -> Judged:
    """The director of one thing wrote another: all its directors did."""
    others = [context.entities[n] for m in context.resolve(statement.beside or Things()) for n in m]
    names = [{str(v) for k in numbers_of(key) for v in other.values(k)} for other in others]
    keys = _keys(statement.how.split()[1], ()) or frozenset()

    def has(item: Item) -> bool | None:
        known = {str(value) for name, value in item.pairs() if name in keys}
        if not known or not all(names):
            return None
        if any(known.isdisjoint(some) for some in names):
            return False
        return True if all(some <= known for some in names) else None

    return context.told(statement, has) if others else ("unverifiable", "it does not say whose")


def _same(context: Context, statement: Statement, key: str) -> Judged:
    """The same values as all that is named beside it, or without a key the same maker."""
    beside = context.resolve(statement.beside or Things())
    equal = statement.how == "same"
    found = [
        any_known(
            share(context.entities[n], context.entities[m], key, equal=equal)
            for n in one
            for m in other
        )
        for one in context.resolve(statement.about)
        for other in beside
        if one != other
    ]
    if not found:
        return "unverifiable", "it does not say the same as what"
    context.is_told = True
    if all(found):
        return True, ""
    false = [so is False for so in found]
    plain = any(false) if statement.beside and statement.beside.titles else all(false)
    return ("contradicted" if plain else "unverifiable"), f"not the same {key or 'maker'}"


def share(one: Item, other: Item, key: str, *, equal: bool) -> bool | None:
    """Say whether two items have a value of an attribute in common; without a name, a maker.

    `equal` asks for all their values; None where one has none, or where only some are in common.
    """
    if not key:
        keys = makers_of(one.attributes) & makers_of(other.attributes)
        return any(set(one.values(k)) & set(other.values(k)) for k in keys) if keys else None
    mine, its = ({v for k in numbers_of(key) for v in item.values(k)} for item in (one, other))
    if not mine or not its:
        return None
    if equal and mine & its:
        return True if mine == its else None
    return bool(mine & its)


def of_one_series(one: Item, other: Item) -> bool:
    """Say whether two are of one series: by the name of it, or by titles and years."""
    return share(one, other, "series", equal=False) or same_series(one, other)


def numbers_of(key: str) -> frozenset[str]:
    """Return the name of an attribute in the singular and in the plural."""
    return frozenset({key, plural(key), singular(key)})


def _keys(how: str, told: Sequence[str]) -> frozenset[str] | None:
    """Return the names that an attribute may have where its value is told so; None is any."""
    if told:
        return frozenset(told)
    first = how.split(" ", 1)[0]
    if first == "measure":
        return next((UNITS[word] for word in how.split() if word in UNITS), None)
    return next((t[first] for t in (MADE, IN_ROLE, BY_PREPOSITION) if first in t), None)


def _amounts_to(known: str, number: str, how: str) -> bool:
    """Say whether a value is a number with the unit at hand: "147 min" for 147 minutes."""
    match = re.fullmatch(rf"{re.escape(number)}[ -]?([a-z]{{3,}})\.?", known.casefold())
    return match is not None and any(word[:3] == match[1][:3] for word in how.split())
