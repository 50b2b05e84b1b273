"""What goes over the wire between gateway and ranking service, and how it becomes our types.

Most of an answer is items, and the same items come again and again: a film that many people like is
evidence on many pages. So an item travels as a text, and a gateway validates each text once:

    before   {"score": 0.7, "facts": {"item": {"id": "318", …}, …}}     an object
    after    {"score": 0.7, "facts": {"item": '{"id": "318", …}', …}}   a text that holds it
"""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from catalog.facts import Evidence, Facts, Noun
from catalog.types import WHOLE, Id, Interaction, Item, Liking
from ranker.evidence import Contribution, Recommendation
from ranker.service import (
    Attitude,
    InvalidValueError,
    Order,
    RankError,
    RankingQuery,
    Recommendations,
    UnknownItemError,
    UnknownUserError,
)

MOST_QUERIES = 256
"""Queries of one request."""
_KNOWN = 16_384
"""Texts of items and of evidence that a gateway remembers: of the demo's size, about 42 MB."""


class RankQuery(BaseModel):
    """A known user, or whoever has this history."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id | None = None
    history: list[Interaction] = []
    removed: list[Annotated[int, Field(strict=True, ge=0)]] = []
    k: Annotated[int, Field(strict=True, ge=1), WHOLE] = 10
    exclude: list[Id] = []
    candidates: list[Id] = []
    order: Order = "theirs"

    def query(self) -> RankingQuery:
        """Return it as it was."""
        return RankingQuery(
            self.user_id,
            self.k,
            frozenset(self.exclude),
            self.history,
            frozenset(self.removed),
            self.candidates,
            self.order,
        )

    @classmethod
    def of(cls, query: RankingQuery) -> "RankQuery":
        """Return a query, which is right, as it goes over the wire."""
        return cls.model_construct(
            user_id=query.user_id,
            k=query.k,
            exclude=sorted(query.excluded),
            history=list(query.history),
            removed=sorted(query.removed),
            candidates=list(query.candidates),
            order=query.order,
        )


class RankRequest(BaseModel):
    """Several queries, answered as one batch."""

    model_config = ConfigDict(extra="forbid")

    queries: list[RankQuery] = Field(min_length=1, max_length=MOST_QUERIES)


class RankProblem(BaseModel):
    """What is wrong with a query."""

    kind: Literal["unknown-user", "unknown-item", "invalid-value"]
    ids: list[str] = []
    index: int = 0

    @classmethod
    def of(cls, error: RankError) -> "RankProblem":
        """Return an error as it goes over the wire."""
        if isinstance(error, UnknownItemError):
            return cls(kind="unknown-item", ids=error.ids)
        if isinstance(error, InvalidValueError):
            return cls(kind="invalid-value", index=error.index)
        return cls(kind="unknown-user", ids=[str(error)])

    def error(self) -> RankError:
        """Return it as the error it was."""
        if self.kind == "unknown-item":
            return UnknownItemError(self.ids)
        if self.kind == "invalid-value":
            return InvalidValueError(self.index)
        return UnknownUserError(*self.ids)


_Number = Annotated[float, Field(allow_inf_nan=False)]


@lru_cache(_KNOWN)
def _validated(model: type[Item], told: str) -> Item:
    return model.model_validate_json(told)


def _opened(facts: object) -> object:
    """Return Facts as they came, with items in place of the texts of items."""
    if not isinstance(facts, dict):
        return facts
    item, evidence = facts.get("item"), facts.get("evidence", ())
    opened = {**facts}
    if isinstance(item, str):
        opened["item"] = _validated(Item, item)
    if isinstance(evidence, list):
        opened["evidence"] = [
            _validated(Evidence, one) if isinstance(one, str) else one for one in evidence
        ]
    return opened


def _packed(facts: Facts) -> dict[str, Any]:
    """Return Facts with texts in place of the item and its evidence."""
    return {
        **facts.model_dump(exclude={"item", "evidence"}, exclude_defaults=True),
        "item": facts.item.canonical,
        "evidence": [one.canonical for one in facts.evidence],
    }


class RankedRow(BaseModel):
    """One item with its Facts, and the contribution of each entry of its evidence."""

    score: _Number
    facts: Annotated[Facts, BeforeValidator(_opened), PlainSerializer(_packed)]
    contributions: list[tuple[str, _Number, _Number | None]]


class RankAnswer(BaseModel):
    """The answer to one query: items, or what is wrong with it."""

    ranker: str = ""
    version: str = ""
    items: list[RankedRow] = []
    ignored: list[str] = []
    problem: RankProblem | None = None


class RankResponse(BaseModel):
    """The answers, in the order of the queries."""

    answers: list[RankAnswer]


class ActiveUsers(BaseModel):
    """The most active users first, and the version of the ranker that would rank for them."""

    version: str
    users: list[str]


class DatasetResponse(BaseModel):
    """What the items are called, and the usual value of an entry of each kind."""

    name: str
    noun: Noun
    usual: dict[Attitude, _Number] = Field(
        description="What to send as the value of an item that somebody loved, liked or disliked; "
        "a kind that no entry of the Dataset is of is left out."
    )


class HistoryItem(BaseModel):
    """One entry of a user's history; `liking` is null for a dislike."""

    item: Item
    value: float
    timestamp: int
    liking: Liking | None


class HistoryResponse(BaseModel):
    """A user's history, latest first."""

    user_id: str
    items: list[HistoryItem]


class UserInfo(BaseModel):
    """A known user."""

    user_id: str
    interactions: int


class UsersResponse(BaseModel):
    """Users whose id contains the search text."""

    users: list[UserInfo]


class ItemsResponse(BaseModel):
    """Items whose title contains the search text."""

    items: list[Item]


def answer_of(answer: Recommendations | RankError) -> RankAnswer:
    """Return an answer as it goes over the wire."""
    if isinstance(answer, Exception):
        return RankAnswer(problem=RankProblem.of(answer))
    return RankAnswer(
        ranker=answer.ranker,
        version=answer.version,
        items=[
            RankedRow(
                score=row.score,
                facts=row.facts,
                contributions=[(c.item_id, c.value, c.share) for c in row.contributions],
            )
            for row in answer.items
        ],
        ignored=list(answer.ignored),
    )


def recommendations_of(answer: RankAnswer) -> Recommendations:
    """Return an answer as it was."""
    items = [
        Recommendation(row.score, row.facts, tuple(Contribution(*c) for c in row.contributions))
        for row in answer.items
    ]
    return Recommendations(answer.ranker, answer.version, items, tuple(answer.ignored))
