"""Stand-ins: grounded sentences for texts that are not there in time, made by the deadline, too.

Forty pages wait for the Prism until shortly before their deadline, in 2 s, and no text comes. The
ten sentences of a page take 20 ms: were all begun at the end, the last would be late by 0.8 s. So
each page has a slot of its own, and stops waiting when its slot begins (but not in its first
quarter of a second, see `service.explain`):

    the first page waits 1.83 s, the second 1.81 s, …, the fortieth 1.05 s

Where texts come, their slot is free again.
"""

import asyncio
import math
from bisect import insort
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, perf_counter

from catalog.facts import Facts
from models.prism.writer import Reason, Written, grounded_text

_TEXT_S, _WEIGHT = 0.002, 0.05
"""How long a sentence is thought to take at first, and the weight of each that is measured."""


class StandIns:
    """Makes stand-ins, one page after the other, and knows when to begin with those of a page."""

    def __init__(self) -> None:
        # One thread: several would take turns, and all of their pages would come at the end.
        self._thread = ThreadPoolExecutor(1, "stand-ins")
        self._text_s = _TEXT_S
        self._slots: list[tuple[float, float]] = []  # begin and end, in order
        self._longest_s, self._longest_at = 0.0, 0.0

    async def make(
        self, facts: Mapping[str, Facts], reasons: Mapping[str, Reason | None]
    ) -> dict[str, Written]:
        """Return a grounded text for each key with its reason, None where it was asked for."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._make, facts, reasons
        )

    def _make(
        self, facts: Mapping[str, Facts], reasons: Mapping[str, Reason | None]
    ) -> dict[str, Written]:
        started = perf_counter()
        made = {key: grounded_text(facts[key], why) for key, why in reasons.items()}
        if made:
            seconds = (perf_counter() - started) / len(made)
            self._text_s += _WEIGHT * (seconds - self._text_s)
        return made

    @contextmanager
    def slot(self, texts: int, end: float) -> Iterator[float]:
        """Keep time for so many texts within the block; yields when it begins (monotonic seconds).

        It ends at `end` at the latest, and at no time for which another one is kept.
        """
        seconds = texts * self._text_s
        begin = end - seconds
        for other, its_end in reversed(self._slots):
            if its_end <= begin:
                break
            begin = min(begin, other - seconds)
        slot = (begin, begin + seconds)
        insort(self._slots, slot)
        try:
            yield begin
        finally:
            self._slots.remove(slot)

    def took(self, seconds: float) -> None:
        """Remember how long a page had to wait for its stand-ins."""
        now = monotonic()
        if seconds > self.longest_s(now):
            self._longest_s, self._longest_at = seconds, now

    def longest_s(self, now: float) -> float:
        """Return how long pages had to wait of late: the longest, half of it a second later."""
        return self._longest_s * math.pow(0.5, now - self._longest_at)
