"""The OpenAPI document: which errors each operation answers, as problems, and with which key."""

from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from service.http.errors import PROBLEM, Problem
from service.http.security import OPEN

_REF = "#/components/schemas/{model}"
_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
_ALWAYS = {
    HTTPStatus.REQUEST_TIMEOUT: "The request came too slowly.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The request line and headers are too large.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An error of ours; it is logged.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too much to do, or no ranker.",
}
_WITH_BODY = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not called JSON.",
}
_WITH_INPUT = {HTTPStatus.UNPROCESSABLE_ENTITY: "A field is wrong; `errors` says which."}
_WITH_KEYS = {HTTPStatus.UNAUTHORIZED: "No API key, or a wrong one."}
_WITH_LIMIT = {HTTPStatus.TOO_MANY_REQUESTS: "Too fast; Retry-After says when to ask again."}
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    HTTPStatus.TOO_MANY_REQUESTS: _RETRY_AFTER,
    HTTPStatus.SERVICE_UNAVAILABLE: _RETRY_AFTER,
}
_TYPES = {
    HTTPStatus.UNAUTHORIZED: ["urn:prism:no-key", "urn:prism:wrong-key"],
    HTTPStatus.NOT_FOUND: [
        "urn:prism:unknown-user",
        "urn:prism:unknown-item",
        "urn:prism:unknown-impression",
    ],
    HTTPStatus.UNPROCESSABLE_ENTITY: ["urn:prism:invalid-request"],
    HTTPStatus.TOO_MANY_REQUESTS: ["urn:prism:too-fast"],
    HTTPStatus.SERVICE_UNAVAILABLE: ["urn:prism:overload", "urn:prism:no-ranker"],
}
"""The types of problems that a status may have; of the others it is about:blank."""
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def document(
    app: FastAPI,
    models: Sequence[type] = (),
    *,
    has_keys: bool = False,
    has_limit: bool = False,
) -> None:
    """Complete the app's document: FastAPI knows the answers of the routes, we know the errors.

    `models` are those that routes name and FastAPI does not know. `has_keys` and `has_limit` tell
    whether a key is asked for, and requests are limited.
    """
    make = app.openapi

    @cache
    def openapi() -> dict[str, Any]:
        made = make()
        components = made.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        described: list[type] = [Problem, *models]
        for model in described:
            schema = TypeAdapter(model).json_schema(ref_template=_REF, mode="serialization")
            schemas |= {**schema.pop("$defs", {}), model.__name__: schema}
        if has_keys:
            components["securitySchemes"] = _KEYS
        for path, operations in made["paths"].items():
            is_open = path in OPEN
            for operation in operations.values():
                has_body = "requestBody" in operation
                errors = _ALWAYS | (_WITH_BODY if has_body else {})
                errors |= _WITH_INPUT if has_body or "parameters" in operation else {}
                errors |= _WITH_KEYS if has_keys and not is_open else {}
                errors |= _WITH_LIMIT if has_limit and not is_open else {}
                operation["responses"].pop("422", None)  # what FastAPI would answer
                if has_keys and not is_open:
                    operation["security"] = [{name: []} for name in _KEYS]
                _add(operation["responses"], errors)
        return made

    app.openapi = openapi  # type: ignore[method-assign]


def _add(responses: dict[str, Any], errors: dict[HTTPStatus, str]) -> None:
    """Add errors to those an operation names itself, and say that they all are problems."""
    for status, description in errors.items():
        responses.setdefault(str(status.value), {"description": description})
    for code, response in responses.items():
        for media in response.get("content", {}).values():
            if "itemSchema" in media:  # of a stream, which as a whole FastAPI takes for a string
                media.pop("schema", None)
        if int(code) >= HTTPStatus.BAD_REQUEST:
            status = HTTPStatus(int(code))
            response.setdefault("content", {})[PROBLEM] = {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": _examples(status, response["description"]),
            }
            if status in _HEADERS:
                response["headers"] = _HEADERS[status]


def _examples(status: HTTPStatus, description: str) -> dict[str, Any]:
    """Return a problem of each type that a status may have."""
    types = _TYPES.get(status, ["about:blank"])
    return {
        type_: {
            "value": {
                "type": type_, "title": status.phrase, "status": status.value,
                "detail": description, "errors": [],
            }
        }
        for type_ in types
    }  # fmt: skip
