"""The client for asyncio: the same as `sync`, awaited."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self, Unpack, cast

import httpx

from prism_client.answers import (
    Asked,
    Event,
    Explanations,
    Json,
    Kind,
    Policy,
    Recommendations,
    Verdict,
)
from prism_client.protocol import (
    RETRIED,
    Events,
    body_of,
    headers,
    path_of,
    raise_for,
    wait_s,
)


class AsyncPrism:
    """Asks a Prism service from asyncio. Every method raises PrismError for what is wrong.

    Parameters
    ----------
    url : of the service
    key : an API key, where it asks for one
    retries : how often to ask again where there is too much to do, each time as late as it says
    timeout_s : for an answer; longer than the deadlines asked for
    http : a client of httpx to use instead of one of its own
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        retries: int = 3,
        timeout_s: float = 35.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._url, self._headers, self._retries = url.rstrip("/"), headers(key), retries
        self._http = http or httpx.AsyncClient(timeout=timeout_s)

    async def recommend(
        self, user_id: str | None = None, **asked: Unpack[Asked]
    ) -> Recommendations:
        """Recommend items to a known user, to whoever has a history, or both; see `Asked`."""
        answer = await self._send("POST", "/recommend", body_of(user_id, asked))
        return cast("Recommendations", answer.json())

    async def stream(
        self, user_id: str | None = None, **asked: Unpack[Asked]
    ) -> AsyncIterator[Event]:
        """Yield the same: the items at once, each explanation when it is ready, and the end.

        Whoever closes it before the end ends the work on the rest.
        """
        body, events = body_of(user_id, asked), Events()
        response = await self._send("POST", "/recommend/stream", body, is_stream=True)
        try:
            async for part in response.aiter_bytes():
                for event in events.feed(part):
                    yield event
        finally:
            await response.aclose()

    async def explain(self, facts: Sequence[Json], deadline_ms: int = 2000) -> Explanations:
        """Explain items that a ranker of your own has ranked, from Facts about each."""
        body = {"facts": facts, "deadline_ms": deadline_ms}
        answer = await self._send("POST", "/explain", body)
        return cast("Explanations", answer.json())

    async def check(self, facts: Json, text: str, policy: Policy = "strict") -> Verdict:
        """Hold a text against Facts, claim by claim."""
        body = {"facts": facts, "text": text, "policy": policy}
        answer = await self._send("POST", "/check", body)
        return cast("Verdict", answer.json())

    async def feedback(self, impression_id: str, item_id: str, kind: Kind) -> None:
        """Tell what somebody thought of an item that was shown, or did with it."""
        body = {"impression_id": impression_id, "item_id": item_id, "kind": kind}
        await self._send("POST", "/feedback", body)

    async def history(self, user_id: str, limit: int = 100) -> list[Json]:
        """Return what a user touched, latest first."""
        answer = await self._send("GET", f"{path_of('users', user_id)}/history?limit={limit}")
        return cast("list[Json]", answer.json()["items"])

    async def items(self, search: str = "", limit: int = 20) -> list[Json]:
        """Return items whose title contains the text."""
        asked = httpx.QueryParams({"search": search, "limit": limit})
        answer = await self._send("GET", f"/items?{asked}")
        return cast("list[Json]", answer.json()["items"])

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _send(
        self, method: str, path: str, body: Json | None = None, *, is_stream: bool = False
    ) -> httpx.Response:
        """Return a success; of a stream, one that is to be read and closed."""
        for left in range(self._retries, -1, -1):
            request = self._http.build_request(
                method, f"{self._url}{path}", json=body, headers=self._headers
            )
            response = await self._http.send(request, stream=is_stream)
            if not (response.status_code in RETRIED and left):
                break
            await response.aclose()
            await asyncio.sleep(wait_s(response))
        if not response.is_success:
            await response.aread()
            raise_for(response)
        return response
