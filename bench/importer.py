"""The importer beside polars: rows of the MovieLens layout from CSV and gz to sorted Parquet.

Each run is a process of its own, so that its memory is its own; they take turns. polars reads,
casts, joins with the items, sorts by user and time, keeps the last of each pair and writes Parquet;
it judges and locates no row. It takes `pip install -c constraints.txt -e '.[bench]'`; a number of
rows may be told, as in `python -m bench.importer 2000000`.
"""

import gzip
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from rich.table import Table

from bench.measure import console, ratio
from catalog.readers.importer import import_table
from catalog.readers.known_sets import find_known, known_sets

ROWS, ROUNDS, ITEMS = 20_000_000, 3, 27_000
_A_USER, _FIRST, _LAST = 144, 789_652_009, 1_427_784_002
"""As in MovieLens 20M: ratings a user, first and last second."""


def main(rows: int) -> None:
    """Print both."""
    with tempfile.TemporaryDirectory() as folder:
        for packed in (False, True):
            place = Path(folder, "gz" if packed else "csv")
            place.mkdir()
            generate(place, rows, packed=packed)
            found: dict[str, list[tuple[float, float, int]]] = {"prism": [], "polars": []}
            for _ in range(ROUNDS):
                for name, runs in found.items():
                    command = [sys.executable, "-m", "bench.importer", name, str(place)]
                    done = subprocess.run(command, capture_output=True, text=True, check=True)
                    runs.append(tuple(json.loads(done.stdout)))
            _print(f"{rows:,} rows, {place.name}", found)
            shutil.rmtree(place)


def generate(place: Path, rows: int, *, packed: bool) -> None:
    """Write ratings.csv and movies.csv, the ratings by user as GroupLens has them."""
    rng = np.random.default_rng(0)
    users = np.sort(rng.integers(1, max(2, rows // _A_USER), rows))
    items = np.minimum((rng.pareto(0.8, rows) * 60).astype(np.int64), ITEMS - 1) + 1
    ratings, times = rng.integers(1, 11, rows) / 2, rng.integers(_FIRST, _LAST, rows)
    names = ["userId", "movieId", "rating", "timestamp"]
    table = pa.table([users, items, ratings, times], names)
    file = place / ("ratings.csv.gz" if packed else "ratings.csv")
    with gzip.open(file, "wb", 1) if packed else file.open("wb") as out:
        pc.write_csv(table, out, pc.WriteOptions(quoting_style="none"))
    lines = (f"{n},Film {n} ({1950 + n % 70}),Drama|Comedy\n" for n in range(1, ITEMS + 1))
    (place / "movies.csv").write_text("movieId,title,genres\n" + "".join(lines))


def prism(place: Path) -> int:
    """Import as `prism data import movielens` does; return the interactions that are left."""
    [known] = [known for known in known_sets() if known.name == "movielens"]
    layout = known.layouts[-1].model_copy(update={"interactions": "ratings.csv*"})
    plan, *files = find_known(known.model_copy(update={"layouts": (layout,)}), place)
    dataset, _ = import_table(place / "prism", plan, *files)
    return len(dataset.items)


def polars(place: Path) -> int:
    """Do the same work with polars, as far as it does it."""
    import polars as pl  # noqa: PLC0415 - only its own process needs it

    [file] = place.glob("ratings.csv*")
    types = {"userId": pl.String, "movieId": pl.String, "rating": pl.Float64, "timestamp": pl.Int64}
    ratings = pl.read_csv(file, schema_overrides=types)
    movies = pl.read_csv(place / "movies.csv", schema_overrides={"movieId": pl.String})
    kept = (
        ratings.join(movies.select("movieId"), on="movieId")
        .sort("userId", "timestamp", maintain_order=True)
        .unique(["userId", "movieId"], keep="last", maintain_order=True)
    )
    kept.write_parquet(place / "polars.parquet")
    movies.write_parquet(place / "movies.parquet")
    return len(kept)


def _print(title: str, found: dict[str, list[tuple[float, float, int]]]) -> None:
    table = Table("", "median s", "peak MiB", "interactions left", title=title)
    for name, runs in found.items():
        seconds, memory, left = (list(column) for column in zip(*runs, strict=True))
        table.add_row(name, f"{median(seconds):.1f}", f"{max(memory):,.0f}", f"{left[0]:,}")
    console.print(table)
    ours, theirs = ([run[0] for run in found[name]] for name in ("prism", "polars"))
    console.print(f"prism takes {ratio(ours, theirs)} the time of polars")


def _one(name: str, place: Path) -> None:
    started = perf_counter()
    left = {"prism": prism, "polars": polars}[name](place)
    seconds = perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, memory, left]))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prism" | "polars" as rival, where]:
            _one(rival, Path(where))
        case [count]:
            main(int(float(count)))
        case _:
            main(ROWS)
