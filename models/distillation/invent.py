"""Made-up worlds: Facts with titles, categories and nouns that no catalogue holds.

They teach a student to tell of books and restaurants as of films. It sees no names, only references
to them (`models.references`), so that made-up titles need be no more than different.
"""

import random
from collections.abc import Sequence
from itertools import cycle

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item, Liking

_NOUNS = [
    ("film", "films"), ("book", "books"), ("song", "songs"), ("album", "albums"),
    ("game", "games"), ("restaurant", "restaurants"), ("show", "shows"),
    ("product", "products"), ("item", "items"), ("recipe", "recipes"), ("course", "courses"),
    ("podcast", "podcasts"), ("hotel", "hotels"), ("toy", "toys"), ("story", "stories"),
]  # fmt: skip
_KNOWN = [
    "Action", "Adventure", "Animation", "Anime", "Biography", "Blues", "Children", "Classical",
    "Comedy", "Country", "Crime", "Documentary", "Drama", "Family", "Fantasy", "Folk", "Hip-Hop",
    "Horror", "IMAX", "Indie", "Jazz", "Musical", "Mystery", "Noir", "Poetry", "Pop", "Puzzle",
    "Rock", "Romance", "Sci-Fi", "Science Fiction", "Soul", "Sports", "Strategy", "Thriller",
    "Travel", "War", "Western",
]  # fmt: skip
_ATTRIBUTES = {
    "author": None, "director": None, "artist": None, "brand": None, "city": None, "chef": None,
    "pages": 900, "players": 12, "language": None, "price range": None, "track count": 40,
}  # fmt: skip
_LETTERS = "aaabcdeeefghiijklmnooprrsstttuvwyz"


def invented(facts: Facts, words: Sequence[str], rng: random.Random) -> Facts:
    """Return Facts of the same shape as `facts` in a made-up world.

    Parameters
    ----------
    facts : gives the amount of evidence, the likings and how much is shared
    words : real words that some of the made-up titles are put together from
    rng : the dice
    """
    categories = rng.sample(_KNOWN, 8) if rng.random() < 0.6 else []
    while len(categories) < 8:
        categories.append(_title(words, rng, longest=3)[:40])
    originals = dict.fromkeys(c for entity in _entities(facts) for c in entity.categories)
    renamed = dict(zip(originals, cycle(categories), strict=False))
    attributes = rng.sample(list(_ATTRIBUTES.items()), rng.choice([0, 0, 1, 2]))
    if rng.random() < 0.15:
        attributes.append((_made_up(rng), rng.choice([None, 50])))
    shared_value = _title(words, rng, longest=2)
    years = rng.random() < 0.8
    shift = rng.randint(-90 if rng.random() < 0.8 else -1900, 30)

    def world(item: Item, title: str) -> dict[str, object]:
        values = {
            name: rng.randint(1, top) if top else rng.choice([shared_value, _title(words, rng, 2)])
            for name, top in attributes
        }
        return {
            "id": item.id,
            "title": title,
            "categories": tuple(dict.fromkeys(renamed[c] for c in item.categories)),
            "year": min(max(item.year + shift, 1), 2999) if years and item.year else None,
            "attributes": values,
        }

    titles = [_title(words, rng) for _ in _entities(facts)]
    if len(titles) > 1 and rng.random() < 0.1:  # sequels, and titles inside titles
        titles[1] = f"{titles[0]} {rng.choice(['2', '3', 'II', 'Part II', 'III', 'Again'])}"
    one, many = rng.choice(_NOUNS)
    if rng.random() < 0.15:
        one = _made_up(rng)
        many = f"{one}s"
    item = Item.model_validate(world(facts.item, titles[0]))
    evidence = tuple(
        Evidence.model_validate({**world(entry, title), "liking": entry.liking})
        for entry, title in zip(facts.evidence, titles[1:], strict=True)
    )
    return Facts(
        noun=Noun(one=one, many=many),
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
