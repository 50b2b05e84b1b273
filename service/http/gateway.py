"""The gateway: the HTTP routes, and nothing that ranks or writes."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from time import monotonic
from typing import Annotated

from fastapi import FastAPI, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from catalog.facts import Facts
from catalog.types import WHOLE, Id, Interaction
from ranker.evidence import Contribution
from ranker.service import RankingQuery
from service import admission
from service.admission import Admission
from service.explain import Explained, Explainer
from service.http import api, errors
from service.http.document import document
from service.http.health import Readiness, add_health, nothing
from service.http.lookups import add_lookups
from service.http.middleware import RequestMiddleware
from service.http.route import FLAG, INTEGER, Route
from service.http.security import GuardMiddleware, HeadersMiddleware, open_keys
from service.metrics import Metrics
from service.ranker_client.fallback import Fallback
from service.ranker_client.protocol import RankerClient
from service.rate_limit import RateLimit
from service.settings import MOST_EXCLUDED, MOST_EXCLUDED_IN_URL, Settings

_LEAST_RANK_S, _RANK_SHARE = 0.25, 0.75
"""Time for the ranking even where the deadline is shorter, as without items there is no answer; and
its share of a longer one, so that there is time for what stands in."""
_DEGRADED = {"deadline", "shed", "unavailable"}


def create_app(
    settings: Settings,
    ranking: Fallback,
    lookups: RankerClient,
    explainer: Explainer,
    admitting: Admission,
    metrics: Metrics,
    background: Callable[[], AbstractAsyncContextManager[None]],
    refresh: Callable[[], Awaitable[None]] = nothing,
    limit: RateLimit | None = None,
    lacking: Callable[[], str] = str,
) -> FastAPI:
    """Return the gateway's app; `background` runs around its whole life. Raises KeysError."""
    size = Field(strict=True, ge=1, le=settings.max_k, description="Number of items.")
    milliseconds = Field(
        strict=True,
        ge=1,
        le=settings.max_deadline_ms,
        description="Milliseconds for the whole answer.",
    )
    leave_out = "Items to leave out; unknown ids are ignored."

    class RecommendRequest(BaseModel):
        """A user described by an inline history."""

        model_config = ConfigDict(extra="forbid")

        # No list is looked at beyond its bound, nor beyond its first wrong entry.
        history: list[Interaction] = Field(
            max_length=settings.max_history,
            fail_fast=True,
            description="What the user touched; may be empty.",
        )
        k: Annotated[int, size, WHOLE] = 10
        explain: bool = Field(default=True, strict=True, description="Whether to explain them.")
        exclude: list[Id] = Field(
            default=[], max_length=MOST_EXCLUDED, fail_fast=True, description=leave_out
        )
        deadline_ms: Annotated[int, milliseconds, WHOLE] = 2000

    class ExplainRequest(BaseModel):
        """Facts from a ranker of the caller's own."""

        model_config = ConfigDict(extra="forbid")

        facts: list[Facts] = Field(
            min_length=1,
            max_length=settings.max_k,
            fail_fast=True,
            description="One explanation is written for each.",
        )
        deadline_ms: Annotated[int, milliseconds, WHOLE] = 2000

    health = Readiness(background, lacking)
    app = FastAPI(
        title="Prism",
        description="Recommends items and says why, in sentences that are checked to be true.",
        lifespan=health.lifespan,
        redoc_url=None,  # one page for the documentation is enough
    )
    app.router.route_class = Route
    app.state.admission = admitting
    # The last is outermost: refusals are logged and counted, and every answer has the headers.
    app.add_middleware(GuardMiddleware, keys=open_keys(settings), limit=limit)
    app.add_middleware(
        RequestMiddleware,
        metrics=metrics,
        max_body=settings.max_body,
        max_values=settings.max_values,
    )
    app.add_middleware(HeadersMiddleware)
    errors.install(app)
    add_health(app, metrics, health, refresh)
    add_lookups(app, lookups)
    routes = _Routes(ranking, explainer, metrics)

    @app.get(
        "/recommend",
        response_model=api.RecommendResponse,
        tags=["recommend"],
        responses={404: {"description": "No such user."}},
    )
    async def recommend(
        user_id: Id,
        k: Annotated[int, size, INTEGER] = 10,
        explain: Annotated[
            bool, Query(description="Whether to explain them: true or false."), FLAG
        ] = True,
        exclude: Annotated[
            list[Id],
            Query(max_length=MOST_EXCLUDED_IN_URL, fail_fast=True, description=leave_out),
        ] = [],  # noqa: B006
        deadline_ms: Annotated[int, milliseconds, INTEGER] = 2000,
    ) -> Response:
        """Recommend items to a known user, and explain each."""
        query = RankingQuery(user_id, k, frozenset(exclude))
        return await routes.recommend(query, deadline_ms, explain)

    @app.post(
        "/recommend",
        response_model=api.RecommendResponse,
        tags=["recommend"],
        responses={404: {"description": "The history has unknown items only."}},
    )
    async def recommend_inline(body: RecommendRequest) -> Response:
        """Recommend items to somebody described by a history."""
        query = RankingQuery(None, body.k, frozenset(body.exclude), body.history)
        return await routes.recommend(query, body.deadline_ms, body.explain)

    @app.post("/explain", response_model=api.ExplainResponse, tags=["recommend"])
    async def explain_facts(body: ExplainRequest) -> Response:
        """Explain items that a ranker of your own has ranked."""
        return await routes.explain(body.facts, body.deadline_ms)

    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/docs")

    document(app, has_keys=settings.api_keys is not None, has_limit=limit is not None)
    return app


class _Routes:
    """What the routes share: asking the ranking service, explaining, answering."""

    def __init__(self, ranking: Fallback, explainer: Explainer, metrics: Metrics) -> None:
        self._ranking, self._explainer, self._metrics = ranking, explainer, metrics

    async def recommend(self, query: RankingQuery, deadline_ms: int, explain: bool) -> Response:
        """Rank, explain and answer."""
        timing = _Timing(self._metrics)
        deadline = admission.began() + deadline_ms / 1000
        left = max(_LEAST_RANK_S, _RANK_SHARE * (deadline - monotonic()))
        ranked, is_fallback = await self._ranking.rank(query, left)
        timing.lap("rank")
        facts = [r.facts for r in ranked.items]
        model = self._explainer.model
        explained: Sequence[Explained | None] = [None] * len(facts)
        if explain:
            explanations = await self._explainer.explain(facts, deadline)
            model, explained = explanations.model, explanations.items
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
                user_id=query.user_id,
                ranker=api.RankerInfo(name=ranked.ranker, version=ranked.version),
                model=model,
                degraded=(["ranker"] if is_fallback else []) + _degraded(explained),
                missing=query.k - len(items) if is_fallback else 0,
                ignored=list(ranked.ignored),
                items=items,
            )
        )

    async def explain(self, facts: Sequence[Facts], deadline_ms: int) -> Response:
        """Explain and answer."""
        timing = _Timing(self._metrics)
        explained = await self._explainer.explain(facts, admission.began() + deadline_ms / 1000)
        timing.lap("explain")
        return timing.answer(
            api.ExplainResponse(
                model=explained.model,
                degraded=_degraded(explained.items),
                explanations=[
                    _explanation(one, f, ()) for one, f in zip(explained.items, facts, strict=True)
                ],
            )
        )


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


def _degraded(explained: Sequence[Explained | None]) -> list[api.Part]:
    reasons = {one.written.reason for one in explained if one is not None}
    return ["worker"] if reasons & _DEGRADED else []
