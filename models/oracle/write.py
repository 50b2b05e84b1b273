"""Writing: an Oracle is asked for what a folder of texts still lacks, and every answer is kept.

What is there is known by Facts, sample, prompt, Oracle, model and parameters: a run that was
killed, or that shall have more samples, goes on with what is missing, and nothing is paid twice.

    order = Order(Path("data/facts"), Path("data/texts"), samples=2)
    with Writing(order, oracle) as writing:  # 3,000 are there, 197,000 are left
        for outcome in writing.run(stop):
            ...
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any, Literal, Self

from catalog import facts_file
from catalog.facts_file import Sample, Split
from models.oracle.prompts import ORACLE_PROMPT_VERSION
from models.oracle.protocol import (
    Answer,
    Oracle,
    OracleError,
    Outcome,
    Prompt,
    Request,
    Tokens,
    prompt_hash,
)
from models.oracle.texts import WHOLE, Part, Shard, read_rows, texts_shards

Rows = Literal["train", "test", "all"]
_FAILURES_IN_A_ROW = 25
"""After which a run ends: something is wrong that does not pass."""


@dataclass(frozen=True, slots=True)
class Order:
    """What shall be written.

    Attributes
    ----------
    facts, texts : folders of Facts files, and of the texts
    samples : texts for each of the Facts
    rows : of the Facts files: for training, for evaluation, or both
    limit : at most so many Facts of the part, the first ones
    part : of the Facts
    """

    facts: Path
    texts: Path
    samples: int = 1
    rows: Rows = "train"
    limit: int | None = None
    part: Part = WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing(Request):
    """A text that is not there yet, and what its row will say of it."""

    source: Sample
    digest: bytes
    prompt: Prompt | None


def missing(order: Order, oracle: Oracle, keys: set[bytes]) -> Iterator[Missing]:
    """Yield the texts of an order whose key is not there, and add it: no key comes twice."""
    facts = 0
    for sample in _samples(order):
        digest = sample.facts.digest()
        if not order.part.holds(digest):
            continue
        if facts == order.limit:
            return
        facts += 1
        prompt = next(iter(oracle.prompts(sample.facts)), None)
        hashed = prompt_hash(prompt) if prompt else None
        for number in range(order.samples):
            key = _key(digest.hex(), number, hashed, _author(oracle))
            if key not in keys:
                keys.add(key)
                yield Missing(sample.facts, number, source=sample, digest=digest, prompt=prompt)


def left(order: Order, oracle: Oracle) -> Iterator[Missing]:
    """Yield the texts of an order that are not there yet, whoever is writing them."""
    return missing(order, oracle, _keys_of(order.texts))


def _samples(order: Order) -> Iterator[Sample]:
    splits: tuple[Split, ...] = ("train", "test") if order.rows == "all" else (order.rows,)
    for shard in facts_file.shards(order.facts):
        for split in splits:
            yield from facts_file.read_facts(shard, split)


def _keys_of(folder: Path) -> set[bytes]:
    """Return the keys of all texts of a folder."""
    return {
        _key(row["digest"], row["sample"], row["prompt_sha256"], _author_of(row))
        for shard in texts_shards(folder)
        for row in read_rows(shard)
        if "text" in row
    }


def _key(digest: str, sample: int, prompt: str | None, author: str) -> bytes:
    return hashlib.sha256(f"{digest} {sample} {prompt} {author}".encode()).digest()[:16]


def _author(oracle: Oracle) -> str:
    return _told(oracle.name, oracle.model, oracle.parameters)


def _author_of(row: Mapping[str, Any]) -> str:
    return _told(row["oracle"], row["model"], row["parameters"])


def _told(oracle: str, model: str, parameters: Mapping[str, object]) -> str:
    return json.dumps([oracle, model, dict(parameters)], sort_keys=True)


class Writing:
    """An order that is being filled; its shard is locked meanwhile.

    Attributes
    ----------
    done, left : how many of the texts were there at the start, and how many were not
    """

    def __init__(self, order: Order, oracle: Oracle) -> None:
        self._order, self._oracle = order, oracle
        self._shard = Shard(order.texts, order.part)
        try:
            self._keys = _keys_of(order.texts)
            wanted = sum(1 for _ in missing(order, oracle, set()))
            self.left = sum(1 for _ in missing(order, oracle, set(self._keys)))
            self.done = wanted - self.left
            if oracle.budget:
                oracle.budget.used = self._spent()
        except BaseException:
            self._shard.close()
            raise

    def _spent(self) -> Tokens:
        """Return the tokens that all rows of the shard used that are of this Oracle and model."""
        used = Tokens()
        for row in read_rows(self._shard.path):
            if (row["oracle"], row["model"]) == (self._oracle.name, self._oracle.model):
                for kind in ("tokens", "lost"):
                    used += Tokens(**row.get(kind, {}))
        return used

    def run(self, stop: Event) -> Iterator[Outcome]:
        """Write row after row, and yield what came of each once it is kept.

        Many failures in a row set `stop`, and raise OracleError after what is in flight.
        """
        failures, last = 0, ""
        requests = missing(self._order, self._oracle, self._keys)
        for request, outcome in self._oracle.write(requests, stop):
            self._shard.append(_row(request, outcome, self._oracle))
            yield outcome
            failures, last = (
                (0, "") if isinstance(outcome, Answer) else (failures + 1, outcome.error)
            )
            if failures == _FAILURES_IN_A_ROW:
                stop.set()
        if failures >= _FAILURES_IN_A_ROW:
            raise OracleError(f"{failures} failures in a row; the last: {last}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shard.close()


def _row(request: Missing, outcome: Outcome, oracle: Oracle) -> dict[str, Any]:
    row: dict[str, Any] = {
        "facts": json.loads(request.facts.canonical()),
        "digest": request.digest.hex(),
        "sample": request.sample,
        "split": request.source.split,
        "unseen": request.source.unseen,
        "page": request.source.page,
        "prompt_sha256": prompt_hash(request.prompt) if request.prompt else None,
        "prompt_version": ORACLE_PROMPT_VERSION if request.prompt else None,
        "oracle": oracle.name,
        "model": oracle.model,
        "parameters": dict(oracle.parameters),
    }
    if isinstance(outcome, Answer):
        told = {"tokens": asdict(outcome.tokens), "finish": outcome.finish}
        row = {"text": outcome.text, **row, **told}
    else:
        row = {"error": outcome.error, **row}
    return {**row, "lost": asdict(outcome.lost)} if outcome.lost != Tokens() else row
