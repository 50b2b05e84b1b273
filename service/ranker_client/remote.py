"""The ranking service over HTTP, as the gateway asks it: timeouts, a retry, a circuit breaker."""

import asyncio
import math
import random
from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple, TypeVar
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from catalog.types import Item
from ranker.service import (
    DatasetSummary,
    HistoryEntry,
    RankingQuery,
    Recommendations,
    UnknownItemError,
    UnknownUserError,
)
from service import admission
from service.admission import OVERLOAD
from service.breaker import Breaker, LeftAloneError
from service.ranker_client.protocol import RankerUnavailableError
from service.ranker_client.wire import (
    ActiveUsers,
    DatasetResponse,
    HistoryResponse,
    ItemsResponse,
    RankQuery,
    RankRequest,
    RankResponse,
    UsersResponse,
    recommendations_of,
)

M = TypeVar("M", bound=BaseModel)
_RETRIED = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
_LOOKUP_S, _CONNECT_S = 2.0, 0.5
_KEEP_S = 4.0
"""How long an unused connection is kept: less than the five seconds of the server (uvicorn)."""
_RETRY_AFTER_S = 0.05
"""Mean pause before the one retry."""
_SLOWER = 1.001
"""Growth of the usual time with each question: a service twice as slow is usual after 700."""


class RemoteRankerClient:
    """Asks `prism ranker`; see `RankerClient`.

    Parameters
    ----------
    url : of the ranking service
    breaker : shared by all questions
    """

    def __init__(self, url: str, breaker: Breaker) -> None:
        self._url, self._breaker = url.rstrip("/"), breaker
        self._session: aiohttp.ClientSession | None = None  # made in the loop that asks
        self._usual_s = math.inf

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def rank(self, query: RankingQuery, timeout_s: float) -> Recommendations:
        """Return the top k for a query; see `RankerClient`."""
        asked = RankQuery.of(query)
        body = RankRequest.model_construct(queries=[asked]).model_dump_json(exclude_defaults=True)
        response = await self._ask("POST", "/rank", timeout_s, body=body)
        answers = _parsed(response, RankResponse).answers
        if len(answers) != 1:
            raise RankerUnavailableError("the ranking service answered another question")
        [answer] = answers
        if answer.problem is not None:
            raise answer.problem.error()
        if len(answer.items) > query.k:
            raise RankerUnavailableError("the ranking service answered more than it was asked")
        return recommendations_of(answer)

    async def summary(self) -> DatasetSummary:
        """Return what the Dataset is about; see `RankerClient`."""
        response = await self._ask("GET", "/dataset", _LOOKUP_S)
        told = _parsed(response, DatasetResponse)
        return DatasetSummary(told.name, told.noun, told.usual)

    async def history(self, user_id: str, limit: int) -> list[HistoryEntry]:
        """Return a user's latest interactions; see `RankerClient`."""
        if not user_id.strip("."):  # a path of dots would lead elsewhere
            raise UnknownUserError(user_id)
        path = f"/users/{quote(user_id, safe='')}/history"
        response = await self._ask("GET", path, _LOOKUP_S, params={"limit": limit})
        if response.status == HTTPStatus.NOT_FOUND:
            raise UnknownUserError(user_id)
        return [
            HistoryEntry(row.item, row.value, row.timestamp, row.liking)
            for row in _parsed(response, HistoryResponse).items
        ]

    async def users(self, search: str, limit: int) -> list[tuple[str, int]]:
        """Return users by a part of their id; see `RankerClient`."""
        params: dict[str, str | int] = {"search": search, "limit": limit}
        response = await self._ask("GET", "/users", _LOOKUP_S, params=params)
        return [(u.user_id, u.interactions) for u in _parsed(response, UsersResponse).users]

    async def items(self, search: str, limit: int) -> list[Item]:
        """Return items by a part of their title; see `RankerClient`."""
        params: dict[str, str | int] = {"search": search, "limit": limit}
        response = await self._ask("GET", "/items", _LOOKUP_S, params=params)
        return _parsed(response, ItemsResponse).items

    async def item(self, item_id: str) -> Item:
        """Return an item; see `RankerClient`."""
        if not item_id.strip("."):  # a path of dots would lead elsewhere
            raise UnknownItemError([item_id])
        response = await self._ask("GET", f"/items/{quote(item_id, safe='')}", _LOOKUP_S)
        if response.status == HTTPStatus.NOT_FOUND:
            raise UnknownItemError([item_id])
        return _parsed(response, Item)

    async def active(self, limit: int) -> ActiveUsers:
        """Return the most active users."""
        response = await self._ask("GET", "/active", _LOOKUP_S, params={"limit": limit})
        return _parsed(response, ActiveUsers)

    async def _ask(
        self,
        method: str,
        path: str,
        timeout_s: float,
        *,
        params: Mapping[str, str | int] | None = None,
        body: str | None = None,
    ) -> "_Response":
        """Ask, once more after a pause if the first time fails: every question is idempotent."""
        started = monotonic()
        try:
            self._breaker.before()
            async with asyncio.timeout(timeout_s):
                response = await self._twice(method, path, params, body)
        except TimeoutError as error:
            self._breaker.timed_out()
            raise RankerUnavailableError("the ranking service does not answer") from error
        except aiohttp.ClientError as error:
            self._breaker.failed()
            raise RankerUnavailableError("the ranking service does not answer") from error
        except LeftAloneError as error:
            raise RankerUnavailableError("the ranking service does not answer") from error
        if response.is_overload:  # it is there, and busy: to turn to it again soon is right
            raise RankerUnavailableError("the ranking service has too much to do")
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._breaker.failed()
            raise RankerUnavailableError(f"the ranking service answered {response.status}")
        self._breaker.succeeded()
        self._spare(monotonic() - started)
        return response

    def _spare(self, seconds: float) -> None:
        """Let the usual time of a question count for nothing in admission: it is no queue.

        The usual is the shortest; it grows slowly, as a ranking service may become slower.
        """
        self._usual_s = min(seconds, self._usual_s * _SLOWER)
        admission.spare(self._usual_s)

    async def _twice(
        self, method: str, path: str, params: Mapping[str, str | int] | None, body: str | None
    ) -> "_Response":
        try:
            response = await self._once(method, path, params, body)
            if response.status not in _RETRIED or response.is_overload:
                return response
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(random.uniform(0.5, 1.5) * _RETRY_AFTER_S)  # noqa: S311
        return await self._once(method, path, params, body)

    async def _once(
        self, method: str, path: str, params: Mapping[str, str | int] | None, body: str | None
    ) -> "_Response":
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # No pool to wait for, and no old address of a ranker that comes back elsewhere.
                connector=aiohttp.TCPConnector(
                    limit=0, use_dns_cache=False, keepalive_timeout=_KEEP_S
                ),
                # Each question has a limit of its own.
                timeout=aiohttp.ClientTimeout(total=None, connect=_CONNECT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        async with self._session.request(
            method,
            URL(f"{self._url}{path}", encoded=True),  # the path is quoted already
            params=params,
            data=body,
            headers={"Content-Type": "application/json"} if body else None,
            allow_redirects=False,
        ) as response:
            return _Response(response.status, await response.read())


class _Response(NamedTuple):
    status: int
    content: bytes

    @property
    def is_overload(self) -> bool:
        """Whether it was refused at the door; see `service.admission`."""
        return self.status == HTTPStatus.SERVICE_UNAVAILABLE and OVERLOAD.encode() in self.content


def _parsed(response: _Response, model: type[M]) -> M:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise RankerUnavailableError(
            f"the ranking service gave no answer of version 1 ({error.error_count()} errors)"
        ) from error
