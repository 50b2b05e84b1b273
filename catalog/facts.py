"""Facts v2: all that an explanation may speak of, and nothing else.

Version 1 had one value for each attribute, and had none of the fields that version 2 added. It is
still read: Facts with equal content are equal, whichever version they name.

Facts hold no user id, no score and no float, so that equal situations have equal Facts and one
cached text serves them all.
"""

import hashlib
import re
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict

from catalog.text import SHORT_DESCRIPTION_LIMIT, clean_description
from catalog.types import WHOLE, Described, Item, Liking

MAX_EVIDENCE = 3

Verb = Literal["chose", "bought", "listened to", "played", "read", "visited", "watched"]
"""What users do with items, where no more is known of it: you played “Portal”."""
EvidenceKind = Literal["contribution", "similar", "recent", "none"]
Popularity = Literal["favourite", "well_liked"]
_SPEAKERS = "(^|[ -])([Ii]|[Ii][Tt]|[Ww][Ee]|[Yy][Oo][Uu])([ -]|$)"


def _check_noun(value: str) -> str:
    """Return a noun on one line; refuse one that would be a sentence: "a 1995 we suggest"."""
    if re.search(_SPEAKERS, value):
        raise ValueError("is what an item is called, such as film: without I, it, we and you")
    return " ".join(value.split())


_NounWord = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9 -]{0,30}[A-Za-z0-9]$"),
    AfterValidator(_check_noun),
    Field(json_schema_extra={"not": {"pattern": _SPEAKERS}}),
]


class Noun(Described):
    """What the items are called in a sentence: a film, two films; a TV show, an mp3."""

    one: _NounWord = "item"
    many: _NounWord = "items"


def _short(description: str) -> str:
    return clean_description(description, SHORT_DESCRIPTION_LIMIT)


class Evidence(Item):
    """An entry of the user's own history that an explanation may name."""

    liking: Liking

    @field_validator("description")
    @classmethod
    def _shorten(cls, description: str | None) -> str | None:
        return description and _short(description)

    def is_liked(self, *, strongly: bool = False) -> bool:
        """Say whether it may be told as liked, or as loved; what was only used is neither."""
        return self.liking == "loved" or (self.liking == "liked" and not strongly)

    @classmethod
    def of(cls, item: Item, liking: Liking) -> "Evidence":
        """Return an item that was validated before as evidence, without validating it again."""
        told = {**dict(item), "liking": liking}
        if item.description:
            told["description"] = _short(item.description)
        return cls.model_construct(**told)


_NONE_WITHOUT_EVIDENCE: JsonDict = {
    "if": {"properties": {"evidence_kind": {"const": "none"}}},
    "then": {"properties": {"evidence": {"maxItems": 0}}},
    "else": {"properties": {"evidence": {"minItems": 1}}, "required": ["evidence"]},
}
"""What a JSON schema can say of the rules that `Facts` checks: all but that ids differ."""


class Facts(BaseModel):
    """One (user, item) pair, reduced to what may be said of it.

    `evidence_kind` decides the wording. `contribution`: these entries carried the item up the
    ranking (Hu, Koren & Volinsky 2008, section 5). `similar`: the ranker is a black box and these
    likings share most categories with the item. `recent`: the user's latest likings, with no
    claim that they matter. Only the first two may say "because".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_NONE_WITHOUT_EVIDENCE)

    version: Annotated[int, Field(strict=True, ge=1, le=2), WHOLE] = 2
    noun: Noun = Noun()
    item: Item
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=MAX_EVIDENCE)
    evidence_kind: EvidenceKind = "none"
    verb: Verb = Field(default="chose", description="What is said of evidence that was `used`.")
    popularity: Popularity | None = Field(
        default=None,
        description="favourite: among the 1% of items that most users like; well_liked: the 10%.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.evidence_kind == "none") != (not self.evidence):
            raise ValueError("evidence_kind is 'none' exactly when there is no evidence")
        ids = [entry.id for entry in self.evidence]
        if len({*ids, self.item.id}) != len(ids) + 1:
            raise ValueError("the item and its evidence must be different items")
        return self

    def canonical(self) -> bytes:
        """Return the one byte string of these Facts, for hashing: equal Facts, equal bytes.

        The version and every default are left out, so that a field that is added changes no key of
        the Facts that do not have it: {"item":{"id":"1","title":"Heat"}}.
        """
        told = [f'"item":{self.item.canonical}']
        if self.noun.canonical != "{}":
            told.insert(0, f'"noun":{self.noun.canonical}')
        if self.evidence:
            told.append(f'"evidence":[{",".join(one.canonical for one in self.evidence)}]')
            told.append(f'"evidence_kind":"{self.evidence_kind}"')
        if self.verb != "chose":
            told.append(f'"verb":"{self.verb}"')
        if self.popularity is not None:
            told.append(f'"popularity":"{self.popularity}"')
        return f"{{{','.join(told)}}}".encode()

    def said_of(self, entry: Evidence) -> str:
        """Return what is said of an entry of the evidence: loved, liked, or the verb."""
        return self.verb if entry.liking == "used" else entry.liking

    def digest(self) -> bytes:
        """Return the 32-byte SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).digest()
