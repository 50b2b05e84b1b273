"""Facts by the thousand: from the demo catalogue, from made-up worlds, and from hostile hands."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from hypothesis import reject
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog.facts import Evidence, EvidenceKind, Facts, Noun, Popularity
from catalog.text import clean_text, clean_title
from catalog.types import Item, Liking, Values

# ---------------------------------------------------------------------- made-up worlds


def _split(words: str) -> list[str]:
    return words.split()


_HEADS = _split(
    """House River Winter Glass Number Machine Garden Letter Night King Sea Road Shadow Mirror
Orchard Lantern Stranger Kitchen Summer Engine Window Harbour Daughter Silence"""
)
_ADJECTIVES = _split("Last Red Quiet Long Broken Hidden Second Golden Empty Burning Paper Small")
_NAMES = _split("Ada Omar Keiko Lucía Björn Zoë Nkem O'Hara D’Arcy Ivan")
_PLAIN = _split(
    """It Her Heat You Because Both Since So Not Never Loved Liked Us Them Next Here Why After
Lately Drama Comedy Western 1984 2001 300 Up If Like As And Popular Film Books Series"""
)
_ODD = [
    "You Loved",
    "All Four",
    "You Liked It",
    "Not Another Drama",
    "Because You Loved Me",
    "The Reason",
    "It is",
    "Here Is",
    "Both Are Comedies",
    "Try",
    "M*A*S*H",
    "Se7en",
    "3:10 to Yuma",
    "$9.99",
    "50% Off",
    "A.I.",
    "Mr. & Mrs. Smith",
    "Who's That Knocking?",
    "Oliver!",
    "Monsters, Inc.",
    "Tick, Tick... Boom!",
    "Catch-22",
    "11'09''01",
    "Don’t Look Now",
    "‘Salem's Lot",
    "Rock 'n' Roll High School",
    "<b>Bold</b>",
    "</s>",
    "The End </s>",
    "<s> Start",
    "[MASK]",
    "<pad><pad>",
    "&amp; Sons",
    "C:\\Temp",
    "{title}",
    "%s",
    "七人の侍",
    "千と千尋の神隠し",
    "Сталкер",
    "المومياء",
    "गाइड",
    "Αντιγόνη",
    "기생충",
    "Ágætis byrjun",
    "🎬 Action!",
    "Heat (1986)",
    "Léon (The Professional)",
    "Seven (a.k.a. Se7en)",
    "1917 (2019)",
    "Love in the Time of",
    "a" * 60,
]
_KNOWN = _split(
    """Action Adventure Animation Biography Children Comedy Crime Documentary Drama Family
Fantasy Film-Noir Horror IMAX Musical Mystery Romance Sci-Fi Thriller War Western"""
)
_UNKNOWN = _split(
    """Thai Liked You Because Loved Not Two 1990s Film It Good R&B (none) Vegan Noir-ish
Both Never C++ Drama/Crime"""
)
_UNKNOWN += ["Kitchen & Dining", "Children’s Books", "Food, Drink and More", "Sci-Fi & Fantasy"]
_PEOPLE = ["Ada Brown", "Omar Diaz", "Keiko Abe", "Siobhán O'Hara", "J. R. Hartley", "You"]
_Attribute = Callable[[random.Random], int | str]


@dataclass(frozen=True)
class World:
    """One kind of shop: what its items are called, and what is known of them."""

    noun: Noun
    categories: Sequence[str]
    attributes: dict[str, _Attribute]


def _one_of(*values: str) -> _Attribute:
    return lambda rng: rng.choice(values)


def _between(low: int, high: int) -> _Attribute:
    return lambda rng: rng.randint(low, high)


_WORLDS = [
    World(
        Noun(one="film", many="films"),
        _KNOWN,
        {"director": _one_of(*_PEOPLE), "runtime": _between(60, 240)},
    ),
    World(
        Noun(one="book", many="books"),
        ["Poetry", "Travel", "Science Fiction", "Children's", *_KNOWN[:12], "Children’s Books"],
        {"author": _one_of(*_PEOPLE), "pages": _between(20, 1200), "language": _one_of("Welsh")},
    ),
    World(
        Noun(one="song", many="songs"),
        ["Blues", "Country", "Folk", "Hip-Hop", "Indie", "Jazz", "Pop", "Rock", "Soul", "R&B"],
        {"artist": _one_of(*_PEOPLE), "key": _one_of("A minor", "C", "F♯")},
    ),
    World(
        Noun(one="restaurant", many="restaurants"),
        [
            "Thai",
            "Vegan",
            "Family",
            "Italian",
            "Indie",
            "Restaurant",
            "Cafés & Bars",
            "Middle-Eastern",
        ],
        {"city": _one_of("Leeds", "Ürümqi", "St. John’s"), "price range": _one_of("$", "$$")},
    ),
    World(
        Noun(one="product", many="products"),
        ["Kitchen & Dining", "Sports", "Puzzle", "Food, Drink and More", "Outdoor", "USB-C"],
        {"brand": _one_of("Acme", "It", "Ünder"), "weight": _between(-1, 10**12)},
    ),
    World(Noun(one="escape room", many="escape rooms"), _UNKNOWN, {"size": _between(1, 9)}),
    World(Noun(), [*_KNOWN, *_UNKNOWN], {"colour": _one_of("Red", "It"), "size": _between(0, 3)}),
]


def _title(rng: random.Random) -> str:
    head, other, name = rng.choice(_HEADS), rng.choice(_HEADS), rng.choice(_NAMES)
    plain = rng.choice(
        [
            f"The {rng.choice(_ADJECTIVES)} {head}",
            f"{name}'s {head}",
            f"{head} of {name}",
            f"The {head}, the {other} and {name}",
            f"{head}: The {other}",
            head,
        ]
    )
    numbered = rng.choice(
        [
            f"{plain} {rng.randint(2, 9)}",
            f"{plain} {rng.choice(['II', 'III', 'IV'])}",
            f"{plain}: Part {rng.choice(['2', 'II'])}",
            f"{head}: Episode {rng.choice(['IV', 'V'])} - {name}'s {other}",
            f"{head} {rng.randint(11, 2040)}",
            f"{plain} ({rng.randint(1900, 2020)})",
        ]
    )
    return rng.choice([plain, plain, numbered, rng.choice(_PLAIN), rng.choice(_ODD)])


def _year(rng: random.Random) -> int | None:
    common = rng.choice([rng.randint(1920, 2025), rng.randint(1985, 2005)])
    return rng.choice([None, *[common] * 5, rng.choice([7, 85, 845, 1066, 1811, 1898, 2999])])


def _some(rng: random.Random, values: Sequence[str], most: int = 3) -> tuple[str, ...]:
    return tuple(rng.sample(values, min(len(values), rng.randint(0, most))))


def _made_up(rng: random.Random, world: World, pool: Sequence[str]) -> Item:
    names = _some(rng, list(world.attributes), 2)
    return Item(
        id=f"{rng.getrandbits(64):x}",
        title=_title(rng),
        categories=_some(rng, pool),
        year=_year(rng),
        attributes={name: world.attributes[name](rng) for name in names},
    )


def _relative(rng: random.Random, item: Item) -> Item:
    """Return a remake, a sequel, a title in a longer title, or a title cut short."""
    later = item.year + rng.randint(1, 9) if item.year and item.year < 2900 else None
    words = item.title.split()
    title, year = rng.choice(
        [
            (item.title, later),
            (item.title, None),
            (f"{item.title} {rng.choice(['2', 'II', '3', 'Part II'])}", later),
            (f"{item.title}: {rng.choice(_HEADS)}", item.year),
            (f"The {rng.choice(_ADJECTIVES)} {item.title}", later),
            (" ".join(words[: max(1, len(words) - 1)]), later),
        ]
    )
    categories = rng.choice([item.categories, item.categories[:1], item.categories[1:]])
    return Item(
        id=f"{item.id[:60]}-{rng.getrandbits(32):x}",
        title=title,
        categories=categories,
        year=year,
        attributes=rng.choice([item.attributes, {}]),
    )


# ---------------------------------------------------------------------- Facts


def random_facts(rng: random.Random, *, catalogue: Sequence[Item]) -> Facts:
    """Return Facts about items of the catalogue, or of a made-up world."""
    made_up = rng.random() < 0.5
    world = rng.choice(_WORLDS) if made_up else _WORLDS[0]
    pool = rng.sample(world.categories, min(len(world.categories), rng.randint(2, 8)))

    def new() -> Item:
        return _made_up(rng, world, pool) if made_up else rng.choice(catalogue)

    item = new()
    others = {}
    for _ in range(rng.randint(0, 3)):
        candidates = [new() for _ in range(rng.choice([1, 1, 8]))]
        other = max(candidates, key=lambda c: len({*c.categories} & {*item.categories}))
        if rng.random() < 0.1:
            other = _relative(rng, item)
        if other.id != item.id:
            others[other.id] = other
    mood: Sequence[Liking] = rng.choice([["loved"], ["liked"], ["loved", "liked"]])
    evidence = [Evidence(**o.model_dump(), liking=rng.choice(mood)) for o in others.values()]
    kinds: list[EvidenceKind] = ["contribution", "contribution", "similar", "recent"]
    return Facts(
        noun=world.noun,
        item=item,
        evidence=tuple(evidence),
        evidence_kind=rng.choice(kinds) if evidence else "none",
        popularity=rng.choice([None, None, *get_args(Popularity)]),
    )


# ---------------------------------------------------------------------- people

NAMES = [
    "Tom Hanks", "Gary Sinise", "Agnès Varda", "Keiko Abe", "J. R. Hartley", "Siobhán O'Hara",
    "Jean-Luc Godard", "Ada Brown", "Omar Diaz", "Zadie Smith", "Sally Field", "Wim Wenders",
]  # fmt: skip
ODD_NAMES = [
    "Will Smith", "May", "You", "Both", "Love", "So", "Prince", "The The", "Her", "Drama",
    "50 Cent",
    "U2", "blink-182", "!!!", "William Broyles, Jr.", "Simon and Garfunkel", "Earth, Wind & Fire",
    "Crosby, Stills, Nash & Young", 'Dwayne "The Rock" Johnson', "It is directed by You", "刘慈欣",
    "May Also", "It", "Film", "Which You Loved", "Cast", "T", "Heat", "1984", "A. (B.)", "Ren",
]  # fmt: skip
"""Names that are words of the grammar, titles, categories, numbers, lists or sentences."""
_COUNTRIES = ["France", "United States", "Japan", "New Zealand", "Italy"]
_PRIZES = ["2 Oscars", "3 Oscars", "Saturn Award", "Palme d'Or", "1 BAFTA"]
PEOPLE: dict[str, dict[str, tuple[Sequence[str], int]]] = {
    "film": {
        "director": ([], 2), "writers": ([], 3), "cast": ([], 4), "composer": ([], 1),
        "country": (_COUNTRIES, 1), "awards": (_PRIZES, 2), "series": ([], 1),
    },
    "book": {
        "author": ([], 3), "narrator": ([], 1), "illustrators": ([], 2), "publisher": ([], 1),
        "language": (["French", "Welsh", "Korean"], 1), "awards": (_PRIZES, 2),
    },
    "song": {
        "artist": ([], 2), "composers": ([], 2), "producer": ([], 2), "album": ([], 1),
        "language": (["French", "Welsh", "Korean"], 1),
    },
    "video game": {
        "developer": ([], 1), "publisher": ([], 2), "designers": ([], 2), "series": ([], 1),
        "platforms": (["PC", "Xbox 360", "Switch"], 3),
    },
}  # fmt: skip
"""In each world the attributes, the values that each may have (else names), and how many."""


def facts_of_people(rng: random.Random, names: Sequence[str] = NAMES) -> Facts:
    """Return Facts of a world with people in roles, some of them shared with the evidence."""
    world = rng.choice(list(PEOPLE))
    some = rng.sample(names, min(len(names), 9))
    titles = rng.sample([*_HEADS, *_PLAIN, *names], 4)

    def known() -> dict[str, Values]:
        found: dict[str, Values] = {}
        for key, (values, most) in PEOPLE[world].items():
            if rng.random() < 0.8:
                pool = values or some
                found[key] = tuple(rng.sample(pool, min(len(pool), rng.randint(1, most))))
        return found

    item, *others = [
        Item(id=str(n), title=title, categories=_some(rng, _KNOWN), attributes=known())
        for n, title in enumerate(titles[: rng.randint(2, 4)])
    ]
    for n, other in enumerate(others):
        shared = {k: v for k, v in item.attributes.items() if rng.random() < 0.4}
        others[n] = Item(**{**dict(other), "attributes": {**other.attributes, **shared}})
    evidence = [Evidence.of(other, rng.choice(get_args(Liking))) for other in others]
    return Facts(
        noun=Noun(one=world, many=f"{world}s"),
        item=item,
        evidence=tuple(evidence),
        evidence_kind="contribution",
    )


_TROUBLE = [
    *"aZ9 .,;:!?-–…'‘’`´()[]{}<>/\\|&%$#@*_~^=+\0\n\t\u00a0\u200b\u200d\u0301\u202e\u2028“”\"«»",
    *["</s>", "<b>", "’ ‘", "’.", " and ", " is ", " not ", "You loved", "It is", "1994", "it"],
]
_any_text = st.lists(st.sampled_from(_TROUBLE) | st.characters(), min_size=1, max_size=30).map(
    "".join
)
anything = _any_text | st.text(max_size=300)
_words = _any_text.filter(clean_text) | st.sampled_from([*_KNOWN, *_UNKNOWN])
_titles = _any_text.filter(clean_title) | st.sampled_from([*_PLAIN, *_ODD])
_names = st.from_regex(r"[a-z][a-z ]{0,30}[a-z]", fullmatch=True)
_noun_words = st.from_regex(r"[A-Za-z][A-Za-z0-9 -]{0,30}[A-Za-z0-9]", fullmatch=True)
_fields = st.fixed_dictionaries(
    {
        "title": _titles,
        "categories": st.lists(_words, max_size=4),
        "year": st.none() | st.integers(1, 2999),
        "attributes": st.dictionaries(_names, _words | st.integers(-(10**12), 10**12), max_size=3),
    }
)


@st.composite
def hostile_facts(draw: st.DrawFn) -> Facts:
    """Return a strategy for Facts with any text that the model lets in."""
    items = draw(st.lists(_fields, min_size=1, max_size=4))
    for number, fields in enumerate(items[1:], 1):
        for shared in draw(st.sets(st.sampled_from(sorted(fields)))):
            items[number][shared] = items[0][shared]
    evidence = [
        {"id": str(number), "liking": draw(st.sampled_from(get_args(Liking))), **fields}
        for number, fields in enumerate(items[1:], 1)
    ]
    kinds = ["contribution", "similar", "recent"] if evidence else ["none"]
    try:
        return Facts.model_validate(
            {
                "noun": {"one": draw(_noun_words), "many": draw(_noun_words)},
                "item": {"id": "0", **items[0]},
                "evidence": evidence,
                "evidence_kind": draw(st.sampled_from(kinds)),
                "popularity": draw(st.sampled_from([None, *get_args(Popularity)])),
            }
        )
    except ValidationError:  # a text of which cleaning leaves nothing
        reject()
