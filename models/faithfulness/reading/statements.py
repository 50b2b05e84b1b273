"""What a sentence states, as data: statements, and the things that they are about.

A statement refers to tokens, not to titles, so that one reading serves every sentence of its
skeleton.
"""

from dataclasses import dataclass

from models.faithfulness.claims import ClaimType


@dataclass(frozen=True, slots=True)
class Things:
    """What a statement is about: titles, or a word that stands for some.

    `titles` are tokens of the sentence. `word` is "it", "item", "all" (all that is named),
    "evidence" (what is named of it), "others" (what else is named), "latter" and "former" (of the
    titles, or of the two before it), or "these": the titles if they are `count`, else those before
    them.
    """

    titles: tuple[int, ...] = ()
    word: str = ""
    count: int = 0
    place: int = 0  # of the word

    def __bool__(self) -> bool:
        return bool(self.titles or self.word)

    def __add__(self, other: "Things") -> "Things":
        return Things(
            self.titles + other.titles,
            self.word or other.word,
            self.count or other.count,
            self.place or other.place,
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a sentence says.

    Attributes
    ----------
    type : what kind of claim it makes; "role" for what is offered
    about : the things that it is said of
    first, last : the tokens that say it
    how : which of its kind: a strength, a preposition, a unit
    values : the tokens that hold what is said
    beside : the things it is compared with
    """

    type: ClaimType
    about: Things
    first: int
    last: int
    how: str = ""
    values: tuple[int, ...] = ()
    beside: Things | None = None


Reading = tuple[Statement, ...]
"""All that a sentence states, in one way to read it."""
