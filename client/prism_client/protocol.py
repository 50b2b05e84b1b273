"""What both clients share: how a question is put, an answer read, and when to ask again."""

import json
import random
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import quote

import httpx

from prism_client.answers import Asked, Event, Json

RETRIED = {429, 503}
"""Too fast, and too much to do: neither was begun, so all may be asked again."""
LONGEST_WAIT_S = 30.0


class PrismError(Exception):
    """A problem document (RFC 9457): what is wrong, and how to mend it.

    Attributes
    ----------
    status : HTTP status
    type : such as urn:prism:unknown-user, for programs
    detail : one sentence, for people
    errors : of wrong fields, each a dict of field and message
    request_id : to find it in the logs of the service
    """

    def __init__(self, problem: Json, request_id: str = "") -> None:
        self.status = int(problem.get("status", 0))
        self.type = str(problem.get("type", "about:blank"))
        self.detail = str(problem.get("detail") or problem.get("title", ""))
        self.errors: list[dict[str, str]] = problem.get("errors", [])
        self.request_id = request_id
        super().__init__(f"{self.status}: {self.detail}")


def raise_for(response: httpx.Response) -> None:
    """Raise PrismError unless the response, which was read, is a success."""
    if response.is_success:
        return
    try:
        problem = response.json()
    except ValueError:  # of a proxy, perhaps
        problem = None
    if not isinstance(problem, dict):
        problem = {"title": response.reason_phrase}
    given = {"status": response.status_code, **problem}
    raise PrismError(given, response.headers.get("x-request-id", ""))


def wait_s(response: httpx.Response) -> float:
    """Return how long to wait before asking again: a little longer than told, each differently."""
    told = response.headers.get("retry-after", "")
    seconds = float(told) if told.isdecimal() else 1.0
    return min(LONGEST_WAIT_S, seconds) * random.uniform(1.0, 1.25)  # noqa: S311


def headers(key: str | None) -> dict[str, str]:
    """Return the headers of every question."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def body_of(user_id: str | None, asked: Asked) -> Json:
    """Return the body of a question for recommendations."""
    body: Json = dict(asked)
    return body if user_id is None else {"user_id": user_id, **body}


def path_of(*parts: str) -> str:
    """Return a path of parts that may hold anything."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


class Events:
    """Reads server-sent events from the parts in which they arrive."""

    def __init__(self) -> None:
        self._left = b""

    def feed(self, part: bytes) -> Sequence[Event]:
        """Return the events that are whole by now. Raises PrismError for one that is an error."""
        *blocks, self._left = (self._left + part).split(b"\n\n")
        return [_event(block) for block in blocks]


def _event(block: bytes) -> Event:
    fields: dict[str, Any] = dict(line.split(": ", 1) for line in block.decode().split("\n"))
    data = json.loads(fields["data"])
    if fields["event"] == "error":
        raise PrismError(data)
    return cast("Event", {"event": fields["event"], "data": data})
