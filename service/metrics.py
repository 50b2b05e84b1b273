"""Prometheus metrics of one process; names begin with `prism_`, labels hold no user data."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from models.faithfulness import Claim
from ranker.protocol import Ranker

_SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
)  # fmt: skip

_LAG_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Metrics:
    """All metrics, in a registry of their own so that several services may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "prism_requests", "HTTP requests.", ["route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "prism_request_seconds", "Time to answer an HTTP request.", ["route"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._stages = Histogram(
            "prism_stage_seconds",
            "Time in a stage: rank, cache, explain (all waiting), queue, generate, check, encode.",
            ["stage"], buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.explanations = Counter(
            "prism_explanations", "Explanations served.", ["source", "reason"],
            registry=self.registry,
        )  # fmt: skip
        self._impressions = Counter(
            "prism_impressions", "Items shown, by what was shown with them.",
            ["source", "style", "reason"], registry=self.registry,
        )  # fmt: skip
        self._feedback = Counter(
            "prism_feedback", "What people thought of items shown, or did with them.",
            ["kind", "source", "style", "reason"], registry=self.registry,
        )  # fmt: skip
        self.cache = Counter(
            "prism_cache", "Look-ups in the explanation cache: hit or miss.", ["result"],
            registry=self.registry,
        )  # fmt: skip
        self.rejections = Counter(
            "prism_rejected_claims", "Claims for which a generated text was rejected.",
            ["type", "outcome"], registry=self.registry,
        )  # fmt: skip
        self.batch_size = Histogram(
            "prism_batch_size", "Explanations written in one batch.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128), registry=self.registry,
        )  # fmt: skip
        self._failures = Counter(
            "prism_failures", "Failures of a part that the answer did without.", ["part"],
            registry=self.registry,
        )  # fmt: skip
        self._refused = Counter(
            "prism_refused", "Requests and connections refused or cut off, by reason.", ["reason"],
            registry=self.registry,
        )  # fmt: skip
        self.loop_lag = Histogram(
            "prism_loop_lag_seconds", "How late the event loop is: what waits for its turn.",
            buckets=_LAG_S, registry=self.registry,
        )  # fmt: skip
        self._depth = Gauge("prism_queue_depth", "Jobs not done.", registry=self.registry)
        self._oldest = Gauge(
            "prism_queue_oldest_seconds", "Age of the oldest awaited job.", registry=self.registry
        )
        self._dead = Gauge(
            "prism_dead_letters", "Jobs given up, for somebody to look at.", registry=self.registry
        )
        self._out = Gauge(
            "prism_out_of_fleet", "1 while the engine fails or hangs, so that no jobs are taken.",
            registry=self.registry,
        )  # fmt: skip
        self._ranker = Gauge(
            "prism_ranker_info", "The ranker that is running; always 1.", ["name", "version"],
            registry=self.registry,
        )  # fmt: skip
        self._model = Gauge(
            "prism_model_info", "The model that is running; always 1.", ["model"],
            registry=self.registry,
        )  # fmt: skip
        self._warmed = Gauge(
            "prism_warm_hit_ratio", "Share of active users' explanations known after a retrain.",
            registry=self.registry,
        )  # fmt: skip

    def stage(self, stage: str, seconds: float) -> None:
        """Observe the time of a stage."""
        self._stages.labels(stage).observe(seconds)

    def rejected(self, claim: Claim) -> None:
        """Count a claim for which a text was rejected."""
        self.rejections.labels(claim.type, claim.outcome).inc()

    def shown(self, source: str, style: str, reason: str | None, number: int) -> None:
        """Count items that were shown."""
        self._impressions.labels(source, style, reason or "").inc(number)

    def feedback(self, kind: str, source: str, style: str, reason: str | None) -> None:
        """Count what somebody thought of an item that was shown, or did with it."""
        self._feedback.labels(kind, source, style, reason or "").inc()

    def running(self, *, ranker: Ranker | None = None, model: str | None = None) -> None:
        """Say which versions are running, and no others."""
        if ranker is not None:
            self._ranker.clear()
            self._ranker.labels(ranker.name, ranker.version).set(1)
        if model is not None:
            self._model.clear()
            self._model.labels(model).set(1)

    def refused(self, reason: str) -> None:
        """Count a request or connection that was refused or cut off."""
        self._refused.labels(reason).inc()

    def warmed(self, hits: int, total: int) -> None:
        """Report how many explanations of active users were known after a retrain."""
        self._warmed.set(hits / total if total else 0.0)

    def failed(self, part: str) -> None:
        """Count a failure of a part that the answer did without, such as the cache."""
        self._failures.labels(part).inc()

    def queue(self, depth: float, oldest_s: float, dead: float = 0) -> None:
        """Say how many jobs are not done, how long the oldest waits, and how many were given up.

        NaN where nobody knows.
        """
        self._depth.set(depth)
        self._oldest.set(oldest_s)
        self._dead.set(dead)

    def out_of_fleet(self, why: str) -> None:
        """Say whether this process takes no jobs, for whatever reason."""
        self._out.set(bool(why))

    def exposition(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)
