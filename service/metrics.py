"""Prometheus metrics of one process; names begin with `prism_`, labels hold no user data."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from models.faithfulness import Claim
from service.jobs import Jobs

_SECONDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
)  # fmt: skip


class Metrics:
    """All metrics, in a registry of their own so that several services may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self._info = Gauge(
            "prism_info", "What is running; always 1.", ["ranker", "ranker_version", "model"],
            registry=self.registry,
        )  # fmt: skip

    def stage(self, stage: str, seconds: float) -> None:
        """Observe the time of a stage."""
        self._stages.labels(stage).observe(seconds)

    def rejected(self, claim: Claim) -> None:
        """Count a claim for which a text was rejected."""
        self.rejections.labels(claim.type, claim.outcome).inc()

    def running(self, ranker: str, ranker_version: str, model: str) -> None:
        """Say which versions are running."""
        self._info.labels(ranker, ranker_version, model).set(1)

    def watch(self, jobs: Jobs) -> None:
        """Report the depth of a queue whenever metrics are read."""
        self.registry.register(_QueueDepth(jobs))

    def exposition(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)


class _QueueDepth:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def collect(self) -> list[GaugeMetricFamily]:
        return [
            GaugeMetricFamily("prism_queue_depth", "Jobs waiting.", value=float(self._jobs.depth()))
        ]
