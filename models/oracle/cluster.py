"""Writes on a Ray cluster: the order in parts, each written by whatever node is free.

A part is a shard of the texts, so their folder, and that of the Facts, must be on a file system
that all nodes share. When a node dies, Ray gives its parts to others, which go on after the last
row: nothing is written twice.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

from models.oracle.protocol import Oracle, OracleError
from models.oracle.texts import LockedError, Part
from models.oracle.write import Order, Writing

_LOCKED_S, _TICK_S = 300.0, 0.5
"""How long a part waits for the process that wrote it before, on a node thought to be dead."""


@dataclass(frozen=True, slots=True)
class PartDone:
    """A part that was gone through; `error` is why it ended early, or empty."""

    part: int
    error: str


def write_on_cluster(order: Order, oracle: Oracle, parts: int) -> Iterator[PartDone]:
    """Write an order in so many parts on the cluster of RAY_ADDRESS, or on this machine's cores.

    Each worker of the Oracle hf has a GPU to itself, where the cluster has any. Raises OracleError.
    """
    import ray  # noqa: PLC0415 - 240 MB that only a cluster needs
    import ray.data  # noqa: PLC0415

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    has = ray.cluster_resources()
    gpus = 1 if oracle.name == "hf" and has.get("GPU") else 0
    workers = max(1, min(parts, int(has["GPU"] if gpus else has["CPU"])))
    whole = replace(order, facts=order.facts.resolve(), texts=order.texts.resolve())
    numbers = ray.data.from_items([{"part": n} for n in range(1, parts + 1)])
    done = numbers.repartition(parts).map_batches(
        _PartWriter,
        fn_constructor_args=(whole, oracle, parts),
        batch_size=1,
        concurrency=(1, workers),
        num_gpus=gpus,
    )
    for row in done.iter_rows():
        yield PartDone(**row)


class _PartWriter:
    """An Oracle on a node, which writes part after part; Ray makes one for each worker."""

    def __init__(self, order: Order, oracle: Oracle, parts: int) -> None:
        self._order, self._oracle, self._parts = order, oracle, parts

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        [number] = batch["part"]
        error = ""
        try:
            with self._part(Part(int(number), self._parts)) as writing:
                for _ in writing.run(Event()):
                    pass
        except OracleError as ended:
            error = str(ended)
        return {"part": [int(number)], "error": [error]}

    def _part(self, part: Part) -> Writing:
        end = time.monotonic() + _LOCKED_S
        while True:
            try:
                return Writing(replace(self._order, part=part), self._oracle)
            except LockedError:
                if time.monotonic() > end:
                    raise
                time.sleep(_TICK_S)
