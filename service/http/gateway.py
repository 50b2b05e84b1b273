"""The gateway: the HTTP routes, and nothing that ranks or writes."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from service.admission import Admission
from service.explain import Explainer
from service.http import errors
from service.http.answers import EVENTS, Answers
from service.http.check import add_check
from service.http.docs_page import add_docs_page
from service.http.document import document
from service.http.feedback import add_feedback
from service.http.health import Readiness, add_health, nothing
from service.http.lookups import add_lookups
from service.http.middleware import RequestMiddleware
from service.http.page import add_page
from service.http.recommend import add_recommend
from service.http.route import Route
from service.http.security import GuardMiddleware, HeadersMiddleware, open_keys
from service.impressions import Impressions
from service.metrics import Metrics
from service.ranker_client.fallback import Fallback
from service.ranker_client.protocol import RankerClient
from service.rate_limit import RateLimit
from service.settings import Settings
from service.signing import signing_keys


def create_app(
    settings: Settings,
    fallback: Fallback,
    ranker_client: RankerClient,
    explainer: Explainer,
    admitting: Admission,
    metrics: Metrics,
    background: Callable[[], AbstractAsyncContextManager[None]],
    refresh: Callable[[], Awaitable[None]] = nothing,
    limit: RateLimit | None = None,
    lacking: Callable[[], str] = str,
) -> FastAPI:
    """Return the gateway's app; `background` runs around its whole life.

    Raises KeysError, SigningKeyError.
    """
    health = Readiness(background, lacking)
    app = FastAPI(
        title="Prism",
        description="Recommends items and says why, in sentences that are checked to be true.",
        lifespan=health.lifespan,
        docs_url=None,  # which would load its scripts from elsewhere; see `docs_page`
        redoc_url=None,
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
    impressions = Impressions(signing_keys(settings))
    add_recommend(app, settings, Answers(fallback, explainer, impressions, metrics))
    add_feedback(app, settings, impressions, metrics)
    add_check(app)
    add_lookups(app, ranker_client)
    add_health(app, metrics, health, refresh)
    add_docs_page(app)
    add_page(app)
    document(
        app,
        list(EVENTS.values()),
        has_keys=settings.api_keys is not None,
        has_limit=limit is not None,
    )
    return app
