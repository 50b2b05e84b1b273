"""Stages of one request: for the metrics, the Server-Timing header and the end of a stream."""

from time import monotonic

from service.metrics import Metrics

_OBSERVED = {"rank", "encode"}
"""Stages that are observed here: the explainer observes its own."""


class Timing:
    """Adds up the time of each stage, from now on."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._started = self._last = monotonic()
        self._seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """End a stage, or a part of one."""
        now = monotonic()
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def end(self) -> dict[str, float]:
        """Return the milliseconds of each stage and of all together, once all are over."""
        for stage in self._seconds.keys() & _OBSERVED:
            self._metrics.stage(stage, self._seconds[stage])
        stages = {**self._seconds, "total": self._last - self._started}
        return {stage: round(seconds * 1000, 2) for stage, seconds in stages.items()}


def header(milliseconds: dict[str, float]) -> dict[str, str]:
    """Return stages as the header Server-Timing."""
    parts = (f"{stage};dur={duration:.2f}" for stage, duration in milliseconds.items())
    return {"Server-Timing": ", ".join(parts)}
