"""Reading a JSON body in bounded time, whatever is in it.

Bytes and values are bounded before anything is parsed (see `service.http.middleware`); what is
within these bounds may still take 100 ms, in which nobody else would be answered. So

- a small body is parsed and validated at once, a large one in a thread of its own: one at a time,
  and in steps between which other requests have their turn;
- in a large body the shape is looked at before the fields: `{"history": [], "a": 1, "b": 1, …}`
  with 100,000 unknown fields is one error, not 100,000.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from service import admission
from service.http.errors import invalid, invalid_fields

_LARGE = 16 * 2**10
"""Bytes from which a body is read in a thread: below it takes at most a few milliseconds."""
_MOST_FIELDS = 32
"""Fields of one object; none that we know has half as many."""

_thread = ThreadPoolExecutor(1, thread_name_prefix="bodies")


class BodyRoute(APIRoute):
    """A route whose body is read as the module says."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; see `APIRoute`."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        model = cast("type[BaseModel]", self.body_field.field_info.annotation)

        class BodyRequest(Request):
            async def body(self) -> bytes:
                started = monotonic()
                body = await super().body()
                admission.spare(monotonic() - started)  # the client's time, not ours
                return body

            async def json(self) -> BaseModel:
                raw = await self.body()
                if len(raw) < _LARGE:
                    return read(model, raw)
                return await asyncio.get_running_loop().run_in_executor(_thread, read, model, raw)

        async def handle_with_body(request: Request) -> Response:
            return await handle(BodyRequest(request.scope, request.receive))

        return handle_with_body


def read(model: type[BaseModel], raw: bytes) -> BaseModel:
    """Return a body as what it is to be; of a large one the shape first. Raises ProblemError."""
    try:
        if len(raw) < _LARGE:
            return model.model_validate_json(raw)
        value = from_json(raw, allow_inf_nan=False)
        _check_shape(value)
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid_fields(error.errors(include_url=False, include_input=False)) from None
    except ValueError as error:
        raise invalid("body", f"not valid JSON: {error}") from None


def _check_shape(value: object) -> None:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as one:
                if len(one) > _MOST_FIELDS:
                    raise invalid("body", f"an object has {len(one):,} fields, which none has here")
                waiting.extend(one.values())
            case list() as one:
                waiting.extend(one)
