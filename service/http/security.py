"""Who may ask, and how fast; and what every answer tells a browser to refrain from."""

import math
from http import HTTPStatus
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.errors import ProblemError
from service.http.keys import Keys, KeysError
from service.rate_limit import RateLimit
from service.settings import Settings

OPEN = {"/healthz", "/readyz", "/metrics"}
"""Paths for those who operate the service: no key, no limit."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # Nearly all answers are about a user, or only for those who hold a key.
    "Cache-Control": "no-store",
}


def check_address(settings: Settings, *, takes_keys: bool) -> None:
    """Raise KeysError where everybody could use the service without anybody having meant it.

    A server that takes no keys is open to everybody who reaches it, whatever keys there are.
    """
    if settings.allow_open or _is_loopback(settings.host):
        return
    if not takes_keys:
        raise KeysError(
            f"this server knows no API keys, so it serves this machine only, not {settings.host}\n"
            "Where only the gateway and those who operate it can reach it, set PRISM_ALLOW_OPEN=1"
        )
    if settings.api_keys is None:
        raise KeysError(
            f"without API keys Prism serves this machine only, not {settings.host}\n"
            "Make a key with prism api-key NAME --append FILE and set PRISM_API_KEYS=FILE; or, "
            "where something else keeps strangers out, set PRISM_ALLOW_OPEN=1"
        )


def open_keys(settings: Settings) -> Keys | None:
    """Return the keys of the settings, None where there is no authentication. Raises KeysError."""
    return None if settings.api_keys is None else Keys(settings.api_keys)


class GuardMiddleware:
    """Lets a request through, or refuses it: no key, a wrong one, or too many requests.

    Parameters
    ----------
    app : what is guarded
    keys : who may ask; None for everybody
    limit : how fast each key, or each address where there are no keys; None for no limit
    """

    def __init__(self, app: ASGIApp, keys: Keys | None, limit: RateLimit | None) -> None:
        self._app, self._keys, self._limit = app, keys, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"] not in OPEN and not _is_page(scope["path"]):
            try:
                await self._keep_pace(self._caller(scope))
            except ProblemError as refusal:
                await refusal.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> str:
        """Return the name of the key, or the address; raise the refusal of a stranger."""
        if self._keys is None:
            address, _ = scope["client"] or ("unknown", 0)
            return str(address)
        key = _key(Headers(scope=scope))
        if not key:
            raise _unauthorized(
                "urn:prism:no-key", "send a key: Authorization: Bearer KEY, or X-API-Key: KEY"
            )
        owner = self._keys.owner(key)
        if owner is None:
            raise _unauthorized("urn:prism:wrong-key", "the key is not, or no longer, valid here")
        return owner

    async def _keep_pace(self, caller: str) -> None:
        wait_s = 0.0 if self._limit is None else await self._limit.wait_s(caller)
        if wait_s:
            seconds = math.ceil(wait_s)
            raise ProblemError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"more requests than your limit; try again in {seconds} s",
                type_="urn:prism:too-fast",
                headers={"Retry-After": str(seconds)},
            )


class HeadersMiddleware:
    """Gives every answer the headers of security; a route that sets one of them has its way."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_page(path: str) -> bool:
    """Say whether it is what a browser opens before it can send a key; it tells of nobody."""
    return path == "/" or path.startswith("/static/")


def _key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _unauthorized(type_: str, detail: str) -> ProblemError:
    return ProblemError(
        HTTPStatus.UNAUTHORIZED, detail, type_=type_, headers={"WWW-Authenticate": "Bearer"}
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name: only this one is sure to mean this machine
        return host == "localhost"
