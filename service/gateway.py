"""The gateway: the HTTP routes, and nothing that ranks or writes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from time import monotonic
from typing import Annotated, Literal, TypeVar

from fastapi import FastAPI, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from catalog.evidence import Contribution
from catalog.facts import Facts
from catalog.types import Id, Interaction, Item
from ranker.service import (
    InvalidValueError,
    RankingService,
    Recommendations,
    UnknownItemError,
    UnknownUserError,
)
from service import api, problems
from service.explain import Explained, Explainer
from service.metrics import Metrics
from service.middleware import RequestMiddleware
from service.problems import FieldError, Problem, ProblemError
from service.settings import Settings

T = TypeVar("T")
K = Annotated[int, Query(ge=1, description="Number of items.")]
Deadline = Annotated[int, Query(ge=1, description="Milliseconds in which an answer is wanted.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Most entries to return.")]
Search = Annotated[str, Query(max_length=200, description="Text to look for.")]
_PROBLEMS: dict[int | str, dict[str, object]] = {
    404: {"model": Problem, "description": "No such user or item."},
    413: {"model": Problem, "description": "The body is too large."},
    422: {"model": Problem, "description": "A field is wrong; `errors` says which."},
}
_DEGRADED = {"deadline", "shed", "unavailable"}


def create_app(
    settings: Settings,
    ranking: RankingService,
    explainer: Explainer,
    metrics: Metrics,
    background: Callable[[], AbstractAsyncContextManager[None]],
) -> FastAPI:
    """Return the gateway's app; `background` runs around its whole life."""
    ready = False

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        nonlocal ready
        async with background():
            ready = True
            yield
            ready = False

    app = FastAPI(
        title="Prism",
        description="Recommends items and says why, in sentences that are checked to be true.",
        lifespan=lifespan,
        responses=_PROBLEMS,
    )
    app.add_middleware(RequestMiddleware, metrics=metrics, max_body=settings.max_body)
    problems.install(app)
    routes = _Routes(settings, ranking, explainer, metrics)

    @app.get("/recommend", response_model=api.RecommendResponse, tags=["recommend"])
    async def recommend(
        user_id: Id,
        k: K = 10,
        explain: bool = True,
        exclude: Annotated[
            list[Id],
            Query(max_length=10_000, description="An item to leave out; repeat it for several."),
        ] = [],  # noqa: B006
        deadline_ms: Deadline = 2000,
    ) -> Response:
        """Recommend items to a known user, and explain each."""
        excluded = frozenset(exclude)
        return await routes.recommend(
            user_id, lambda: ranking.rank_user(user_id, k, excluded), k, deadline_ms, explain
        )

    @app.post("/recommend", response_model=api.RecommendResponse, tags=["recommend"])
    async def recommend_inline(body: api.RecommendRequest) -> Response:
        """Recommend items to somebody described by a history."""
        if len(body.history) > settings.max_history:
            limit = f"at most {settings.max_history:,} entries; there are {len(body.history):,}"
            raise _invalid("history", limit)
        history = [Interaction(t.item_id, t.value, t.timestamp) for t in body.history]
        excluded = frozenset(body.exclude)
        return await routes.recommend(
            None, lambda: ranking.rank_history(history, body.k, excluded),
            body.k, body.deadline_ms, body.explain,
        )  # fmt: skip

    @app.post("/explain", response_model=api.ExplainResponse, tags=["recommend"])
    async def explain_facts(body: api.ExplainRequest) -> Response:
        """Explain items that a ranker of your own has ranked."""
        if len(body.facts) > settings.max_k:
            raise _invalid(
                "facts", f"at most {settings.max_k} at once; there are {len(body.facts)}"
            )
        return await routes.explain(body.facts, body.deadline_ms)

    @app.get("/users/{user_id:path}/history", tags=["look up"])
    async def history(user_id: Id, limit: Limit = 100) -> api.HistoryResponse:
        """Return what a user touched, latest first."""
        entries = await routes.ask(lambda: ranking.history(user_id, limit))
        items = [
            api.HistoryItem(item=e.item, value=e.value, timestamp=e.timestamp, liking=e.liking)
            for e in entries
        ]
        return api.HistoryResponse(user_id=user_id, items=items)

    @app.get("/users", tags=["look up"])
    async def users(search: Search = "", limit: Limit = 20) -> api.UsersResponse:
        """Return users whose id contains the search text."""
        found = await routes.ask(lambda: ranking.users(search, limit))
        return api.UsersResponse(
            users=[api.UserInfo(user_id=user, interactions=count) for user, count in found]
        )

    @app.get("/items/{item_id:path}", tags=["look up"])
    async def item(item_id: Id) -> Item:
        """Return an item."""
        return await routes.ask(lambda: ranking.item(item_id))

    @app.get("/items", tags=["look up"])
    async def items(search: Search = "", limit: Limit = 20) -> api.ItemsResponse:
        """Return items whose title contains the search text."""
        return api.ItemsResponse(items=await routes.ask(lambda: ranking.items(search, limit)))

    @app.get("/healthz", tags=["operate"])
    async def healthz() -> api.Health:
        """Say that the process lives."""
        return api.Health(status="ok")

    @app.get("/readyz", tags=["operate"])
    async def readyz(response: Response) -> api.Health:
        """Say whether the process can serve."""
        if not ready:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return api.Health(status="ok" if ready else "starting")

    @app.get("/metrics", include_in_schema=False)
    async def exposition() -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")

    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/docs")

    return app


class _Routes:
    """What the routes share: asking the ranking service, explaining, answering."""

    def __init__(
        self, settings: Settings, ranking: RankingService, explainer: Explainer, metrics: Metrics
    ) -> None:
        self._settings, self._ranking = settings, ranking
        self._explainer, self._metrics = explainer, metrics

    async def ask(self, question: Callable[[], T]) -> T:
        """Ask the ranking service, off the event loop, turning what is unknown into 404."""
        try:
            return await asyncio.to_thread(question)
        except InvalidValueError as error:
            raise _invalid(f"history.{error.index}.value", str(error)) from None
        except UnknownUserError as error:
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                f"no user {str(error)!r}; /users?search= finds known ones",
                type_="urn:prism:unknown-user",
            ) from None
        except UnknownItemError as error:
            shown = ", ".join(repr(item) for item in error.ids[:10])
            more = f" and {len(error.ids) - 10} more" if len(error.ids) > 10 else ""
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                f"no item {shown}{more}; /items?search= finds known ones",
                type_="urn:prism:unknown-item",
            ) from None

    async def recommend(
        self,
        user_id: str | None,
        rank: Callable[[], Recommendations],
        k: int,
        deadline_ms: int,
        explain: bool,
    ) -> Response:
        """Rank, explain and answer."""
        timing = _Timing(self._metrics)
        if k > self._settings.max_k:
            raise _invalid("k", f"at most {self._settings.max_k}")
        deadline = self._deadline(deadline_ms)
        ranked = await self.ask(rank)
        timing.lap("rank")
        facts = [r.facts for r in ranked.items]
        explained: Sequence[Explained | None] = [None] * len(facts)
        if explain:
            explained = await self._explainer.explain(facts, deadline)
            timing.lap("explain")
        items = [
            api.RecommendedItem(
                rank=rank,
                item_id=r.facts.item.id,
                title=r.facts.item.title,
                score=r.score,
                explanation=None if one is None else _explanation(one, r.facts, r.contributions),
            )
            for rank, (r, one) in enumerate(zip(ranked.items, explained, strict=True), start=1)
        ]
        return timing.answer(
            api.RecommendResponse(
                user_id=user_id,
                ranker=api.RankerInfo(name=ranked.ranker, version=ranked.version),
                model=self._explainer.model,
                degraded=_degraded(explained),
                items=items,
            )
        )

    async def explain(self, facts: Sequence[Facts], deadline_ms: int) -> Response:
        """Explain and answer."""
        timing = _Timing(self._metrics)
        explained = await self._explainer.explain(facts, self._deadline(deadline_ms))
        timing.lap("explain")
        return timing.answer(
            api.ExplainResponse(
                model=self._explainer.model,
                degraded=_degraded(explained),
                explanations=[
                    _explanation(one, f, ()) for one, f in zip(explained, facts, strict=True)
                ],
            )
        )

    def _deadline(self, deadline_ms: int) -> float:
        if deadline_ms > self._settings.max_deadline_ms:
            raise _invalid("deadline_ms", f"at most {self._settings.max_deadline_ms}")
        return monotonic() + deadline_ms / 1000


class _Timing:
    """Stages of one request, for the metrics and the Server-Timing header."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._started = self._last = monotonic()
        self._stages: list[str] = []

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = monotonic()
        if stage == "rank":  # the explainer observes its own stages
            self._metrics.stage(stage, now - self._last)
        self._add(stage, now - self._last)
        self._last = now

    def answer(self, body: BaseModel) -> Response:
        """Return the body as JSON, with the stages in a header."""
        content = body.model_dump_json().encode()
        now = monotonic()
        self._metrics.stage("encode", now - self._last)
        self._add("encode", now - self._last)
        self._add("total", now - self._started)
        headers = {"Server-Timing": ", ".join(self._stages)}
        return Response(content, media_type="application/json", headers=headers)

    def _add(self, stage: str, seconds: float) -> None:
        self._stages.append(f"{stage};dur={seconds * 1000:.2f}")


def _explanation(
    one: Explained, facts: Facts, contributions: Sequence[Contribution]
) -> api.Explanation:
    shares = {c.item_id: c for c in contributions}
    evidence = [
        api.EvidenceInfo(
            item_id=entry.id,
            title=entry.title,
            value=known.value if (known := shares.get(entry.id)) else None,
            contribution=known.share if known else None,
        )
        for entry in facts.evidence
    ]
    return api.Explanation(
        id=one.id,
        text=one.written.text,
        source=one.written.source,
        cached=one.cached,
        reason=one.written.reason,
        claims=list(one.written.claims),
        evidence=evidence,
    )


def _degraded(explained: Sequence[Explained | None]) -> list[Literal["worker"]]:
    reasons = {one.written.reason for one in explained if one is not None}
    return ["worker"] if reasons & _DEGRADED else []


def _invalid(field: str, message: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{field}: {message}",
        type_="urn:prism:invalid-request",
        errors=[FieldError(field=field, message=message)],
    )
