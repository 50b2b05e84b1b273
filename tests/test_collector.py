"""The garbage collector: what stays for good is not gone through, and what is replaced goes."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import dataset as datasets
from ranker.popularity import PopularityRanker
from ranker.service import RankingService
from service import collector
from service.ranker_client.local import LocalRankerClient

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """Leave the other tests a collector that sees everything."""
    yield
    gc.unfreeze()


class Ring:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_there_is_never_looked_at_again() -> None:
    kept = [Ring() for _ in range(1000)]
    collector.freeze()
    assert gc.get_freeze_count() > 10_000
    assert not any(one is kept[0] for one in gc.get_objects())


def test_what_comes_later_is_collected() -> None:
    collector.freeze()
    gone = weakref.ref(Ring())
    gc.collect()
    assert gone() is None


def test_nothing_is_collected_while_loading_and_all_that_was_loaded_is_frozen() -> None:
    passes = [generation["collections"] for generation in gc.get_stats()]
    with collector.loading():
        kept = [[Ring()] for _ in range(100_000)]
        assert passes == [generation["collections"] for generation in gc.get_stats()]
    assert gc.isenabled()
    assert not any(one is kept[0] for one in gc.get_objects())


def test_an_error_while_loading_leaves_the_collector_on() -> None:
    with pytest.raises(OSError), collector.loading():
        raise OSError
    assert gc.isenabled()


def test_a_dataset_and_ranker_that_were_swapped_are_gone_at_once(demo: datasets.Dataset) -> None:
    def load() -> RankingService:
        dataset = datasets.load(ROOT / "data" / "demo")
        return RankingService(dataset, PopularityRanker(dataset))

    local = LocalRankerClient(load())
    collector.freeze()
    for _ in range(3):
        before = weakref.ref(local.service), weakref.ref(local.service.dataset)
        with collector.loading():
            local.service = load()
        assert [one() for one in before] == [None, None]


def test_a_server_freezes_what_its_start_up_has_made() -> None:
    script = """
import asyncio, gc
from fastapi import FastAPI
from service.admission import Admission
from service.http.connections import State, bounds_of_process
from service.http.server import Server, listen
from service.metrics import Metrics

async def start():
    server = Server(FastAPI(), 1, State(bounds_of_process(), Admission(Metrics())))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup([sock := listen("127.0.0.1", 0)])
    print(gc.get_freeze_count())
    await server.shutdown([sock])

asyncio.run(start())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) > 10_000
