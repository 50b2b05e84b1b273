"""What every process answers about itself: /healthz, /readyz, /metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Response

from service.http import api
from service.metrics import Metrics


class Readiness:
    """Whether the process can serve, and why not.

    It can once it has everything that it needs to begin with; from then on it depends on the
    process itself only, as whatever else is missing costs an answer quality and no more.

    Parameters
    ----------
    running : entered at the start of an app's life, left at its end
    lacking : says what the process still needs before it can serve at all; empty once it has it
    trouble : says why the process itself cannot work; empty while it can
    """

    def __init__(
        self,
        running: Callable[[], AbstractAsyncContextManager[None]],
        lacking: Callable[[], str] = str,
        trouble: Callable[[], str] = str,
    ) -> None:
        self._running, self._lacking, self._trouble = running, lacking, trouble
        self._runs = self._has_served = False

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Run what the app needs, and be ready meanwhile; this is FastAPI's."""
        async with self._running():
            self._runs = True
            yield
            self._runs = False

    @property
    def why_not(self) -> str:
        """Why the process cannot serve; empty where it can."""
        if not self._runs:
            return "it is starting, or stopping"
        lacking = "" if self._has_served else self._lacking()
        self._has_served = not lacking
        return lacking or self._trouble()


async def nothing() -> None:
    """Do nothing."""


def add_health(
    app: FastAPI,
    metrics: Metrics,
    health: Readiness,
    refresh: Callable[[], Awaitable[None]] = nothing,
) -> None:
    """Add the routes; `refresh` brings metrics up to date that are only measured when read."""

    @app.get("/healthz", tags=["operate"])
    async def healthz() -> api.Health:
        """Say that the process lives."""
        return api.Health(status="ok")

    @app.get(
        "/readyz",
        tags=["operate"],
        response_model_exclude_defaults=True,
        responses={503: {"model": api.Health}},
    )
    async def readyz(response: Response) -> api.Health:
        """Say whether the process can serve."""
        why_not = health.why_not
        if not why_not:
            return api.Health(status="ok")
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return api.Health(status="not ready", reason=why_not)

    @app.get("/metrics", include_in_schema=False)
    async def exposition() -> Response:
        await refresh()
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")
