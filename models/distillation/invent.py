"""Made-up worlds: Facts with titles, categories and attributes that no catalogue holds.

They teach a student to tell of books and restaurants as of films. It sees no names, only references
to them (`models.prism.forms.referents`), so that made-up words need be no more than different.
"""

import random
from collections.abc import Sequence
from itertools import cycle

from catalog.facts import Evidence, Facts
from catalog.types import Item, Liking

_KNOWN = [
    "Action", "Adventure", "Animation", "Anime", "Biography", "Blues", "Children", "Classical",
    "Comedy", "Country", "Crime", "Documentary", "Drama", "Family", "Fantasy", "Folk", "Hip-Hop",
    "Horror", "IMAX", "Indie", "Jazz", "Musical", "Mystery", "Noir", "Poetry", "Pop", "Puzzle",
    "Rock", "Romance", "Sci-Fi", "Science Fiction", "Soul", "Sports", "Strategy", "Thriller",
    "Travel", "War", "Western",
]  # fmt: skip
_ATTRIBUTES = [0, 0, 0, 1, 1, 2, 3, 8]  # how many, from which one is drawn
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
    return Facts(
        noun=facts.noun,
        item=item,
        evidence=evidence,
        evidence_kind=facts.evidence_kind,
        popularity=facts.popularity,
    )


def varied(facts: Facts, rng: random.Random) -> Facts:
    """Return the same Facts with less evidence, another kind or other likings, at times."""
    evidence = facts.evidence
    if evidence and rng.random() < 0.45:
        evidence = tuple(rng.sample(evidence, rng.randint(1, len(evidence))))
    if rng.random() < 0.3:
        likings: list[Liking] = ["loved", "liked"]
        evidence = tuple(e.model_copy(update={"liking": rng.choice(likings)}) for e in evidence)
    kind = rng.choices(["contribution", "similar", "recent", "none"], [6, 1, 1.5, 1])[0]
    if kind == "none" or not evidence:
        kind, evidence = "none", ()
    popularity = rng.choice([facts.popularity, facts.popularity, "favourite", "well_liked", None])
    return facts.model_copy(
        update={"evidence": evidence, "evidence_kind": kind, "popularity": popularity}
    )


class _Attribute:
    """An attribute of a made-up world: what it is called, and how often items share its value."""

    def __init__(self, words: Sequence[str], rng: random.Random) -> None:
        self.key = _made_up(rng) + rng.choice(["", "s"])
        self._words, self._rng = words, rng
        self._numeric = rng.random() < 0.3
        self._shared = rng.choice([0.1, 0.5, 0.9])
        self._common = self._any()

    def value(self) -> int | str:
        """Return the value of one more item."""
        return self._common if self._rng.random() < self._shared else self._any()

    def _any(self) -> int | str:
        return self._rng.randint(1, 50) if self._numeric else _title(self._words, self._rng, 2)


def _entities(facts: Facts) -> list[Item]:
    return [facts.item, *facts.evidence]


def _title(words: Sequence[str], rng: random.Random, longest: int = 4) -> str:
    """Return a made-up title of real words, made-up words and numbers."""
    parts = []
    for _ in range(rng.randint(1, longest)):
        number = str(rng.randint(0, 3000))
        parts.append(rng.choice([rng.choice(words), _made_up(rng).capitalize(), number]))
    return " ".join(parts)


def _made_up(rng: random.Random) -> str:
    return "".join(rng.choices(_LETTERS, k=rng.randint(3, 8)))
