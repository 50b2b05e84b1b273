"""Texts of who made a thing, who is in it and what it won: true ones, and false ones of each kind.

Facts in which Ron Howard directed “Apollo 13” and “Willow”, and Tom Hanks is in the first:
true:            “Apollo 13” is directed by Ron Howard, as is “Willow”, which you liked.
role swapped:    “Apollo 13” is directed by Tom Hanks.

A `Told` says who is told in which role, and of what beside the item. It is so, or not, by a join
that the check does not use; the frames only put it into words.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from catalog.facts import Evidence, Facts
from catalog.types import Item
from models.language.english import listing

_BE = {
    "director": "directed", "writers": "written", "composer": "composed", "author": "by",
    "narrator": "narrated", "illustrators": "illustrated", "publisher": "published", "artist": "by",
    "composers": "composed", "producer": "produced", "developer": "developed",
    "designers": "designed",
}  # fmt: skip
"""Of each role, the participle that tells it."""
_DID = {"directed": "directed", "written": "wrote", "composed": "composed",
        "developed": "developed", "designed": "designed", "published": "published"}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """Who is told of the item in a role, and with which entries of the history it is shared."""

    facts: Facts
    key: str
    values: tuple[str, ...]
    entries: tuple[Evidence, ...] = ()

    def is_so(self) -> bool:
        """Say whether all have all the values under the name."""
        everyone: list[Item] = [self.facts.item, *self.entries]
        return len(set(self.values)) == len(self.values) and all(
            set(self.values) <= set(map(str, one.values(self.key))) for one in everyone
        )

    def is_known(self) -> bool:
        """Say whether all have some value under the name."""
        return all(one.values(self.key) for one in (self.facts.item, *self.entries))

    # ------------------------------------------------------------------ words

    def who(self) -> str:
        """Return the values: plain where they look like a name, else in quotes."""
        return listing([v if _looks_like_a_name(v) else f"‘{v}’" for v in self.values])

    def is_done(self) -> bool:
        """Return whether it is told with "is": "is directed by V"."""
        return self.key not in {"cast", "awards"}

    def participle(self) -> str:
        """Return it after a title: "directed by V", "with V in its cast"."""
        who, how = self.who(), _BE.get(self.key, "")
        special = {
            "cast": f"with {who} in its cast", "country": f"from {who}", "language": f"in {who}",
            "series": f"part of the series {who}", "album": f"from the album {who}",
            "platforms": f"on {who}",
        }  # fmt: skip
        return special.get(self.key) or (f"by {who}" if how == "by" else f"{how} by {who}")

    def does(self, *, many: bool = False) -> str:
        """Return it as a predicate: "is directed by V", "have V in their cast"."""
        if self.key == "cast":
            return f"{'have' if many else 'has'} {self.who()} in {'their' if many else 'its'} cast"
        if self.key == "awards":
            return f"won {self.who()}"
        return f"{'are' if many else 'is'} {self.participle()}"

    def as_does(self, *, many: bool = False) -> str:
        """Return how another thing is so as well: "as is", "as do"."""
        if self.key == "awards":
            return "as did"
        if self.key == "cast":
            return f"as {'do' if many else 'does'}"
        return f"as {'are' if many else 'is'}"

    def did(self) -> str:
        """Return what those in the role did, if there is a word for it: "wrote"."""
        return _DID.get(_BE.get(self.key, ""), "")


def _looks_like_a_name(value: str) -> bool:
    words = value.split(" ")
    parts = [re.fullmatch(r"[A-Z][\w'-]*\.?", word) for word in words]
    return all(parts) and (len(words) > 1 or len(value) > 4)


_Frame = Callable[[Told], str | Literal[False]]


def _liking(told: Told) -> str:
    return told.facts.said_of(told.entries[0])


def _entry(told: Told) -> str:
    return f"“{told.entries[0].title}”"


def _name(told: Told) -> str:
    return f"“{told.facts.item.title}”"


ALONE: Sequence[_Frame] = [
    lambda t: f"{_name(t)} {t.does()}.",
    lambda t: f"Here is {_name(t)}. It {t.does()}.",
    lambda t: f"{_name(t)} may suit you: it {t.does()}.",
    lambda t: t.key != "awards" and f"{_name(t)}, {t.participle()}, may be for you.",
    lambda t: t.key == "cast" and f"{_name(t)} features {t.who()}.",
    lambda t: (
        t.key == "cast"
        and f"{t.who()} {'are' if len(t.values) > 1 else 'is'} in the cast of {_name(t)}."
    ),
    lambda t: t.did() and f"{t.who()} {t.did()} {_name(t)}.",
]
"""Texts of the item alone; empty where the role is not told so."""

SHARED: Sequence[_Frame] = [
    lambda t: f"{_name(t)} {t.does()}, {t.as_does()} {_entry(t)}, which you {_liking(t)}.",
    lambda t: f"Like {_entry(t)}, which you {_liking(t)}, {_name(t)} {t.does()}.",
    lambda t: f"You {_liking(t)} {_entry(t)}, and {_name(t)} {t.does()}, too.",
    lambda t: f"You {_liking(t)} {_entry(t)}, so here is {_name(t)}. Both {t.does(many=True)}.",
    lambda t: (
        f"Because you {_liking(t)} {_entry(t)}, we suggest {_name(t)}: both {t.does(many=True)}."
    ),
    lambda t: f"Here is {_name(t)}. It {t.does()}, {t.as_does()} {_entry(t)}.",
    lambda t: t.is_done() and f"You {_liking(t)} {_entry(t)}; {_name(t)} is also {t.participle()}.",
    lambda t: (
        t.key != "awards"
        and f"You {_liking(t)} {_entry(t)}, so here is {_name(t)}, also {t.participle()}."
    ),
    lambda t: (
        t.key == "cast"
        and f"{t.who()} {'are' if len(t.values) > 1 else 'is'} in the cast of {_name(t)}, as in "
        f"that of {_entry(t)}, which you {_liking(t)}."
    ),
    lambda t: (
        t.did()
        and f"{_name(t)} {t.does()}, who also {t.did()} {_entry(t)}, which you {_liking(t)}."
    ),
    lambda t: t.did() and f"You {_liking(t)} {_entry(t)}, and {t.who()} also {t.did()} {_name(t)}.",
]
"""Texts of the item and one entry of the history."""


def texts(told: Told, rng: random.Random) -> Iterator[str]:
    """Yield the text of every frame for it, in any order."""
    frames = list(SHARED if told.entries else ALONE)
    rng.shuffle(frames)
    yield from filter(None, (frame(told) for frame in frames))


# ---------------------------------------------------------------------- what is so


def true_of(facts: Facts, rng: random.Random) -> Iterator[Told]:
    """Yield what is so of the item, and of what it shares with each entry."""
    for key in facts.item.attributes:
        values = [*map(str, facts.item.values(key))][:3]
        yield Told(facts, key, tuple(rng.sample(values, rng.randint(1, len(values)))))
        for entry in facts.evidence:
            both = [v for v in values if v in map(str, entry.values(key))]
            if both:
                yield Told(facts, key, tuple(both), (entry,))


# ---------------------------------------------------------------------- what is not

FALSE: dict[str, Callable[[Told, random.Random], Told | None]] = {}


def _kind(name: str) -> Callable[[Callable[[Told, random.Random], Told | None]], None]:
    def register(make: Callable[[Told, random.Random], Told | None]) -> None:
        FALSE[name] = make

    return register


def _others(told: Told) -> list[str]:
    """Return the values that other things have under the name, and the item has not."""
    own = set(map(str, told.facts.item.values(told.key)))
    found = [str(v) for e in told.facts.evidence for v in e.values(told.key)]
    return [value for value in dict.fromkeys(found) if value not in own]


def _with(told: Told, rng: random.Random, wrong: Sequence[str]) -> Told | None:
    """Return it with one of the values exchanged for a wrong one."""
    if not wrong:
        return None
    values = list(told.values)
    values[rng.randrange(len(values))] = rng.choice(wrong)
    return replace(told, values=tuple(values))


@_kind("person of another item")
def _(told: Told, rng: random.Random) -> Told | None:
    return _with(told, rng, _others(told)) if told.key in _BE or told.key == "cast" else None


@_kind("wrong award, country, language or platform")
def _(told: Told, rng: random.Random) -> Told | None:
    return None if told.key in _BE or told.key == "cast" else _with(told, rng, _others(told))


@_kind("person of another role")
def _(told: Told, rng: random.Random) -> Told | None:
    """The composer is said to be the director."""
    if told.key not in {*_BE, "cast"}:
        return None
    item = told.facts.item
    own = item.values(told.key)
    roles = [k for k in item.attributes if k != told.key and (k in _BE or k == "cast")]
    wrong = [str(v) for key in roles for v in item.values(key) if v not in own]
    return _with(told, rng, wrong)


@_kind("role swapped")
def _(told: Told, rng: random.Random) -> Told | None:
    """Who directed it is said to have written it."""
    roles = [k for k in told.facts.item.attributes if k != told.key and (k in _BE or k == "cast")]
    if not roles or told.key not in {*_BE, "cast"}:
        return None
    return replace(told, key=rng.choice(roles))


@_kind("person whom nobody knows")
def _(told: Told, rng: random.Random) -> Told | None:
    return _with(told, rng, ["Mira Nair", "Zhang Yimou"]) if told.key in {*_BE, "cast"} else None


@_kind("one more, of another item")
def _(told: Told, rng: random.Random) -> Told | None:
    wrong = _others(told)
    more = rng.choice(wrong) if wrong else ""
    return replace(told, values=(*told.values, more)) if more else None


@_kind("shared with the wrong entry")
def _(told: Told, rng: random.Random) -> Told | None:
    without = [
        e for e in told.facts.evidence if not {str(v) for _, v in e.pairs()} & set(told.values)
    ]
    return replace(told, entries=(rng.choice(without),)) if without else None


@_kind("told twice")
def _(told: Told, rng: random.Random) -> Told | None:
    return replace(told, values=(*told.values, rng.choice(told.values)))


def is_plain(told: Told, text: str) -> bool:
    """Say whether it is known to be false, whatever "also", "by" and "features" may mean."""
    if not told.is_known() or (told.entries and re.search(r"\b(also|too)\b", text)):
        return False
    if " features " in text:
        return False
    everyone = (told.facts.item, *told.entries)
    elsewhere = {str(v) for one in everyone for key, v in one.pairs() if key != told.key}
    return _BE.get(told.key) != "by" or elsewhere.isdisjoint(told.values)
