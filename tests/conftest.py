"""Fixtures shared by all tests: the demo dataset, and small ones made to order."""

import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
import structlog
from cluster import RedisServer
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from catalog.dataset import Dataset, build, load
from catalog.tables import INTERACTIONS_SCHEMA, ITEMS_SCHEMA, DatasetInfo, item_row
from catalog.types import Item
from service import collector
from service.cli.console import console
from service.cli.main import main
from service.http import server
from service.redis.connection import connect
from service.settings import Settings

# Nothing hangs on the clock, and a submission fails only for what it changed;
# `pytest --hypothesis-profile thorough` goes looking for more.
settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")

# Without byte code on disk, which some machines ask for, each of the many processes that tests
# start would compile Prism anew: a third of the time to its first answer.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# By default every variable of every frame of a traceback would be shown, which takes seconds.
plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[structlog.contextvars.merge_contextvars, plain])

ROOT = Path(__file__).resolve().parent.parent
RATINGS = DatasetInfo(name="ratings", liking_threshold=3.5, loved_threshold=4.5)
"""Five stars; what is known of most small datasets here."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests without looking for garbage among them, which took half of that time."""
    with collector.loading():
        return (yield)


@pytest.fixture(scope="session")
def demo() -> Dataset:
    """Return the MovieLens demo, as `make data` leaves it."""
    folder = ROOT / "data" / "demo"
    if not (folder / "dataset.json").is_file():
        pytest.fail(f"the demo dataset is not in {folder}: run `make data` first", pytrace=False)
    return load(folder)


@pytest.fixture(scope="session")
def tables() -> Callable[..., tuple[pa.Table, pa.Table]]:
    """Return a function that makes the two tables of a dataset.

    Interactions are (user, item, value) triples, a second apart, or have a time as well. Items
    that are only named in an interaction get a title of their own.
    """

    def make(
        interactions: Sequence[tuple[str, str, float] | tuple[str, str, float, int]],
        *,
        items: Sequence[Item] = (),
        hidden: Collection[str] = (),
    ) -> tuple[pa.Table, pa.Table]:
        rows = [row if len(row) == 4 else (*row, second) for second, row in enumerate(interactions)]
        catalogue = {item.id: item for item in items}
        for _, item_id, _, _ in rows:
            catalogue.setdefault(item_id, Item(id=item_id, title=f"Title of {item_id}"))
        return (
            pa.Table.from_pylist(
                [item_row(item, hidden=item.id in hidden) for item in catalogue.values()],
                schema=ITEMS_SCHEMA,
            ),
            pa.table(
                dict(zip(INTERACTIONS_SCHEMA.names, zip(*rows, strict=True), strict=True))
                if rows
                else {name: [] for name in INTERACTIONS_SCHEMA.names},
                INTERACTIONS_SCHEMA,
            ),
        )

    return make


@pytest.fixture(scope="session")
def small_dataset(tables: Callable[..., tuple[pa.Table, pa.Table]]) -> Callable[..., Dataset]:
    """Return a function that makes a Dataset in memory, from what `tables` takes."""

    def make(
        interactions: Sequence[tuple[str, str, float] | tuple[str, str, float, int]],
        *,
        items: Sequence[Item] = (),
        hidden: Collection[str] = (),
        info: DatasetInfo = RATINGS,
    ) -> Dataset:
        return build(info, *tables(interactions, items=items, hidden=hidden))

    return make


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return a Redis that a module has to itself."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """Return a client of it; it is empty."""
    url = f"redis://127.0.0.1:{redis_server.port}/0"
    client = connect(Settings.model_validate({"redis_url": url}))
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def prism(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, str]]:
    """Return a function that runs `prism` in this process; it returns standard output and error.

    Whatever `prism` does not turn into a message would be raised here. Another exit status than 0
    is named by `status`.
    """
    monkeypatch.setenv("COLUMNS", "200")  # for what Typer says
    monkeypatch.setattr(console, "width", 200)  # which has read it already

    def run(*arguments: str | Path, status: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["prism", *map(str, arguments)])
        capsys.readouterr()  # what others have said before
        with pytest.raises(SystemExit) as ended:
            main()
            raise SystemExit(0)
        told = capsys.readouterr()
        assert (ended.value.code or 0) == status, told.err
        assert "Traceback" not in told.out + told.err
        return told.out, told.err

    return run


@pytest.fixture
def refusing(
    prism: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., str]]:
    """Return a function that runs a command which must refuse to serve, and returns what it says.

    It runs in this process, which goes on: so the socket of the command is closed here, and the
    logs stay as they are. No variable of the environment is a setting but those that are given.
    """
    sockets = []
    listen = server.listen

    def remembered(host: str, port: int) -> socket.socket:
        sockets.append(listen(host, port))
        return sockets[-1]

    monkeypatch.setattr(server, "listen", remembered)
    monkeypatch.setattr("service.logs.configure_logs", lambda level: None)
    for name in [name for name in os.environ if name.startswith("PRISM_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str | Path, status: int = 1, **settings: str) -> str:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        out, err = prism(*arguments, status=status)
        assert out == ""
        return err

    yield run
    for one in sockets:
        one.close()
