"""Known data sets: files of public data sets found by name and read by their descriptions.

Each is a small TOML file in the folder `known`, where a team adds its own. Its `layouts` are tried
in order: the first whose files are there is read with its plan, over the one importer.

    [[layouts]]                     prism data import mine PATH
    interactions = "plays-*.csv"
    items = "songs.jsonl.gz"
    [layouts.plan.columns]
    user = "listener"
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from catalog.readers.plan import Plan
from catalog.readers.sources import Source, matching, members
from catalog.tables import DatasetError

FOLDER = Path(__file__).parent / "known"


class KnownLayout(BaseModel):
    """How one version of a data set lies on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interactions: str = Field(description="Pattern of their files, as in a shell.")
    items: str | None = Field(None, description="None: the interactions tell them.")
    details: str | None = Field(None, description="More columns of items, where it is there.")
    plan: dict[str, Any] = Field(description="What `Plan` has, but info and tidying.")


class KnownSet(BaseModel):
    """A public data set in all its versions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    help: str = Field(description="What `prism data import --help` says.")
    layout_source: str = Field(description="The public reader that the layouts were taken from.")
    terms: str = Field(description="Terms of use, for the data card.")
    info: dict[str, Any] = Field(description="What `DatasetInfo` has, but a name.")
    tidying: dict[str, bool] = {}
    layouts: tuple[KnownLayout, ...] = Field(min_length=1)

    @property
    def card(self) -> str:
        """The data card of an import."""
        return f"# {self.name}\n\n{self.help}\n\nTerms: {self.terms}\n"

    def plan(self, layout: KnownLayout) -> Plan:
        """Return how a version of it becomes a Dataset."""
        info = {"name": self.name, **self.info}
        return Plan.model_validate({"tidying": self.tidying, **layout.plan, "info": info})


class Found(NamedTuple):
    """The files of a data set, and how they are read."""

    plan: Plan
    interactions: list[Source]
    items: list[Source]
    details: list[Source]


def known_sets() -> list[KnownSet]:
    """Return every description of the folder, by name."""
    return [
        KnownSet.model_validate({"name": file.stem, **tomllib.loads(file.read_text("utf-8"))})
        for file in sorted(FOLDER.glob("*.toml"))
    ]


def find_known(known: KnownSet, place: Path) -> Found:
    """Return the files of a known data set in a folder or a zip archive.

    Raises DatasetError where there is none of its versions; the message names their files.
    """
    sources = members(place)
    for layout in known.layouts:
        items = matching(sources, layout.items) if layout.items else []
        others = {source.name for source in items}
        log = [one for one in matching(sources, layout.interactions) if one.name not in others]
        if log and (items or not layout.items):
            details = matching(sources, layout.details) if layout.details else []
            return Found(known.plan(layout), log, items, details)
    raise DatasetError(f"{place}: no {known.name} there; it needs {_needed(known.layouts)}")


def _needed(layouts: Sequence[KnownLayout]) -> str:
    return ", or ".join(
        " and ".join(filter(None, (layout.interactions, layout.items))) for layout in layouts
    )
