"""What a GPU does for a BART-Base: engines, the worker end to end, training.

`bench/gpu.sh` sets up and runs it. The student has BART-Base's architecture and vocabulary size,
but random weights: a few hundred steps of training teach it to write texts of the usual length, so
that the engines are timed on what they will do. `--small` tries all of it on a CPU in a minute.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import ctranslate2
import torch
import transformers
import typer
from rich.console import Console
from rich.table import Table
from transformers import BartConfig, BartForConditionalGeneration

from bench.measure import in_turns, ratio, write_all
from catalog.facts import Facts
from catalog.facts_file import read_facts, shards
from models.distillation.export import export
from models.distillation.label_grammar import label_with_grammar
from models.distillation.student import save_student, train_tokenizer
from models.distillation.training.config import TrainConfig
from models.distillation.training.loop import train
from models.distillation.training.record import LOG
from models.language.grounded import GroundedEngine
from models.prism.engines.ctranslate2_engine import CTranslate2Engine
from models.prism.engines.protocol import Engine
from models.prism.engines.torch_engine import TorchEngine
from models.prism.forms.references import References
from models.prism.writer import Writer
from service.cache import MemoryCache, cache_key
from service.jobs import Job, LocalJobs
from service.metrics import Metrics
from service.worker import Worker

VOCABULARY, OWN_TOKENS = 50_265, 6_000
BASE = {"d_model": 768, "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072} | {
    f"{side}_{what}": number
    for side in ("encoder", "decoder")
    for what, number in (("layers", 6), ("attention_heads", 12))
}
"""facebook/bart-base's config.json: 139M parameters."""
SMALL = {"d_model": 64, "encoder_ffn_dim": 128, "decoder_ffn_dim": 128} | {
    f"{side}_{what}": 2 for side in ("encoder", "decoder") for what in ("layers", "attention_heads")
}
ROUNDS = 2
_PROBE_S = 40
Loader = Callable[[], Engine]
console = Console(width=110, record=True)


def main(
    facts: Annotated[Path, typer.Argument(help="Folder of Facts files, from prism facts.")],
    work: Annotated[Path, typer.Argument(help="New folder for models; report.txt is the table.")],
    small: Annotated[bool, typer.Option("--small", help="A tiny model on the CPU.")] = False,
) -> None:
    """Train a BART-Base of random weights for a while, then time what serves it."""
    device = "cpu" if small else "cuda"
    console.print(_machine(device))
    started = time.perf_counter()
    labels = work / "labels"
    for _ in label_with_grammar(facts, labels, made_up=0):
        pass
    train_rows = [row.facts for shard in shards(facts) for row in read_facts(shard, "train")]
    base = _untrained(train_rows, work / "base", SMALL if small else BASE)
    config = TrainConfig(
        steps=10 if small else 300, batch=8 if small else 64, rate=5e-4, checkpoint_every=1000
    )
    console.print(_training(labels, work, config, base, device))
    folder = work / "prism"
    export(work / "run", config, base, folder)
    test = [row.facts for shard in shards(facts) for row in read_facts(shard, "test")]
    cases = {1: 5, 10: 20} if small else {1: 6, 10: 50, 64: 256, 256: 512}
    engines = _engines(folder, work, device)
    for said in _speed(engines, test, cases, device):
        console.print(said)
    for batch_size in (8,) if small else (64, 256):
        engine = engines[min(engines)]
        console.print(_worker(engine, test[: 40 if small else 1024], batch_size))
    console.print(f"all of it took {time.perf_counter() - started:.0f} s")
    (work / "report.txt").write_text(console.export_text(), "utf-8")


def _machine(device: str) -> str:
    card = torch.cuda.get_device_name() if device == "cuda" else "no GPU"
    return (
        f"{datetime.now(UTC).date()}: {card}; torch {torch.__version__}, transformers "
        f"{transformers.__version__}, CTranslate2 {ctranslate2.__version__}"
    )


def _untrained(facts: Sequence[Facts], folder: Path, shape: dict[str, int]) -> Path:
    """Write a BART of random weights whose tokenizer has as many tokens as facebook/bart-base's."""
    written = GroundedEngine().write(facts[:5000])
    prompts = [next(References().prompts(one)) for one in facts[:5000]]
    tokenizer = train_tokenizer([*prompts, *written], OWN_TOKENS)
    known = tokenizer.get_vocab_size()
    tokenizer.add_tokens([f"<unused{n}>" for n in range(VOCABULARY - known)])
    torch.manual_seed(0)
    config = BartConfig(vocab_size=VOCABULARY, forced_eos_token_id=None, **shape)
    folder.mkdir(parents=True)
    save_student(BartForConditionalGeneration(config), tokenizer, folder)
    return folder


def _training(labels: Path, work: Path, config: TrainConfig, base: Path, device: str) -> Table:
    _forget_peak(device)
    train(labels, work / "run", config, base)
    steps = [json.loads(line) for line in (work / "run" / LOG).read_text("utf-8").splitlines()]
    seconds = [row["seconds"] for row in steps[len(steps) // 10 :]]
    table = Table("steps", "batch", "steps/s", "rows/s", "loss, first and last", "GPU memory")
    table.title = "training, bf16 products, Muon and AdamW"
    table.add_row(
        str(len(steps)), str(config.batch), f"{1 / median(seconds):.1f}",
        f"{config.batch / median(seconds):.0f}",
        f"{steps[0]['loss']:.2f} to {steps[-1]['loss']:.2f}", _peak(device),
    )  # fmt: skip
    return table


def _engines(folder: Path, work: Path, device: str) -> dict[str, Loader]:
    """Return what loads each engine, the Prism's own first."""
    cache = work / "engines"
    if device == "cpu":
        return {
            "a: torch engine, float32": partial(TorchEngine, folder, "cpu", "float32"),
            "b: CTranslate2, int8": partial(CTranslate2Engine, folder, cache),
        }
    found: dict[str, Loader] = {
        "a: torch engine, float16": partial(TorchEngine, folder, "cuda", "float16"),
        "b: transformers generate, float32": partial(TorchEngine, folder, "cuda", "float32"),
    }
    if why := _why_not(folder, cache):
        console.print(f"CTranslate2 does not run on this card: {why}", markup=False)
    else:
        found["c: CTranslate2, float16"] = partial(
            CTranslate2Engine, folder, cache, "float16", device="cuda"
        )
    return found


def _why_not(folder: Path, cache: Path) -> str:
    """Return why CTranslate2 writes nothing on this card, empty if it does.

    It is tried in a process of its own: with a library of another version it might crash or hang.
    """
    script = (
        "import sys; from pathlib import Path; from service.worker import KNOWN\n"
        "from models.prism.engines.ctranslate2_engine import CTranslate2Engine\n"
        "folder, cache = map(Path, sys.argv[1:])\n"
        "CTranslate2Engine(folder, cache, 'float16', device='cuda').write([KNOWN])\n"
    )
    command = [sys.executable, "-c", script, str(folder), str(cache)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PROBE_S)
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip().rpartition("\n")[2]
    except subprocess.TimeoutExpired:
        return f"it has not written one text in {_PROBE_S} s"
    return ""


def _speed(
    load: dict[str, Loader],
    facts: Sequence[Facts],
    cases: dict[int, int],
    device: str,
) -> list[Any]:
    """Return a table of texts a second and of memory, and how far the engines write the same."""
    loaded: dict[str, Engine] = {}
    table = Table("batch", title="texts a second, median; in brackets GPU memory in use")
    for name, open_engine in load.items():
        loaded[name] = open_engine()
        loaded[name].write(facts[:2])
    for name in loaded:
        table.add_column(name)
    first, *others = loaded
    table.add_column(f"ratio of {first[0]} to each other")
    for size, count in cases.items():
        some = [facts[n % len(facts)] for n in range(count)]
        tasks = {name: partial(write_all, engine, some, size) for name, engine in loaded.items()}
        memory = {name: _used_by(task, device) for name, task in tasks.items()}
        seconds = in_turns(tasks, ROUNDS)
        table.add_row(
            str(size),
            *(f"{count / median(times):.0f} ({memory[name]})" for name, times in seconds.items()),
            "; ".join(ratio(seconds[other], seconds[first]) for other in others),
        )
    texts = {name: engine.write(facts[:256]) for name, engine in loaded.items()}
    alike = [
        f"{other}: {sum(map(str.__eq__, texts[first], texts[other])) / len(texts[first]):.0%}"
        for other in others
    ]
    words = median(len(text.split()) for text in texts[first])
    return [table, f"texts of {words:g} words; equal to those of {first}: {', '.join(alike)}"]


def _used_by(task: Callable[[], object], device: str) -> str:
    """Return what a task leaves in use on the card at its most, of all that runs there."""
    _forget_peak(device)
    task()
    return _peak(device)


def _forget_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak(device: str) -> str:
    if device != "cuda":
        return "none"
    free, total = torch.cuda.mem_get_info()
    return (
        f"torch {torch.cuda.max_memory_allocated() / 1e9:.1f} GB, card {(total - free) / 1e9:.1f}"
    )


def _worker(load: Loader, facts: Sequence[Facts], batch_size: int) -> str:
    """Return how fast a worker answers jobs that are all in its queue: text, check and cache."""
    stages: dict[str, float] = {"generate": 0.0, "check": 0.0}

    def told(stage: str, seconds: float) -> None:
        stages[stage] += seconds

    writer = Writer(load(), "strict", on_stage=told)
    distinct = list({cache_key(writer.fingerprint, one): one for one in facts}.items())
    writer.write([one for _, one in distinct[:batch_size]])
    stages.update(generate=0.0, check=0.0)

    async def answer_all() -> float:
        jobs = LocalJobs(limit=len(distinct))
        worker = Worker(jobs, writer, MemoryCache(1 << 26, 3600), Metrics(), batch_size)
        running = asyncio.create_task(worker.run())
        started = time.perf_counter()
        now = time.monotonic()
        wanted = [Job(key, one, now, now + 3600) for key, one in distinct]
        waiting = await jobs.submit(wanted, 3600)
        await asyncio.gather(*waiting.values())
        took = time.perf_counter() - started
        worker.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return took

    took = asyncio.run(answer_all())
    return (
        f"worker, batches of {batch_size}: {len(distinct) / took:.0f} texts/s end to end; "
        f"seconds of {took:.1f} in generating {stages['generate']:.1f}, in checking "
        f"{stages['check']:.1f} (two batches at once)"
    )


if __name__ == "__main__":
    typer.run(main)
