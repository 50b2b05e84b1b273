"""A route: its query parameters are known, given once and read as documented, its body in time.

A parameter that is misspelt or given twice would otherwise be left out without a word: the answer
would have the item that was to be excluded.
"""

import re
from collections.abc import Callable, Coroutine
from typing import Any, get_origin

from fastapi import Request, Response
from pydantic import BeforeValidator
from starlette.datastructures import QueryParams

from service.http.body import BodyRoute
from service.http.errors import invalid

_INTEGER = re.compile(r"-?[0-9]{1,20}(\.0{1,20})?")
_FLAGS = {"true": True, "false": False}


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):  # Python would also read 1_0, +10 and 10 between spaces
        raise ValueError("a whole number, in digits")
    return int(text.partition(".")[0])


def _flag(text: str) -> bool:
    if (flag := _FLAGS.get(text.lower())) is None:
        raise ValueError("either true or false")
    return flag


INTEGER, FLAG = BeforeValidator(_integer), BeforeValidator(_flag)
"""Read a parameter of the query as it is documented."""


class Route(BodyRoute):
    """A route that refuses parameters it does not know.

    One that takes nothing at all ignores them: probes may add what they like.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; see `APIRoute`."""
        handle = super().get_route_handler()
        parameters = self.dependant.query_params
        if not (parameters or self.dependant.path_params or self.body_field):
            return handle
        known = {one.alias for one in parameters}
        lists = {one.alias for one in parameters if get_origin(one.field_info.annotation) is list}

        async def handle_known(request: Request) -> Response:
            if request.scope["query_string"]:
                _check_names(request.query_params, known, lists)
            return await handle(request)

        return handle_known


def _check_names(given: QueryParams, known: set[str], lists: set[str]) -> None:
    """Raise ProblemError for a parameter that is unknown, or given twice and no list."""
    found = set[str]()
    for name, _ in given.multi_items():
        if name not in known:
            there = f"there are {', '.join(sorted(known))}" if known else "there are none"
            raise invalid(name, f"no such parameter; {there}")
        if name in found and name not in lists:
            raise invalid(name, "given more than once")
        found.add(name)
