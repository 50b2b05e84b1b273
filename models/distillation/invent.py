"""Made-up worlds: Facts with titles, categories and attributes that no catalogue holds.

They teach a student to tell of books and restaurants as of films. It sees no names, only references
to them (`models.prism.forms.referents`), so that made-up words need be no more than different.
"""

import random
from collections.abc import Sequence
from itertools import cycle
from typing import get_args

from catalog.facts import Evidence, Facts, Noun, Verb
from catalog.types import Item, Liking, Values
from models.language.english import known_categories
from models.language.relations import known_names

_KNOWN = [category.capitalize() for category in known_categories()]
_ATTRIBUTES = [0, 0, 0, 1, 1, 2, 3, 8]  # how many, from which one is drawn
_ARTIST = Noun(one="artist", many="artists")
_MISSING = 0.08  # share of items without a detail that their catalogue has
_LETTERS = "aaabcdeeefghiijklmnooprrsstttuvwyz"


def invented(facts: Facts, words: Sequence[str], rng: random.Random) -> Facts:
    """Return Facts of the same shape as `facts` in a made-up world.

    Parameters
    ----------
    facts : gives the amount of evidence, the likings and how much is shared
    words : real words that some of the made-up titles are put together from
    rng : the dice
    """
    known = rng.choice([0, 0.5, 1, 1])
    categories = [
        category if rng.random() < known else _title(words, rng, longest=3)[:40]
        for category in rng.sample(_KNOWN, 16)
    ]
    originals = dict.fromkeys(c for entity in _entities(facts) for c in entity.categories)
    renamed = dict(zip(originals, cycle(categories), strict=False))
    if rng.random() < 0.05:
        return _of_one_category(facts, words, rng)
    plain = rng.random() < 0.12  # a catalogue without categories, and often with titles alone
    years = rng.random() < (0.5 if plain else 0.8)
    many = 0 if plain and rng.random() < 0.5 else rng.choice(_ATTRIBUTES)
    attributes = [_Attribute(words, rng) for _ in range(many)]
    tags = rng.randint(1, 8) if rng.random() < 0.15 else 0
    shift = rng.randint(-90 if rng.random() < 0.8 else -1900, 30)

    def known_of_it() -> bool:
        return rng.random() > _MISSING

    def world(item: Item, title: str) -> dict[str, object]:
        told = [*(renamed[c] for c in item.categories), *rng.sample(categories, tags)]
        year = min(max(item.year + shift, 1), 2999) if item.year else None
        return {
            "id": item.id,
            "title": title,
            "categories": tuple(dict.fromkeys(told))[:16] if not plain and known_of_it() else (),
            "year": year if years and known_of_it() else None,
            "attributes": {a.key: a.value() for a in attributes if known_of_it()},
        }

    titles = [_title(words, rng) for _ in _entities(facts)]
    if len(titles) > 1 and rng.random() < 0.1:  # sequels, and titles inside titles
        titles[1] = f"{titles[0]} {rng.choice(['2', '3', 'II', 'Part II', 'III', 'Again'])}"
    item = Item.model_validate(world(facts.item, titles[0]))
    evidence = tuple(
        Evidence.model_validate({**world(entry, title), "liking": entry.liking})
        for entry, title in zip(facts.evidence, titles[1:], strict=True)
    )
    noun = _ARTIST if rng.random() < 0.06 else facts.noun
    told = {"noun": noun, "item": item, "evidence": evidence}
    return Facts.model_validate({**dict(facts), **told})


def _of_one_category(facts: Facts, words: Sequence[str], rng: random.Random) -> Facts:
    """Return Facts of items of which nothing is known but one category."""
    categories = [rng.choice([*_KNOWN, _title(words, rng, longest=2)[:40]]) for _ in range(2)]

    def told(item: Item) -> dict[str, object]:
        category = categories[0] if rng.random() < 0.8 else categories[1]
        return {"id": item.id, "title": _title(words, rng), "categories": (category,)}

    evidence = tuple({**told(entry), "liking": entry.liking} for entry in facts.evidence)
    told_of = {"item": told(facts.item), "evidence": evidence, "popularity": None}
    return Facts.model_validate({**dict(facts), **told_of})


def varied(facts: Facts, rng: random.Random) -> Facts:
    """Return the same Facts with less evidence, another kind or other likings, at times."""
    evidence = facts.evidence
    if evidence and rng.random() < 0.45:
        evidence = tuple(rng.sample(evidence, rng.randint(1, len(evidence))))
    verb, dice = facts.verb, rng.random()
    if dice < 0.4:
        likings: list[Liking] = ["loved", "liked"]
        if dice < 0.15:  # no judgements, or only some
            likings, verb = rng.choice([["used"], ["loved", "used"]]), rng.choice(get_args(Verb))
        evidence = tuple(e.model_copy(update={"liking": rng.choice(likings)}) for e in evidence)
    kind = rng.choices(["contribution", "similar", "recent", "none"], [6, 1, 1.5, 1])[0]
    if kind == "none" or not evidence:
        kind, evidence = "none", ()
    popularity = rng.choice([facts.popularity, facts.popularity, "favourite", "well_liked", None])
    used = any(entry.liking == "used" for entry in evidence)
    return facts.model_copy(
        update={
            "evidence": evidence,
            "evidence_kind": kind,
            "popularity": popularity,
            "verb": verb if used else "chose",
        }
    )


class _Attribute:
    """An attribute of a made-up world: what it is called, and how often items share its value."""

    def __init__(self, words: Sequence[str], rng: random.Random) -> None:
        well_known = rng.random() < 0.6
        self.key = rng.choice(known_names()) if well_known else _made_up(rng) + rng.choice("s ")
        self.key = self.key.strip()
        self._words, self._rng = words, rng
        self._numeric = not well_known and rng.random() < 0.3
        self._most = 6 if self.key in {"cast", "actor", "star"} else rng.choice([1, 1, 2, 4])
        self._shared = rng.choice([0.1, 0.5, 0.9])
        self._common = [self._any() for _ in range(self._most)]

    def value(self) -> Values:
        """Return the values of one more item."""
        count = self._rng.randint(1, self._most)
        shared = self._rng.random() < self._shared
        values = [
            self._rng.choice(self._common) if shared and self._rng.random() < 0.8 else self._any()
            for _ in range(count)
        ]
        return tuple(dict.fromkeys(values))

    def _any(self) -> int | str:
        return self._rng.randint(1, 50) if self._numeric else _name(self._words, self._rng)


def _entities(facts: Facts) -> list[Item]:
    return [facts.item, *facts.evidence]


def _title(words: Sequence[str], rng: random.Random, longest: int = 4) -> str:
    """Return a made-up title of real words, made-up words and numbers."""
    parts = []
    for _ in range(rng.randint(1, longest)):
        number = str(rng.randint(0, 3000))
        parts.append(rng.choice([rng.choice(words), _made_up(rng).capitalize(), number]))
    return " ".join(parts)


def _name(words: Sequence[str], rng: random.Random) -> str:
    """Return what may be somebody's name, and at times cannot."""
    if rng.random() < 0.2:
        return _title(words, rng, 2)
    return " ".join(_made_up(rng).capitalize() for _ in range(rng.randint(1, 3)))


def _made_up(rng: random.Random) -> str:
    return "".join(rng.choices(_LETTERS, k=rng.randint(3, 8)))
