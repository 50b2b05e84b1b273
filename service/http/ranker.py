"""The routes of `prism ranker`: for the gateway, not for the public; no keys, no rate limits."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

from fastapi import FastAPI, Query, Response

from service.admission import Admission
from service.http import errors
from service.http.document import document
from service.http.health import Readiness, add_health
from service.http.lookups import add_lookups
from service.http.middleware import RequestMiddleware
from service.http.route import INTEGER, Route
from service.metrics import Metrics
from service.ranker_client.local import LocalRankerClient
from service.ranker_client.wire import ActiveUsers, RankRequest, RankResponse, answer_of
from service.settings import LARGEST_BODY


def create_ranker_app(
    local: LocalRankerClient,
    admission: Admission,
    metrics: Metrics,
    background: Callable[[], AbstractAsyncContextManager[None]],
) -> FastAPI:
    """Return the app of `prism ranker`; `background` runs around its whole life."""
    health = Readiness(background)
    app = FastAPI(
        title="Prism ranking service", lifespan=health.lifespan, docs_url=None, redoc_url=None
    )
    app.router.route_class = Route
    app.state.admission = admission
    # Whatever a gateway lets in, as it may be set otherwise than this process; on its way here it
    # may take a little more room, as numbers are written out.
    app.add_middleware(
        RequestMiddleware, metrics=metrics, max_body=2 * LARGEST_BODY, max_values=LARGEST_BODY
    )
    errors.install(app)
    add_health(app, metrics, health)

    @app.post("/rank", response_model=RankResponse)
    async def rank(body: RankRequest) -> Response:
        queries = [query.query() for query in body.queries]
        answers = [answer_of(answer) for answer in await local.rank_many(queries)]
        content = RankResponse(answers=answers).model_dump_json()
        return Response(content, media_type="application/json")

    @app.get("/active")
    async def active(limit: Annotated[int, Query(ge=1, le=10_000), INTEGER] = 100) -> ActiveUsers:
        service = local.service
        users = await asyncio.to_thread(service.most_active, limit)
        return ActiveUsers(version=service.ranker.version, users=users)

    add_lookups(app, local)
    document(app)
    return app
