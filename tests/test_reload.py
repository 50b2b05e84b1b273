"""What happens on disk while the ranker serves: only what is whole and fits is ever taken up."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cluster import wait_for
from service_fixtures import Client, client_of
from structlog.testing import capture_logs

from catalog import dataset as datasets
from catalog.files import Stamp, stamp
from catalog.tables import DatasetInfo
from ranker.als import AlsConfig, AlsRanker, fit
from service.deployments.distributed import ranker_app
from service.deployments.loading import open_ranker
from service.ranker_client.wire import RankAnswer
from service.settings import Settings

Tables = Callable[..., tuple[pa.Table, pa.Table]]
OPEN = "service.deployments.distributed.open_ranker"
RATINGS = DatasetInfo(name="ratings", liking_threshold=3.5)
SMALL = AlsConfig(factors=4, iterations=3, regularization=0.5)
LOG = [
    (f"user{u}", f"item{(3 * u + n) % 20}", 1.0 + (u + n) % 5) for u in range(30) for n in range(6)
]


@dataclass
class Ranking:
    """A ranker that serves two folders, and looks at them all the time."""

    data: Path
    snapshot: Path
    client: Client
    logs: list[Any]

    def answers(self) -> tuple[str, list[tuple[str, float]]]:
        """Return the version and the items for a user."""
        query = {"user_id": "user1", "k": 5, "exclude": [], "history": []}
        response = self.client.post("/rank", json={"queries": [query]})
        assert response.status_code == 200, response.text
        [answer] = response.json()["answers"]
        items = [(row.facts.item.id, row.score) for row in RankAnswer(**answer).items]
        return answer["version"], items

    @property
    def failures(self) -> float:
        """How often something new could not be loaded."""
        labels = frozenset({("part", "reload")})
        return self.client.samples().get(("prism_failures_total", labels), 0.0)

    def refusals(self) -> list[str]:
        """Return why."""
        return [entry["error"] for entry in self.logs if entry["event"].startswith("not reloaded")]

    def refuses(self, why: str, change: Callable[[], object]) -> None:
        """Check that a change is refused once, for this reason, and that nothing else happens."""
        before, failures = self.answers(), self.failures
        with Looks.lock:
            change()
        wait_for(lambda: self.failures > failures)
        assert why in self.refusals()[-1]
        looks = Looks.seen
        wait_for(lambda: Looks.seen > looks + 10)
        assert self.failures == failures + 1 == len(self.refusals())
        assert self.answers() == before

    def takes_up(self, ranker: AlsRanker) -> None:
        """Check that a ranker is served in the end."""
        wait_for(lambda: self.answers()[0] == ranker.version)
        version = frozenset({("name", "als"), ("version", ranker.version)})
        assert ("prism_ranker_info", version) in self.client.samples()


class Looks:
    """The looks of the ranker at its folders: their number, and a lock to make it wait."""

    seen = 0
    lock = threading.Lock()


@pytest.fixture
def save(tmp_path: Path, tables: Tables) -> Callable[..., AlsRanker]:
    """Return a function that writes a Dataset, the ranker fitted to it, or both."""

    def write(
        *, seed: int = 0, items: str = "item", data: bool = True, snapshot: bool = True
    ) -> Any:
        log = [(user, item.replace("item", items), value) for user, item, value in LOG]
        built = datasets.build(RATINGS, *tables(log))
        ranker = fit(built, AlsConfig(**{**SMALL.model_dump(), "seed": seed}))
        if data:
            datasets.save(tmp_path / "data", RATINGS, *tables(log), "")
        if snapshot:
            ranker.save(tmp_path / "ranker", {})
        return ranker

    return write


@pytest.fixture
def serving(
    tmp_path: Path, save: Callable[..., AlsRanker], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ranking]:
    """Return a ranker that serves."""
    save()

    def look(folder: Path) -> Stamp:
        with Looks.lock:
            Looks.seen += 1
            return stamp(folder)

    monkeypatch.setattr("service.deployments.distributed.stamp", look)
    with serves(tmp_path) as ranking:
        yield ranking


@contextmanager
def serves(folder: Path) -> Iterator[Ranking]:
    """Yield a ranker of the folders `data` and `ranker`."""
    data, snapshot = folder / "data", folder / "ranker"
    settings = Settings(data=data, snapshot=snapshot).model_copy(update={"reload_s": 0.02})
    with capture_logs() as logs, client_of(ranker_app(settings)) as client:
        yield Ranking(data, snapshot, client, logs)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda file: os.truncate(file, 100), "item_factors.npy"),
        (lambda file: os.truncate(file, 0), "item_factors.npy"),
        (lambda file: file.write_bytes(file.read_bytes()[::-1]), "item_factors.npy"),
        (
            lambda file: file.write_bytes(file.read_bytes()[:-8] + b"poisoned"),
            "not those the snapshot was written with",
        ),
        (lambda file: file.unlink(), "item_factors.npy"),
        (lambda file: shutil.rmtree(file.parent), "snapshot.json"),
    ],
    ids=["cut short", "emptied", "turned round", "other numbers", "deleted", "all deleted"],
)
def test_damage_of_a_snapshot_changes_no_answer_and_ends_with_the_next_whole_one(
    serving: Ranking, save: Callable[..., AlsRanker], damage: Callable[[Path], None], why: str
) -> None:
    serving.refuses(why, lambda: damage(serving.snapshot / "item_factors.npy"))
    serving.takes_up(save(seed=1, data=False))


@pytest.mark.parametrize("file", ["items.parquet", "interactions.parquet", "dataset.json"])
def test_damage_of_a_dataset_changes_no_answer(
    serving: Ranking, save: Callable[..., AlsRanker], file: str
) -> None:
    whole = (serving.data / file).read_bytes()
    serving.refuses(file, lambda: (serving.data / file).write_bytes(whole[: len(whole) // 2]))
    serving.takes_up(save(seed=1))


def test_a_snapshot_that_arrives_file_by_file_is_taken_up_when_it_is_whole(
    serving: Ranking, save: Callable[..., AlsRanker], tmp_path: Path
) -> None:
    before = shutil.copytree(serving.snapshot, tmp_path / "before")
    ranker = save(seed=1, data=False)
    serving.takes_up(ranker)
    [first, *others] = sorted(file.name for file in before.iterdir() if file.name != "hidden.npy")
    serving.refuses(
        "not those the snapshot was written with",
        lambda: shutil.copyfile(before / first, serving.snapshot / first),
    )
    for name in others:
        shutil.copyfile(before / name, serving.snapshot / name)
    serving.takes_up(AlsRanker.load(before))


@pytest.mark.parametrize("first", ["data", "snapshot"])
def test_of_data_and_snapshot_of_other_items_neither_is_taken_up_alone(
    serving: Ranking, save: Callable[..., AlsRanker], first: str
) -> None:
    serving.refuses(
        "was fitted to other items",
        lambda: save(items="film", data=first == "data", snapshot=first == "snapshot"),
    )
    ranker = save(items="film", data=first != "data", snapshot=first != "snapshot")
    serving.takes_up(ranker)
    assert all(item.startswith("film") for item, _ in serving.answers()[1])


def test_what_changes_while_something_new_is_loaded_is_not_missed(
    serving: Ranking, save: Callable[..., AlsRanker], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, changed = threading.Event(), threading.Event()

    def slowly(settings: Settings) -> Any:
        found = open_ranker(settings)
        loaded.set()
        changed.wait()
        return found

    monkeypatch.setattr(OPEN, slowly)
    save(seed=1, data=False)
    loaded.wait()
    ranker = save(seed=2, data=False)
    changed.set()
    serving.takes_up(ranker)


def test_what_changes_while_the_ranker_starts_is_not_missed(
    tmp_path: Path, save: Callable[..., AlsRanker], monkeypatch: pytest.MonkeyPatch
) -> None:
    save()
    later: list[AlsRanker] = []

    def and_then_another(settings: Settings) -> Any:
        found = open_ranker(settings)
        if not later:
            later.append(save(seed=1, data=False))
        return found

    monkeypatch.setattr(OPEN, and_then_another)
    with serves(tmp_path) as ranking:
        ranking.takes_up(later[0])
