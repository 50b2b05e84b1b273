"""The ranking service over HTTP: the routes of `prism ranker`, and what goes over the wire.

For the gateway, not for the public: no keys, no rate limits.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Literal

from fastapi import FastAPI, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from catalog.evidence import Contribution, Recommendation
from catalog.facts import Facts
from catalog.types import Id, Interaction
from ranker import service as ranking
from ranker.service import InvalidValueError, RankError, UnknownItemError, UnknownUserError
from service import api, problems
from service.health import Readiness, add_health
from service.metrics import Metrics
from service.middleware import RequestMiddleware
from service.ranking.lookups import add_lookups
from service.ranking.protocol import LocalRanking

MOST_QUERIES = 256
"""Queries of one request."""


class RankQuery(BaseModel):
    """A known user, or whoever has this history."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id | None = None
    history: list[api.Touched] = []
    k: Annotated[int, Field(ge=1)] = 10
    exclude: list[Id] = []


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


class RankedRow(BaseModel):
    """One item with its Facts, and the contribution of each entry of its evidence."""

    score: float
    facts: Facts
    contributions: list[tuple[str, float, float | None]]


class RankAnswer(BaseModel):
    """The answer to one query: items, or what is wrong with it."""

    ranker: str = ""
    version: str = ""
    items: list[RankedRow] = []
    problem: RankProblem | None = None


class RankResponse(BaseModel):
    """The answers, in the order of the queries."""

    answers: list[RankAnswer]


class ActiveUsers(BaseModel):
    """The most active users first, and the version of the ranker that would rank for them."""

    version: str
    users: list[str]


def create_ranker_app(
    local: LocalRanking,
    metrics: Metrics,
    max_body: int,
    background: Callable[[], AbstractAsyncContextManager[None]],
) -> FastAPI:
    """Return the app of `prism ranker`; `background` runs around its whole life."""
    health = Readiness(background)
    app = FastAPI(title="Prism ranking service", lifespan=health.lifespan)
    app.add_middleware(RequestMiddleware, metrics=metrics, max_body=max_body)
    problems.install(app)
    add_health(app, metrics, health)

    @app.post("/rank", response_model=RankResponse)
    async def rank(body: RankRequest) -> Response:
        queries = [
            ranking.Query(
                query.user_id,
                query.k,
                frozenset(query.exclude),
                [Interaction(t.item_id, t.value, t.timestamp) for t in query.history],
            )
            for query in body.queries
        ]
        answers = [answer_of(answer) for answer in await local.rank_many(queries)]
        content = RankResponse(answers=answers).model_dump_json()
        return Response(content, media_type="application/json")

    @app.get("/active")
    async def active(limit: Annotated[int, Query(ge=1, le=10_000)] = 100) -> ActiveUsers:
        service = local.service
        users = await asyncio.to_thread(service.most_active, limit)
        return ActiveUsers(version=service.ranker.version, users=users)

    add_lookups(app, local)
    return app


def answer_of(answer: ranking.Recommendations | RankError) -> RankAnswer:
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
    )


def recommendations_of(answer: RankAnswer) -> ranking.Recommendations:
    """Return an answer as it was."""
    items = [
        Recommendation(row.score, row.facts, tuple(Contribution(*c) for c in row.contributions))
        for row in answer.items
    ]
    return ranking.Recommendations(answer.ranker, answer.version, items)
