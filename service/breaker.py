"""A circuit breaker: a part that does not answer is left alone for a while, not asked by everybody.

Five requests in a row find the ranking service silent. The sixth is told at once that it is gone,
and so is everybody for two seconds; then one question is let through. Its answer closes the circuit
or opens it anew. Who asks with little time learns little from waiting in vain, so a time that runs
out counts only once nothing at all has been answered for a while.
"""

import math
from collections.abc import Callable
from time import monotonic


class LeftAloneError(RuntimeError):
    """The part did not answer of late, and is not asked now."""


class Breaker:
    """Tells whether a part may be asked.

    Parameters
    ----------
    failures : failures in a row that open the circuit
    open_s : seconds for which nothing is asked then
    fair_s : seconds without any answer after which a time that ran out is a failure
    clock : monotonic seconds
    """

    def __init__(
        self,
        failures: int = 5,
        open_s: float = 2.0,
        fair_s: float = 1.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limit, self._open_s, self._fair_s, self._clock = failures, open_s, fair_s, clock
        self._failures = 0
        self._until = 0.0
        self._unanswered_since = math.inf

    @property
    def open(self) -> bool:
        """Whether questions are turned away now."""
        return self._failures >= self._limit and self._clock() < self._until

    def before(self) -> None:
        """Raise LeftAloneError while the circuit is open; let one question try after."""
        if self.open:
            raise LeftAloneError("it did not answer of late, and is not asked for a moment")
        now = self._clock()
        if self._failures >= self._limit:
            self._until = now + self._open_s
        self._unanswered_since = min(self._unanswered_since, now)

    def succeeded(self) -> None:
        """Close the circuit."""
        self._failures = 0
        self._unanswered_since = math.inf

    def failed(self) -> None:
        """Count a failure."""
        self._failures += 1
        self._until = self._clock() + self._open_s

    def timed_out(self) -> None:
        """Count a failure, unless the asker had less time than is fair and others had answers."""
        if self._clock() - self._unanswered_since >= self._fair_s:
            self.failed()
