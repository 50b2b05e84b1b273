"""Errors as RFC 9457 problem documents: what is wrong, which field, and how to mend it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match, Route

from ranker.service import InvalidValueError, UnknownItemError, UnknownUserError
from service.impressions import UnknownImpressionError
from service.ranker_client.protocol import RankerUnavailableError

PROBLEM = "application/problem+json"
_SHOWN = 10
"""Most field errors told at once: a history of 10,000 wrong entries needs no 10,000 lines."""

_LONGEST = 100
"""Characters told of a name that was sent to us."""
_RETRY_AFTER_S = 2


class FieldError(BaseModel):
    """One wrong field of a request."""

    field: str
    message: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[FieldError] = []


class ProblemError(HTTPException):
    """Raised anywhere in a request to answer with a problem document."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        type_: str = "about:blank",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.problem = Problem(
            type=type_, title=status.phrase, status=status, detail=detail, errors=list(errors)
        )
        self.headers = headers

    def response(self) -> JSONResponse:
        """Return the document as a response."""
        return JSONResponse(
            self.problem.model_dump(exclude_defaults=True),
            self.problem.status,
            headers=self.headers,
            media_type=PROBLEM,
        )


def invalid(field: str, message: str) -> ProblemError:
    """Return the error of one wrong field."""
    field = field[:_LONGEST]
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{field}: {message}",
        type_="urn:prism:invalid-request",
        errors=[FieldError(field=field, message=message)],
    )


def invalid_fields(found: Sequence[Mapping[str, Any]]) -> ProblemError:
    """Return the error of wrong fields, from what pydantic says of them."""
    errors = [_field_error(one) for one in found[:_SHOWN]]
    detail = "; ".join(f"{e.field}: {e.message}" for e in errors[:3])
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        detail + more,
        type_="urn:prism:invalid-request",
        errors=errors,
    )


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""

    @app.exception_handler(ProblemError)
    async def _problem(_: Request, error: ProblemError) -> JSONResponse:
        return error.response()

    @app.exception_handler(UnknownUserError)
    async def _user(_: Request, error: UnknownUserError) -> JSONResponse:
        return ProblemError(
            HTTPStatus.NOT_FOUND,
            f"no user {str(error)!r}; /users?search= finds known ones",
            type_="urn:prism:unknown-user",
        ).response()

    @app.exception_handler(UnknownItemError)
    async def _item(_: Request, error: UnknownItemError) -> JSONResponse:
        shown = ", ".join(repr(item) for item in error.ids[:_SHOWN])
        more = f" and {len(error.ids) - _SHOWN} more" if len(error.ids) > _SHOWN else ""
        return ProblemError(
            HTTPStatus.NOT_FOUND,
            f"no item {shown}{more}; /items?search= finds known ones",
            type_="urn:prism:unknown-item",
        ).response()

    @app.exception_handler(UnknownImpressionError)
    async def _impression(_: Request, error: UnknownImpressionError) -> JSONResponse:
        return ProblemError(
            HTTPStatus.NOT_FOUND, str(error), type_="urn:prism:unknown-impression"
        ).response()

    @app.exception_handler(InvalidValueError)
    async def _value(_: Request, error: InvalidValueError) -> JSONResponse:
        return invalid(f"history.{error.index}.value", str(error)).response()

    @app.exception_handler(RankerUnavailableError)
    async def _no_ranker(_: Request, error: RankerUnavailableError) -> JSONResponse:
        return ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"{error}; try again in a moment",
            type_="urn:prism:no-ranker",
            headers={"Retry-After": str(_RETRY_AFTER_S)},
        ).response()

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        if isinstance(error.body, bytes):  # FastAPI parses a body only if it is called JSON
            return ProblemError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "send JSON, with the header Content-Type: application/json",
            ).response()
        return invalid_fields(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(_methods(request))
            return ProblemError(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"this path takes {allowed}",
                headers={"Allow": allowed},
            ).response()
        if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI could not parse the body
            unreadable = FieldError(field="body", message="not valid JSON in UTF-8, or too deep")
            return ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"body: {unreadable.message}",
                type_="urn:prism:invalid-request",
                errors=[unreadable],
            ).response()
        return ProblemError(
            HTTPStatus(error.status_code), str(error.detail), headers=error.headers
        ).response()


def unexpected() -> ProblemError:
    """Return what is told of a failure that is ours; the log has the traceback."""
    return ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of ours; it has been logged")


def _methods(request: Request) -> list[str]:
    """Return the methods of a path: of all its routes, where Starlette names those of the first."""
    found = set[str]()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found | {"HEAD"} if "GET" in found else found)


def _field_error(error: Mapping[str, Any]) -> FieldError:
    # The input is not repeated: it may be huge, or no valid JSON (NaN).
    place = [str(part)[:_LONGEST] for part in error["loc"] if part not in {"query", "body", "path"}]
    if error["type"] == "json_invalid":
        reason = error.get("ctx", {}).get("error", "it cannot be read")
        return FieldError(field="body", message=f"not valid JSON: {reason}")
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "too_long":
        most, there = error["ctx"]["max_length"], error["ctx"]["actual_length"]
        message = f"at most {most:,} entries"
        if there is not None:  # of an object pydantic does not say
            message += f"; there are {there:,}"
    field = ".".join(place) or error.get("ctx", {}).get("field", "body")
    return FieldError(field=field, message=message)
