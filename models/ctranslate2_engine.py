"""The Prism on CTranslate2: int8 on a CPU, where it is the default."""

import fcntl
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import ctranslate2
from tokenizers import Tokenizer

from catalog.facts import Evidence, Facts
from catalog.files import write_whole
from catalog.types import Item
from models.conversion import ComputeType, converted
from models.engine import ModelError
from models.prism import MAX_TEXT, load_tokenizer, prompt_tokens, weights_hash
from models.references import with_names

_CALIBRATION_TEXTS = 32
_CLEARLY_FASTER = 0.85  # of the usual layout's time: less may be what else runs here
_TYPICAL = Facts(
    item=Item(id="0", title="A", categories=("Crime", "Drama"), year=2000),
    evidence=tuple(
        Evidence(id=f"{n}", title=f"{n}", categories=("Crime",), year=1990 + n, liking="loved")
        for n in (1, 2, 3)
    ),
    evidence_kind="contribution",
)
_AVX512 = {f"avx512{part}" for part in ("f", "cd", "bw", "dq", "vl")}


class CTranslate2Engine:
    """Greedy texts of a BART folder.

    Parameters
    ----------
    folder : of the Prism
    cache : folder for the converted model and the calibration; made where it is missing
    compute_type : int8, or float32 as the reference
    translators, threads : replicas and the threads of each; by default a replica for each
        core, or what is clearly faster here
    name : what answers call it
    """

    def __init__(
        self,
        folder: Path,
        cache: Path,
        compute_type: ComputeType = "int8",
        translators: int | None = None,
        threads: int = 1,
        *,
        name: str = "prism",
    ) -> None:
        self.name = name
        _use_widest_vectors()
        self._tokenizer = load_tokenizer(folder)
        self.version = f"{weights_hash(folder)}-{compute_type}"
        with _alone(cache):
            self._model = converted(folder, self._tokenizer, compute_type, cache)
            if translators is None:
                translators, threads = _calibrated(self._model, self._tokenizer)
        self.layout = f"{translators} replicas of {threads} threads"
        self._translators = translators
        self._translator = _translator(self._model, translators, threads)

    def write(self, batch: Sequence[Facts]) -> list[str]:
        """Return one text per Facts; see `Engine`."""
        prompts = prompt_tokens(self._tokenizer, batch)
        texts = _write(self._translator, self._translators, self._tokenizer, prompts)
        return [with_names(text, facts) for text, facts in zip(texts, batch, strict=True)]


def _use_widest_vectors() -> None:
    """Let CTranslate2 use AVX-512 where there is one: by itself it stays with AVX2.

    It writes 13% more explanations a second (`bench.engines` on an Intel Xeon, beside the same with
    CT2_FORCE_CPU_ISA=AVX2). CTranslate2's own variable overrules.
    """
    processor = Path("/proc/cpuinfo")
    if processor.exists() and set(processor.read_text("utf-8").split()) >= _AVX512:
        os.environ.setdefault("CT2_FORCE_CPU_ISA", "AVX512")


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Let processes that start together convert and measure one after the other.

    Raises ModelError where the folder cannot be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / ".lock").open("w")
    except OSError as error:
        raise ModelError(
            f"{cache} cannot be written ({error.strerror}): PRISM_ENGINES names the folder for "
            "converted models"
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        yield


def _translator(model: Path, translators: int, threads: int) -> ctranslate2.Translator:
    return ctranslate2.Translator(
        os.fspath(model), device="cpu", inter_threads=translators, intra_threads=threads
    )


def _write(
    translator: ctranslate2.Translator,
    translators: int,
    tokenizer: Tokenizer,
    prompts: Sequence[list[str]],
) -> list[str]:
    results = translator.translate_batch(
        list(prompts),
        beam_size=1,
        max_input_length=0,  # prompts are bounded by rule, never cut
        max_decoding_length=MAX_TEXT,
        use_vmap=True,  # where the model has one
        # Every replica gets a part of even a small batch, and several of a large one, so that none
        # waits long for the slowest (`bench.engines`, batch 64: 4.9x its peer; by 32 it was 4.0x
        # to 4.6x).
        max_batch_size=max(1, min(16, -(-len(prompts) // translators))),
    )
    texts = []
    for result in results:
        # The model may have more tokens than the tokenizer: those stand for nothing.
        ids = [tokenizer.token_to_id(token) or 0 for token in result.hypotheses[0]]
        texts.append(tokenizer.decode(ids))
    return texts


def _calibrated(model: Path, tokenizer: Tokenizer) -> tuple[int, int]:
    """Return the best (translators, threads of each), measured once for a model and its cores.

    That is a replica for each core, unless another layout is clearly faster.
    """
    cores = len(os.sched_getaffinity(0))
    file = model / f"calibration-{cores}.json"
    if not file.exists():
        usual = (cores, 1)
        choices = {usual, (max(1, cores // 2), 2), (1, cores), (max(1, cores // 2), 1)}
        seconds = dict.fromkeys(sorted(choices), math.inf)
        for choice in [*seconds] * 3:  # in turns, so that what else runs here hinders all alike
            seconds[choice] = min(seconds[choice], _seconds(model, tokenizer, *choice))
        fastest = min(seconds, key=seconds.__getitem__)
        best = fastest if seconds[fastest] < _CLEARLY_FASTER * seconds[usual] else usual
        told = {
            "translators": best[0],
            "threads": best[1],
            "measured": [
                {"translators": t, "threads": n, "seconds": s} for (t, n), s in seconds.items()
            ],
        }
        write_whole(file, json.dumps(told, indent=2))
    found = json.loads(file.read_text("utf-8"))
    return found["translators"], found["threads"]


def _seconds(model: Path, tokenizer: Tokenizer, translators: int, threads: int) -> float:
    translator = _translator(model, translators, threads)
    prompts = prompt_tokens(tokenizer, [_TYPICAL] * _CALIBRATION_TEXTS)
    started = time.perf_counter()
    _write(translator, translators, tokenizer, prompts)
    return time.perf_counter() - started
