"""What every process answers about itself: /healthz, /readyz, /metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Response

from service.http import api
from service.metrics import Metrics


class Readiness:
    """Whether the process can serve: while what it needs is running.

    `lifespan` is FastAPI's; `running` is entered at the start of an app's life, left at its end.
    """

    def __init__(self, running: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self._running = running
        self.ready = False

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Run what the app needs, and be ready meanwhile."""
        async with self._running():
            self.ready = True
            yield
            self.ready = False


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

    @app.get("/readyz", tags=["operate"], responses={503: {"model": api.Health}})
    async def readyz(response: Response) -> api.Health:
        """Say whether the process can serve."""
        if not health.ready:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return api.Health(status="ok" if health.ready else "starting")

    @app.get("/metrics", include_in_schema=False)
    async def exposition() -> Response:
        await refresh()
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")
