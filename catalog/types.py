"""The types everybody shares: items, histories, rankings.

`Item` crosses process boundaries and is validated; the rest are plain records on the hot path.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from catalog.text import REMEMBERED, clean_title, clean_word

ID_LIMIT = 128
VALUE_LIMIT = 1e9
"""Largest strength of an interaction, either way: beyond it the ranker's sums lose their digits."""
ATTRIBUTE_LIMIT = 10**12
"""Largest number an attribute may hold."""


def _check_id(value: str) -> str:
    if not value.isprintable():
        raise ValueError("an id may not contain control characters")
    if value != value.strip():
        raise ValueError("an id may not begin or end with a space")
    return value


Id = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=ID_LIMIT),
    AfterValidator(_check_id),
]


@lru_cache(REMEMBERED)
def _check_visible(value: str) -> str:
    if not any(unicodedata.category(char)[0] in "LNPS" for char in value):
        raise ValueError("has nothing that can be seen")
    return value


_NonEmpty = Annotated[str, StringConstraints(strict=True, min_length=1)]
Title = Annotated[
    _NonEmpty,
    BeforeValidator(lambda value: clean_title(value) if isinstance(value, str) else value),
    AfterValidator(_check_visible),
]
Word = Annotated[
    _NonEmpty,
    BeforeValidator(lambda value: clean_word(value) if isinstance(value, str) else value),
    AfterValidator(_check_visible),
]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z ]{0,30}[a-z]$")]
AttributeValue = Annotated[int, Field(strict=True, ge=-ATTRIBUTE_LIMIT, le=ATTRIBUTE_LIMIT)] | Word
Year = Annotated[int, Field(ge=1, le=2999)]
Liking = Literal["loved", "liked"]


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for value in values:
        first.setdefault(value.casefold(), value)
    return tuple(first.values())


def _sorted_by_name(values: dict[str, int | str]) -> dict[str, int | str]:
    return dict(sorted(values.items()))


class Item(BaseModel):
    """One thing that can be recommended, with all that a sentence may say of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    title: Title
    categories: Annotated[tuple[Word, ...], Field(max_length=16), AfterValidator(_distinct)] = ()
    year: Year | None = None
    attributes: Annotated[
        dict[AttributeName, AttributeValue], Field(max_length=8), AfterValidator(_sorted_by_name)
    ] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interaction:
    """What a user touched, how strongly, when (Unix seconds); without a value, a plain liking."""

    item_id: str
    value: float | None = None
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """One user's interactions, oldest first, each item once.

    Attributes
    ----------
    item_ids : sequence of n ids
    values : float64 array of shape (n,)
        How strongly each was touched, on the Dataset's own scale.
    timestamps : int64 array of shape (n,), Unix seconds
    """

    item_ids: Sequence[str]
    values: NDArray[np.float64]
    timestamps: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.item_ids)


@dataclass(frozen=True, slots=True)
class RankedItem:
    """One row of a ranking.

    Attributes
    ----------
    item_id : str
    score : float
    contributions : float64 array of shape (n,), or None
        The share of each entry of the user's history in the score, in the order of the history;
        the shares add up to the score. None where the ranker cannot tell.
    """

    item_id: str
    score: float
    contributions: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranker's answer for one user: the best items first."""

    ranker: str
    version: str
    items: list[RankedItem] = field(default_factory=list)
