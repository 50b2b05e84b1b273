"""What happens to every request: an id, a size limit, a log line, metrics, no bare 500, HEAD."""

import asyncio
import re
import uuid
from http import HTTPStatus
from time import perf_counter

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.errors import unexpected
from service.metrics import Metrics

log = structlog.get_logger()
_REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_CLIENT_GONE = 499  # as nginx counts it; it is never sent


class RequestMiddleware:
    """Wraps the whole app; see the module.

    Parameters
    ----------
    max_body : most bytes of a body
    max_values : most values of a JSON body, counted without parsing it
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, max_body: int, max_values: int) -> None:
        self._app, self._metrics = app, metrics
        self._max_body, self._max_values = max_body, max_values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, method = perf_counter(), scope["method"]
        if method == "HEAD":  # is GET, of whose answer the server leaves the body away
            scope = {**scope, "method": "GET"}
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, self._bounded(scope, receive), send_with_id)
        except asyncio.CancelledError:
            status = status or _CLIENT_GONE
            raise
        except Exception:
            log.exception("request failed")
            if not status:
                await unexpected().response()(scope, receive, send_with_id)
        finally:
            # The route's template, as the path itself may hold a user id.
            route = getattr(scope.get("route"), "path", "unknown")
            seconds = perf_counter() - started
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(seconds)
            log.info(
                "request", method=method, route=route, status=status,
                ms=round(seconds * 1000, 2),
            )  # fmt: skip
            structlog.contextvars.clear_contextvars()

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Return a `receive` that stops reading a body at the limits."""
        left, values = self._max_body, self._max_values
        announced = Headers(scope=scope).get("content-length", "0")

        async def receive_bounded() -> Message:
            nonlocal left, values
            if announced.isdecimal() and int(announced) > self._max_body:
                raise _over(self._max_body, "bytes")
            message = await receive()
            part = message.get("body", b"")
            left -= len(part)
            # Each value but the first comes after a comma, or first in an array or object.
            values -= part.count(b",") + part.count(b"[") + part.count(b"{")
            if left < 0:
                raise _over(self._max_body, "bytes")
            if values < 0:
                raise _over(self._max_values, "values")
            return message

        return receive_bounded


def _over(limit: int, of_what: str) -> HTTPException:
    # Of all that may go wrong while a body is read, FastAPI lets only this kind through.
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is over the limit of {limit:,} {of_what}",
        headers={"Connection": "close"},
    )
