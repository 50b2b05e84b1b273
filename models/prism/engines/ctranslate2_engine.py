"""The Prism on CTranslate2: int8 on a CPU, where it is the default."""

import fcntl
import hashlib
import json
import logging
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Literal

import ctranslate2
from pydantic import BaseModel

from catalog.facts import Evidence, Facts
from catalog.files import write_whole
from catalog.types import Item
from models.prism.engines.conversion import ComputeType, converted
from models.prism.engines.protocol import reading
from models.prism.folder import weights_hash
from models.prism.prompting import Prompting

log = logging.getLogger(__name__)
Device = Literal["cpu", "cuda"]
_CALIBRATION_TEXTS = 32
_CALIBRATION_TOKENS = 32  # of each: what has just begun to learn writes on and on
_CLEARLY_FASTER = 0.85  # of the usual layout's time: less may be what else runs here
_TYPICAL = Facts(
    item=Item(id="0", title="A", categories=("Crime", "Drama"), year=2000),
    evidence=tuple(
        Evidence(id=f"{n}", title=f"{n}", categories=("Crime",), year=1990 + n, liking="loved")
        for n in (1, 2, 3)
    ),
    evidence_kind="contribution",
)
_LARGEST_PART: dict[Device, int] = {"cpu": 16, "cuda": 256}
"""Texts of a batch that a replica writes at a time, at most: on a CPU every replica gets a part of
even a small batch, and several of a large one, so that none waits long for the slowest
(`bench.engines`, batch 64: 4.9x its peer; by 32 it was 4.0x to 4.6x)."""
_PATIENCE_S, _LOOK_S = 300, 0.05
"""How long to wait for another process that converts or measures: far longer than either takes."""
_NICENESS = 10
"""Of the threads that compute: they take whatever cores there are, and beside them an event loop,
of this process or of another, has deadlines to keep."""
_AVX512 = {f"avx512{part}" for part in ("f", "cd", "bw", "dq", "vl")}


class _Calibration(BaseModel):
    """The layout that a calibration found best; its file says what was measured, too."""

    translators: int
    threads: int


class CTranslate2Engine:
    """Greedy texts of a BART folder.

    Parameters
    ----------
    folder : of the Prism
    cache : folder for the calibration and, where the Prism's has none, the converted model; made
        where it is missing
    compute_type : int8, float32 as the reference, or float16 on a GPU
    translators, threads : replicas and the threads of each; by default a replica for each
        core, or what is clearly faster here; on a GPU one replica
    device : "cpu" or "cuda"
    name : what answers call it

    Raises ModelError, also for a GPU that cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        cache: Path,
        compute_type: ComputeType = "int8",
        translators: int | None = None,
        threads: int = 1,
        *,
        device: Device = "cpu",
        name: str = "prism",
    ) -> None:
        self.name = name
        _use_widest_vectors()
        self._prompting = Prompting.of(folder)
        self.version = f"{weights_hash(folder)}-{compute_type}"
        with _alone(cache):
            self._model = converted(folder, self._prompting.tokenizer, compute_type, cache)
            if device == "cuda":
                translators = translators or 1
            elif translators is None:
                kept = cache / f"calibration-{self.version}-{ctranslate2.__version__}"
                translators, threads = _calibrated(self._model, self._prompting, kept)
        self.layout = f"{translators} replicas of {threads} threads"
        self._largest, self._replicas = _LARGEST_PART[device], translators
        self._translator = _translator(self._model, translators, threads, device)
        if device == "cuda":
            # The libraries of a GPU are looked for only when it has to compute.
            with reading(self._model):
                self.write([_TYPICAL])

    def write(self, batch: Sequence[Facts]) -> list[str]:
        """Return one text per Facts; see `Engine`."""
        part = _part(len(batch), self._replicas, self._largest)
        longest = self._prompting.config.max_text
        return _write(self._translator, part, self._prompting, batch, longest)


def _use_widest_vectors() -> None:
    """Let CTranslate2 use AVX-512 where there is one: by itself it stays with AVX2.

    It writes 13% more explanations a second (`bench.engines` on an Intel Xeon, beside the same with
    CT2_FORCE_CPU_ISA=AVX2). CTranslate2's own variable overrules.
    """
    if set(_cpuinfo().split()) >= _AVX512:
        os.environ.setdefault("CT2_FORCE_CPU_ISA", "AVX512")


def _processor() -> str:
    """Return the processor's name, where the system tells it."""
    names = (line for line in _cpuinfo().splitlines() if line.startswith("model name"))
    return next(names, "")


def _cpuinfo() -> str:
    file = Path("/proc/cpuinfo")
    return file.read_text("utf-8") if file.exists() else ""


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Let processes that start together convert and measure one after the other.

    Where that cannot be (the folder is only for reading, or its file system has no locks, or
    somebody stands still with the lock), they do so at once: what each makes is put in place whole.
    """
    with ExitStack() as stack:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((cache / ".lock").open("a"))
            end = time.monotonic() + _PATIENCE_S
            while not _locked(lock):
                if time.monotonic() > end:
                    raise TimeoutError(f"somebody else has had it for {_PATIENCE_S} seconds")
                time.sleep(_LOOK_S)
        except OSError as error:
            log.warning("converted models are used without a lock: %s: %s", cache, error)
        yield


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until it is closed
    except BlockingIOError:
        return False
    return True


def _translator(
    model: Path, translators: int, threads: int, device: Device = "cpu"
) -> ctranslate2.Translator:
    # Its threads inherit the niceness of the one that makes it: on Linux each thread has its own.
    lower = os.nice if sys.platform == "linux" else lambda _: None
    with reading(model), ThreadPoolExecutor(1, initializer=lower, initargs=(_NICENESS,)) as thread:
        making = thread.submit(
            ctranslate2.Translator,
            os.fspath(model), device=device, inter_threads=translators, intra_threads=threads,
        )  # fmt: skip
        return making.result()


def _part(texts: int, replicas: int, largest: int) -> int:
    """Return how many of so many texts a replica writes at a time."""
    return max(1, min(largest, -(-texts // replicas)))


def _write(
    translator: ctranslate2.Translator,
    part: int,
    prompting: Prompting,
    batch: Sequence[Facts],
    longest: int,
) -> list[str]:
    results = translator.translate_batch(
        [prompt.tokens for prompt in prompting.prompts(batch)],
        beam_size=1,
        max_input_length=0,  # prompts are bounded by rule, never cut
        max_decoding_length=longest,
        use_vmap=True,  # where the model has one
        max_batch_size=part,
    )
    # The model may have more tokens than the tokenizer: those stand for nothing.
    number = prompting.tokenizer.token_to_id
    written = [[number(token) or 0 for token in result.hypotheses[0]] for result in results]
    return prompting.texts(written, batch)


def _calibrated(model: Path, prompting: Prompting, kept: Path) -> tuple[int, int]:
    """Return the best (translators, threads of each), measured once for a model and a processor.

    That is a replica for each core, unless another layout is clearly faster. `kept` begins the
    name of the file that keeps it.
    """
    cores = len(os.sched_getaffinity(0))
    usual = (cores, 1)
    choices = {usual, (max(1, cores // 2), 2), (1, cores), (max(1, cores // 2), 1)}
    name = hashlib.sha256(_processor().encode()).hexdigest()[:8]
    file = kept.with_name(f"{kept.name}-{cores}-{name}.json")
    known = _known_layout(file)
    if known in choices:
        return known
    if file.exists():
        log.warning("a calibration is damaged, measured again: %s", file)
    seconds = dict.fromkeys(sorted(choices), math.inf)
    for choice in [*seconds] * 3:  # in turns, so that what else runs here hinders all alike
        seconds[choice] = min(seconds[choice], _seconds(model, prompting, *choice))
    fastest = min(seconds, key=seconds.__getitem__)
    best = fastest if seconds[fastest] < _CLEARLY_FASTER * seconds[usual] else usual
    told = {
        "translators": best[0],
        "threads": best[1],
        "measured": [
            {"translators": t, "threads": n, "seconds": s} for (t, n), s in seconds.items()
        ],
    }
    try:
        write_whole(file, json.dumps(told, indent=2))
    except OSError as error:
        log.warning("what was measured is not kept: %s", error)
    return best


def _known_layout(file: Path) -> tuple[int, int] | None:
    """Return what a file says of an earlier measurement, None where it says nothing."""
    try:
        told = _Calibration.model_validate_json(file.read_bytes())
    except (OSError, ValueError):
        return None
    return told.translators, told.threads


def _seconds(model: Path, prompting: Prompting, translators: int, threads: int) -> float:
    translator = _translator(model, translators, threads)
    part = _part(_CALIBRATION_TEXTS, translators, _LARGEST_PART["cpu"])
    started = time.perf_counter()
    _write(translator, part, prompting, [_TYPICAL] * _CALIBRATION_TEXTS, _CALIBRATION_TOKENS)
    return time.perf_counter() - started
