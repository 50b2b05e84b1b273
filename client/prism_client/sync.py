"""The client that waits for each answer."""

import time
from collections.abc import Iterator, Sequence
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


class Prism:
    """Asks a Prism service. Every method raises PrismError for what is wrong.

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
        http: httpx.Client | None = None,
    ) -> None:
        self._url, self._headers, self._retries = url.rstrip("/"), headers(key), retries
        self._http = http or httpx.Client(timeout=timeout_s)

    def recommend(self, user_id: str | None = None, **asked: Unpack[Asked]) -> Recommendations:
        """Recommend items to a known user, to whoever has a history, or both; see `Asked`."""
        answer = self._send("POST", "/recommend", body_of(user_id, asked))
        return cast("Recommendations", answer.json())

    def stream(self, user_id: str | None = None, **asked: Unpack[Asked]) -> Iterator[Event]:
        """Yield the same: the items at once, each explanation when it is ready, and the end.

        Whoever closes it before the end ends the work on the rest.
        """
        body, events = body_of(user_id, asked), Events()
        response = self._send("POST", "/recommend/stream", body, is_stream=True)
        try:
            for part in response.iter_bytes():
                yield from events.feed(part)
        finally:
            response.close()

    def explain(self, facts: Sequence[Json], deadline_ms: int = 2000) -> Explanations:
        """Explain items that a ranker of your own has ranked, from Facts about each."""
        body = {"facts": facts, "deadline_ms": deadline_ms}
        return cast("Explanations", self._send("POST", "/explain", body).json())

    def check(self, facts: Json, text: str, policy: Policy = "strict") -> Verdict:
        """Hold a text against Facts, claim by claim."""
        body = {"facts": facts, "text": text, "policy": policy}
        return cast("Verdict", self._send("POST", "/check", body).json())

    def feedback(self, impression_id: str, item_id: str, kind: Kind) -> None:
        """Tell what somebody thought of an item that was shown, or did with it."""
        body = {"impression_id": impression_id, "item_id": item_id, "kind": kind}
        self._send("POST", "/feedback", body)

    def history(self, user_id: str, limit: int = 100) -> list[Json]:
        """Return what a user touched, latest first."""
        answer = self._send("GET", f"{path_of('users', user_id)}/history?limit={limit}")
        return cast("list[Json]", answer.json()["items"])

    def items(self, search: str = "", limit: int = 20) -> list[Json]:
        """Return items whose title contains the text."""
        asked = httpx.QueryParams({"search": search, "limit": limit})
        return cast("list[Json]", self._send("GET", f"/items?{asked}").json()["items"])

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _send(
        self, method: str, path: str, body: Json | None = None, *, is_stream: bool = False
    ) -> httpx.Response:
        """Return a success; of a stream, one that is to be read and closed."""
        for left in range(self._retries, -1, -1):
            request = self._http.build_request(
                method, f"{self._url}{path}", json=body, headers=self._headers
            )
            response = self._http.send(request, stream=is_stream)
            if not (response.status_code in RETRIED and left):
                break
            response.close()
            time.sleep(wait_s(response))
        if not response.is_success:
            response.read()
            raise_for(response)
        return response
