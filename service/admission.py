"""Admission: more requests than one process can answer in time are refused at the door.

A server that takes whatever comes answers nobody in time once more comes than it can do: all wait
for each other. So the time that a request takes is measured, and divided by the number that were at
work meanwhile, itself included: that is how long each one of them holds the others up.

    1 at work, answered in 8 ms       8 ms each    so 25 at once are answered within 200 ms
    30 at work, answered in 150 ms    5 ms each    so 40 at once are
    more than 40 come again and again              the 41st is refused
    80 come after a calm second                    all are let in: a burst may be twice as many

Three more rules:

- Requests that only wait for their texts hold nobody up: they are not at work, and that time is not
  counted. But all of them have to be answered in the end. If a request takes 5 ms and may wait for
  1 s, 200 may wait: they can be answered one after the other in that second.
- The time that another service takes (the ranker) is not counted either, unless it takes longer
  than usual: then it has too much to do, and less is let in here.
- The delay of the event loop is measured, as everything that waits for its turn is late by so much.
  Nobody is refused for it, but waiting for texts ends the sooner (`service.explain`).
"""

import asyncio
import contextlib
import contextvars
import math
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic

from service.metrics import Metrics

OVERLOAD = "urn:prism:overload"
"""The type of the problem that a request is refused with."""
_TARGET_S = 0.2
"""Time in which those who are let in are to be answered, waiting apart: less than half of 500 ms,
the shortest deadline that is kept under load (docs/floods.md)."""
_BURST, _CALM_S = 2, 1.0
"""How many times as many a burst may be. It counts as one if none was refused for `_CALM_S`."""
_LEAST = 8
"""Requests that are let in at once, however long they take: fewer would leave the process idle."""
_FIRST_S, _WEIGHT, _MOST_TIMES = 0.005, 0.05, 4
"""How long a request holds up others, before any is measured; the weight of each measurement in the
mean; and the cap of one, in times the mean: a pause of the machine says nothing of requests."""
_BEAT_S, _BEATS = 0.01, 20
"""How often the loop's delay is measured, and for how many times the largest is remembered."""


class Admission:
    """Decides who is let in, and says how late the loop is."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = monotonic) -> None:
        self.metrics, self.clock = metrics, clock
        self.at_work = self._waiting = 0
        self._granted_s = 0.0  # to those who wait, together
        self._refused_at = -math.inf
        self._each_s = _FIRST_S
        self._lags: deque[float] = deque([0.0], maxlen=_BEATS)

    @property
    def full(self) -> bool:
        """Whether the next request is to be refused."""
        if (
            self._waiting > _LEAST
            and self._waiting * self._each_s > self._granted_s / self._waiting
        ):
            return True
        is_calm = self.clock() - self._refused_at >= _CALM_S
        limit = max(_LEAST, _TARGET_S / self._each_s)
        return self.at_work >= (_BURST * limit if is_calm else limit)

    def refuse(self) -> None:
        """Note that a request was refused."""
        self._refused_at = self.clock()
        self.metrics.refused("overload")

    def enter(self) -> "Ticket":
        """Let a request in; `Ticket.leave` when it is answered."""
        return Ticket(self)

    def answered(self, seconds: float, beside: float) -> None:
        """Learn that a request took so long with so many at work, itself included."""
        each = min(seconds / max(1.0, beside), _MOST_TIMES * self._each_s)
        self._each_s += _WEIGHT * (each - self._each_s)

    def wait(self, requests: int, granted_s: float) -> None:
        """Count `requests` more as waiting, and as many fewer as at work; see `Ticket.waiting`.

        Both numbers are negative when waiting is over. `granted_s` is how long they may wait, all
        together, in seconds.
        """
        self.at_work -= requests
        self._waiting += requests
        self._granted_s += granted_s

    @property
    def lag_s(self) -> float:
        """Largest delay of the event loop of late, seconds."""
        return max(self._lags)

    async def measure_lag(self) -> None:
        """Measure the loop's delay, for ever."""
        while True:
            due = self.clock() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            lag = max(0.0, self.clock() - due)
            self.metrics.loop_lag.observe(lag)
            self._lags.append(lag)


class Ticket:
    """One request that was let in, and at work unless it waits."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        admission.at_work += 1
        self._entered, self._beside = admission.clock(), admission.at_work
        self._waited_s = 0.0

    def leave(self, *, answered: bool = True) -> None:
        """Come to an end, answered or given up."""
        admission = self._admission
        if answered:
            seconds = admission.clock() - self._entered - self._waited_s
            admission.answered(seconds, (self._beside + admission.at_work) / 2)
        admission.at_work -= 1

    @property
    def began(self) -> float:
        """When the whole request, body included, had arrived, seconds of the clock.

        It is right once the body is there, and until the request waits for a ranking or for texts:
        such time is left out of the request's (`spare`, `waiting`), and would be added here.
        """
        return self._entered + self._waited_s

    def spare(self, seconds: float) -> None:
        """Leave `seconds` out of its time: its body came slowly, or another service was at work."""
        self._waited_s += seconds

    @contextlib.contextmanager
    def waiting(self, granted_s: float) -> Iterator[None]:
        """Be not at work for the time of the block, which is at most so long."""
        self._admission.wait(1, granted_s)
        since = self._admission.clock()
        try:
            yield
        finally:
            self._admission.wait(-1, -granted_s)
            self._waited_s += self._admission.clock() - since


TICKET: contextvars.ContextVar[Ticket | None] = contextvars.ContextVar("ticket", default=None)
"""That of the request at hand."""


def began() -> float:
    """Return the time at which the whole request at hand had arrived, monotonic seconds.

    Its deadline is counted from then. Under a server that gives no tickets, it is now.
    """
    ticket = TICKET.get()
    return monotonic() if ticket is None else ticket.began


def spare(seconds: float) -> None:
    """Leave `seconds` out of the time of the request at hand; see `Ticket.spare`."""
    ticket = TICKET.get()
    if ticket is not None:
        ticket.spare(seconds)


def waiting(granted_s: float) -> contextlib.AbstractContextManager[None]:
    """Let the request at hand, if there is one, be not at work while it waits for its texts."""
    ticket = TICKET.get()
    return contextlib.nullcontext() if ticket is None else ticket.waiting(granted_s)
