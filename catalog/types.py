"""The types everybody shares: items, histories, rankings.

`Item` and `Interaction` cross process boundaries and are validated there; the rest are plain
records on the hot path.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    StringConstraints,
    Tag,
)

from catalog.text import clean_description, clean_title, clean_word

ID_LIMIT = 128
VALUE_LIMIT = 1e9
"""Largest strength of an interaction, either way: beyond it the ranker's sums lose their digits."""
ATTRIBUTE_LIMIT = 10**12
"""Largest number an attribute may hold."""
MAX_VALUES = 16
"""Most values that one attribute may have."""
TIMESTAMP_LIMIT = 5 * 10**18
"""An int64 holds it, and so does a float, as which OpenAPI documents name bounds."""


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Lets a strict integer be 10.0 as well, which JSON does not tell from 10."""


# The characters of an id, but for a plain space inside: no control characters, no other spaces,
# nothing without a width or that turns the direction of writing. Every kind of regular expression
# that a JSON schema may meet reads it alike, which it would not `\p{C}`.
_PRINTED = (
    r"[^\x00-\x20\x7f-\xa0\xad\u061c\u1680\u180e"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]"
)
_PRINTED_OR_SPACE = re.compile(f"(?:{_PRINTED}| )*")


def _check_id(value: str) -> str:
    # What is printable to Python is so to the pattern, too, and told five times faster.
    if not (value.isprintable() or _PRINTED_OR_SPACE.fullmatch(value)):
        raise ValueError("an id may not contain control characters")
    if value[0] == " " or value[-1] == " ":
        raise ValueError("an id may not begin or end with a space")
    return value


Id = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=ID_LIMIT),
    AfterValidator(_check_id),
    Field(json_schema_extra={"pattern": f"^{_PRINTED}+( +{_PRINTED}+)*$"}),
]


def _is_seen(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] in "LNPS"


def _from_first_seen(value: str) -> str:
    """Leave away what comes before the first character that can be seen: a mark without a letter.

    So what is left of a text that has one can be seen, however much of it is cut.
    """
    if not value or value[0].isalnum():
        return value
    return next((value[place:] for place, char in enumerate(value) if _is_seen(char)), value)


def _check_seen(value: str) -> str:
    if not _is_seen(value[0]):
        raise ValueError("has nothing that can be seen")
    return value


def _cleaned(clean: Callable[[str], str]) -> BeforeValidator:
    return BeforeValidator(
        lambda value: clean(_from_first_seen(value)) if isinstance(value, str) else value
    )


_Seen = Annotated[
    str,
    StringConstraints(strict=True, min_length=1),
    AfterValidator(_check_seen),
    Field(json_schema_extra={"pattern": r"[\p{L}\p{N}\p{P}\p{S}]"}),
]
Title = Annotated[_Seen, _cleaned(clean_title)]
Word = Annotated[_Seen, _cleaned(clean_word)]
Description = Annotated[_Seen, _cleaned(clean_description)]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z ]{0,30}[a-z]$")]
_Number = Annotated[
    int, Field(strict=True, ge=-ATTRIBUTE_LIMIT, le=ATTRIBUTE_LIMIT), WHOLE, Tag("number")
]


def _kind(value: object) -> str:
    """Return which kind of value it is meant to be, so that an error is about no other."""
    return "number" if isinstance(value, (int, float)) else "text"


def _kind_of_all(values: object) -> str:
    return "several" if isinstance(values, (list, tuple)) else _kind(values)


_Text = Annotated[Word, Tag("text")]
_Value = Annotated[_Number | _Text, Discriminator(_kind)]
_Several = Annotated[
    tuple[_Value, ...], Field(max_length=MAX_VALUES, json_schema_extra={"minItems": 1})
]
Year = Annotated[int, Field(strict=True, ge=1, le=2999), WHOLE]
Liking = Literal["loved", "liked", "used"]
"""How an entry of a history may be told; `used` says only that it was: played, bought, read."""


V = TypeVar("V", bound=int | str)


def _distinct(values: tuple[V, ...]) -> tuple[V, ...]:
    first: dict[str, V] = {}
    for value in values:
        first.setdefault(str(value).casefold(), value)
    return tuple(first.values())


def _each_once(values: "Values") -> "Values":
    """Return several values without repetition, and a single one as itself: equal Facts."""
    if not isinstance(values, tuple):
        return values
    if not values:
        raise ValueError("has no value: leave the attribute out")
    distinct = _distinct(values)
    return distinct if len(distinct) > 1 else distinct[0]


Values = int | str | tuple[int | str, ...]
AttributeValues = Annotated[
    _Number | _Text | Annotated[_Several, Tag("several")],
    Discriminator(_kind_of_all),
    AfterValidator(_each_once),
]
"""One value, or several, the most telling first: of three writers, in the order to name them."""


def _sorted_by_name(attributes: dict[str, Values]) -> dict[str, Values]:
    return dict(sorted(attributes.items()))


_WRITTEN = "_canonical"
"""Where a part keeps its JSON: no field, so that `dict(part)` and comparisons leave it alone."""


class Described(BaseModel):
    """A part of Facts, which is written once, as it is part of many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def canonical(self) -> str:
        """The JSON of what is no default: equal parts, equal texts."""
        known: str | None = self.__dict__.get(_WRITTEN)
        if known is None:
            known = self.__dict__[_WRITTEN] = self.model_dump_json(exclude_defaults=True)
        return known

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, to be written anew; see `BaseModel`."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop(_WRITTEN, None)
        return copied


class Item(Described):
    """One thing that can be recommended, with all that a sentence may say of it."""

    id: Id
    title: Title
    categories: Annotated[tuple[Word, ...], Field(max_length=16), AfterValidator(_distinct)] = ()
    year: Year | None = None
    attributes: Annotated[
        # Written as they are: else each value's kind is asked for again, by a call of Python.
        SerializeAsAny[dict[AttributeName, AttributeValues]],
        Field(max_length=8, json_schema_extra={"additionalProperties": False}),
        AfterValidator(_sorted_by_name),
    ] = Field(default_factory=dict)
    description: Description | None = Field(
        default=None,
        description="Free text about it, cut after 600 characters (200 of evidence). Only a Prism "
        "of an open language speaks of it.",
    )

    def values(self, name: str) -> tuple[int | str, ...]:
        """Return the values of an attribute, one or several; none where the item lacks it."""
        found = self.attributes.get(name, ())
        return found if isinstance(found, tuple) else (found,)

    def pairs(self) -> list[tuple[str, int | str]]:
        """Return each value of each attribute, with the attribute's name."""
        return [(name, value) for name in self.attributes for value in self.values(name)]


@dataclass(frozen=True, slots=True)
class Interaction:
    """What a user touched, how strongly, when; without a value, a plain liking.

    Models that have it as a field validate it; made here, it is a plain record.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    item_id: Id
    value: Annotated[
        Annotated[float, Field(strict=True, ge=-VALUE_LIMIT, le=VALUE_LIMIT, allow_inf_nan=False)]
        | None,
        Field(description="How strongly, on the Dataset's scale; left out: a plain liking."),
    ] = None
    timestamp: Annotated[
        int,
        Field(strict=True, ge=-TIMESTAMP_LIMIT, le=TIMESTAMP_LIMIT),
        WHOLE,
        Field(description="Unix seconds; with equal ones the order of the list counts."),
    ] = 0


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
