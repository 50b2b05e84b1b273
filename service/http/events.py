"""Server-sent events: a response that says each thing when it is there, to whoever reads it.

    event: items
    data: {"user_id":"42","items":[{"rank":1,"title":"Heat","explanation":null}]}

    event: explanation
    data: {"rank":1,"item_id":"6","explanation":{"text":"You loved “Ronin”, so …"}}

The data are JSON on one line, whatever stands in a title. A client that is gone ends the work on
its stream, as on any request; one that does not read is cut off, or it would keep its place.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from service import admission
from service.metrics import Metrics

_TAKE_S = 10.0
"""Time to read what was sent, and to read the end of a stream after its deadline."""


def event(name: str, data: bytes) -> bytes:
    """Return an event as it is sent; `data` is JSON."""
    return format_sse_event(event=name, data_str=data.decode())


class EventStream(StreamingResponse):
    """Sends events as they come.

    Parameters
    ----------
    events : what is sent; closed at the end, or when nobody is there any more
    deadline : monotonic seconds by which the last event is there
    metrics : counts clients that do not read
    """

    media_type = "text/event-stream"

    def __init__(
        self, events: AsyncGenerator[bytes, None], deadline: float, metrics: Metrics
    ) -> None:
        # Some proxies would gather the events, and send them all at once.
        super().__init__(events, headers={"X-Accel-Buffering": "no"})
        self._events, self._deadline, self._metrics = events, deadline, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; see `StreamingResponse`."""
        try:
            async with asyncio.timeout_at(self._deadline + _TAKE_S), aclosing(self._events):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            self._metrics.refused("slow reader")

    async def stream_response(self, send: Send) -> None:
        """Send what there is; see `StreamingResponse`."""

        async def send_in_time(message: Message) -> None:
            # Who waits for a client to read holds nobody up.
            with admission.waiting(_TAKE_S):
                async with asyncio.timeout(_TAKE_S):
                    await send(message)

        await super().stream_response(send_in_time)
