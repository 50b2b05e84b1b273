"""What every process answers about itself: /healthz, /readyz, /metrics."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI, Response

from service import api
from service.metrics import Metrics


@dataclass
class Readiness:
    """Whether the process can serve; it starts with no, and what it needs sets it."""

    ready: bool = False


async def nothing() -> None:
    """Do nothing."""


def add_health(
    app: FastAPI, metrics: Metrics, refresh: Callable[[], Awaitable[None]] = nothing
) -> Readiness:
    """Add the routes; `refresh` brings metrics up to date that are only measured when read."""
    readiness = Readiness()

    @app.get("/healthz", tags=["operate"])
    async def healthz() -> api.Health:
        """Say that the process lives."""
        return api.Health(status="ok")

    @app.get("/readyz", tags=["operate"])
    async def readyz(response: Response) -> api.Health:
        """Say whether the process can serve."""
        if not readiness.ready:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return api.Health(status="ok" if readiness.ready else "starting")

    @app.get("/metrics", include_in_schema=False)
    async def exposition() -> Response:
        await refresh()
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")

    return readiness
