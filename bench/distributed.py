"""What the distributed deployment costs beside the engine alone, and a cached answer.

Starts Redis, ranker, worker and gateway as processes of their own. "BART-Base-sized" is a model of
that size with random weights: its texts are nonsense of full length, all rejected, but it computes
as the real one does.
"""

import resource
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx
import torch
from redis import Redis
from rich.table import Table
from transformers import BartConfig, BartForConditionalGeneration

from bench import processes
from bench.measure import console, quantiles, write_all
from bench.processes import Deployment
from catalog import dataset as datasets
from catalog.facts import Facts
from models.distillation.student import save_student, train_tokenizer
from models.prism.engines.choice import open_engine
from models.prism.forms.references import References
from ranker.als import AlsRanker
from ranker.evidence import recommendations
from service.settings import Settings
from service.worker import IN_FLIGHT

USERS = {"small": 100, "BART-Base-sized": 60}
AT_ONCE = 8
"""Users that are asked about at a time: their texts are more than two batches of a worker."""
DEADLINE_MS = 120_000
"""A slow machine, too, has to write all texts before it, or it is measured how fast it gives up."""
WARM_ROUNDS = 300


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        base = _base_sized(Path(folder) / "base")
        throughput = Table(
            "engine", "raw", "embedded", "distributed", "distributed / raw",
            "CPU ms outside the engine", title="explanations a second, users never seen before",
        )  # fmt: skip
        for name, model in {"small": "small", "BART-Base-sized": str(base)}.items():
            throughput.add_row(name, *_throughput(model, USERS[name]))
        console.print(throughput)
        with processes.distributed() as gateway:
            console.print(_cached(gateway))


# ---------------------------------------------------------------------- throughput


def _throughput(model: str, users: int) -> list[str]:
    facts = _facts(users)
    engine = open_engine(model, Settings().engines)
    engine.write(facts[:4])
    cpu, started = _own_cpu(), perf_counter()
    write_all(engine, facts, Settings().batch_size, IN_FLIGHT)
    raw = len(facts) / (perf_counter() - started)
    raw_cpu = (_own_cpu() - cpu) / len(facts)
    del engine
    ids = [str(user) for user in range(1, users + 1)]
    patient = {"PRISM_MAX_DEADLINE_MS": str(DEADLINE_MS)}
    with processes.embedded(model, **patient) as embedded:
        alone, _ = _rate(embedded, ids)
    with processes.distributed(model, **patient) as gateway:
        together, cpu = _rate(gateway, ids)
    return [
        f"{raw:.0f}", f"{alone:.0f}", f"{together:.0f}", f"{together / raw:.0%}",
        f"{(cpu / len(facts) - raw_cpu) * 1000:.1f}",
    ]  # fmt: skip


def _rate(service: Deployment, users: list[str]) -> tuple[float, float]:
    """Return explanations a second and the CPU seconds they took."""
    pool = ThreadPoolExecutor(AT_ONCE)
    with httpx.Client(base_url=service.url, timeout=DEADLINE_MS / 1000) as client, pool:
        client.get("/recommend?user_id=671&k=1&deadline_ms=30000")
        paths = [f"/recommend?user_id={user}&deadline_ms={DEADLINE_MS}" for user in users]
        used, started = service.cpu(), perf_counter()
        answers = [response.json() for response in pool.map(client.get, paths)]
        seconds = perf_counter() - started
    assert all(answer["degraded"] == [] for answer in answers)
    return sum(len(answer["items"]) for answer in answers) / seconds, service.cpu() - used


def _facts(users: int) -> list[Facts]:
    dataset, ranker = datasets.load(Path("data/demo")), AlsRanker.load(Path("data/ranker"))
    histories = [dataset.history(str(user)) for user in range(1, users + 1)]
    rankings = ranker.rank(histories, 10, [frozenset()] * len(histories))
    return [
        row.facts
        for history, ranking in zip(histories, rankings, strict=True)
        for row in recommendations(dataset, history, ranking.items)
    ]


def _base_sized(folder: Path) -> Path:
    """Make a model of facebook/bart-base's shape, with a small tokenizer."""
    tokenizer = train_tokenizer([next(References().prompts(facts)) for facts in _facts(20)], 1000)
    torch.manual_seed(0)
    config = BartConfig(
        vocab_size=50_265, d_model=768, encoder_layers=6, decoder_layers=6,
        encoder_ffn_dim=3072, decoder_ffn_dim=3072, encoder_attention_heads=12,
        decoder_attention_heads=12, forced_eos_token_id=None,
    )  # fmt: skip
    folder.mkdir()
    save_student(BartForConditionalGeneration(config), tokenizer, folder)
    return folder


# ---------------------------------------------------------------------- a cached answer


def _cached(deployment: Deployment) -> Table:
    path = "/recommend?user_id=42&k=10"
    milliseconds: dict[str, list[float]] = {}

    def timed(name: str, do: Callable[[], object]) -> None:
        started = perf_counter()
        do()
        milliseconds.setdefault(name, []).append((perf_counter() - started) * 1000)

    with (
        httpx.Client(base_url=deployment.url, timeout=30) as gateway,
        httpx.Client(base_url=deployment.ranker, timeout=30) as ranker,
        ExitStack() as stack,
    ):
        answer = gateway.get(path + "&deadline_ms=30000")
        bare = stack.enter_context(processes.bare(answer.content))
        peer = stack.enter_context(httpx.Client(base_url=bare, timeout=30))
        redis = Redis.from_url(deployment.redis)
        keys = [f"prism:text:{item['explanation']['id']}" for item in answer.json()["items"]]
        question = {"queries": [{"user_id": "42", "k": 10}]}
        for _ in range(WARM_ROUNDS):
            timed("cached /recommend", lambda: gateway.get(path))
            timed("bare route, same bytes", lambda: peer.get("/"))
            timed("ranker, POST /rank", lambda: ranker.post("/rank", json=question))
            timed("Redis, MGET of 10", lambda: redis.mget(keys))
    table = quantiles("a cached answer and the sum of its parts", milliseconds)
    whole, *parts = (median(values) for values in milliseconds.values())
    table.add_row("cached / sum of the parts", f"{whole / sum(parts):.2f}x", "", "", "")
    return table


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
