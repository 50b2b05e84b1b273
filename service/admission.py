"""Admission: more requests than one process can answer in time are refused at the door.

A server that takes whatever comes answers nobody in time once more comes than it can do: all wait
for each other. So the delay of the event loop is measured all the time, and where it shows a
standing queue, fewer requests are let in at once:

    at 0.9 of its capacity   lag 2 ms, 4 requests at work      everybody is let in
    at 3 times its capacity  lag over 50 ms for 100 ms         at most 0.8 of those at work
                             lag 30 ms, somebody was refused   a few more, 100 ms later

A queue is standing if even the smallest delay of an interval is over the target, as in CoDel
(Nichols & Jacobson 2012): one pause, of a machine or of one large request, is none. How many are
let in at once follows as in TCP: it falls by a factor and grows by steps. Requests that only wait
for their texts cost the loop nothing and do not count.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Iterator
from math import inf
from time import monotonic

from service.metrics import Metrics

_BEAT_S = 0.01
"""How often the loop's delay is measured."""
_TARGET_S = 0.05
"""Delay of the loop that is tolerated: what one request may hold it. An answer takes about five
turns of the loop, so that with this delay it still comes within half of a deadline of 500 ms."""
_INTERVAL_S, _SAMPLES = 0.1, 3
"""How long a queue has to stand, and how many delays must show it."""
_FEWER, _MORE = 0.8, 1.1
_LEAST = 8
"""Requests that are let in at once however slow the loop is: fewer would leave it idle."""


class Admission:
    """Decides who is let in, and says how late the loop is."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = monotonic) -> None:
        self.metrics, self._clock = metrics, clock
        self._limit = inf
        self.at_work = self._most_at_work = 0
        self._refused = False
        self._lags: list[float] = []
        self._interval_ends = 0.0
        self.lag_s = 0.0
        """Largest delay of the loop in the last interval, seconds."""

    @property
    def full(self) -> bool:
        """Whether the next request is to be refused."""
        return self.at_work >= self._limit

    def refused(self) -> None:
        """Note that a request was refused."""
        self._refused = True
        self.metrics.refused("overload")

    def enter(self) -> "Ticket":
        """Let a request in; `Ticket.leave` when it is answered."""
        self._more(1)
        return Ticket(self)

    async def run(self) -> None:
        """Measure the loop's delay, for ever."""
        while True:
            due = self._clock() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            self.measured(max(0.0, self._clock() - due))

    def measured(self, lag_s: float) -> None:
        """Take a delay of the loop into account."""
        self.metrics.loop_lag.observe(lag_s)
        self._lags.append(lag_s)
        now = self._clock()
        if now < self._interval_ends or len(self._lags) < _SAMPLES:
            return
        if min(self._lags) > _TARGET_S:
            at_once = min(self._limit, self._most_at_work)
            self._limit = max(_LEAST, int(at_once * _FEWER))
        elif self._refused:
            self._limit = max(self._limit + 1, int(self._limit * _MORE))
        self.lag_s = max(self._lags)
        self._lags.clear()
        self._refused, self._most_at_work = False, self.at_work
        self._interval_ends = now + _INTERVAL_S

    def _more(self, requests: int) -> None:
        self.at_work += requests
        self._most_at_work = max(self._most_at_work, self.at_work)


class Ticket:
    """One request that was let in."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._left = False

    def leave(self) -> None:
        """The request has come to its end."""
        if not self._left:
            self._left = True
            self._admission._more(-1)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the request out for the time of the block, in which it costs the loop nothing."""
        self._admission._more(-1)
        try:
            yield
        finally:
            self._admission._more(1)


TICKET: contextvars.ContextVar[Ticket | None] = contextvars.ContextVar("ticket", default=None)
"""That of the request at hand."""


def waiting() -> contextlib.AbstractContextManager[None]:
    """Count the request at hand out while it waits for somebody else; see `Ticket.waiting`."""
    ticket = TICKET.get()
    return contextlib.nullcontext() if ticket is None else ticket.waiting()
