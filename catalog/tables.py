"""Tables: how items and interactions lie on disk, and what is refused when they are read.

A dataset folder holds `items.parquet`, `interactions.parquet`, `dataset.json` (`DatasetInfo`) and
`CARD.md` (where the data come from and under which terms).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from catalog.facts import Noun, Verb
from catalog.files import new_folder, opened
from catalog.types import Item, Values

ITEMS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("categories", pa.list_(pa.string())),
        ("year", pa.int32()),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("hidden", pa.bool_()),
        ("description", pa.string()),
    ]
)
_NULLABLE = {"year", "description"}
INTERACTIONS_SCHEMA = pa.schema(
    [
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("value", pa.float64()),
        ("timestamp", pa.int64()),
    ]
)
_IDS = ["user_id", "item_id"]
Feedback = Literal["ratings", "counts", "events"]


class DatasetError(ValueError):
    """A dataset that cannot be used; the message says which file and why."""


class DatasetInfo(BaseModel):
    """What a Dataset says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Shown in logs and reports.")
    noun: Noun = Field(default=Noun(), description="What the items are called in a sentence.")
    verb: Verb = Field(
        default="chose",
        description="What users do with items, where it is not known how they like them.",
    )
    feedback: Feedback | None = Field(
        default=None,
        description="What a value is: a judgement, how often or how long, or nothing (events). "
        "None: judgements where there is a liking threshold, else counts.",
    )
    liking_threshold: float | None = Field(
        default=None,
        description="A judgement at or above it is a liking, one below it a dislike. "
        "None: every interaction is a liking.",
    )
    loved_threshold: float | None = Field(
        default=None, description='A value at or above it may be called "loved".'
    )
    loved_quantile: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description='A count among the highest of a user\'s own may be called "loved": 0.9.',
    )
    source: str = Field(default="", description="Where the data come from.")

    @property
    def kind(self) -> Feedback:
        """What a value is, also where the Dataset does not say."""
        return self.feedback or ("counts" if self.liking_threshold is None else "ratings")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.feedback == "ratings" and self.liking_threshold is None:
            raise ValueError("ratings need a liking threshold")
        if self.feedback in {"counts", "events"} and self.liking_threshold is not None:
            raise ValueError(f"{self.feedback} have no liking threshold: only ratings do")
        if self.loved_quantile is not None and self.kind != "counts":
            raise ValueError("only counts have a quantile of a user's own")
        return self


# ---------------------------------------------------------------------- rows and checks


def item_row(item: Item, *, hidden: bool = False) -> dict[str, object]:
    """Return an item as a row of `ITEMS_SCHEMA`."""
    attributes = [(name, _cell(value)) for name, value in item.attributes.items()]
    row: dict[str, object] = item.model_dump(exclude={"attributes"})
    return {**row, "attributes": attributes, "hidden": hidden}


def item_of(row: dict[str, object]) -> Item:
    """Return the item of a row of `ITEMS_SCHEMA`. Raises pydantic's ValidationError."""
    attributes = {
        name: values_of(text)
        for name, text in row.pop("attributes")  # type: ignore[attr-defined]
    }
    row.pop("hidden")
    return Item.model_validate({**row, "attributes": attributes})


def _cell(values: Values) -> str:
    """Return an attribute as text: #12, 'twelve, or several as a list of JSON.

    So they keep their type: 12 and "12" are different things to say.
    """
    if isinstance(values, tuple):
        return json.dumps(values, ensure_ascii=False)
    return f"#{values}" if isinstance(values, int) else f"'{values}"


def values_of(cell: str) -> int | str | list[int | str]:
    """Return what a cell of `attributes` holds: one value, or several."""
    if cell.startswith("["):
        several: list[int | str] = json.loads(cell)
        return several
    return int(cell[1:]) if cell.startswith("#") else cell[1:]


def check_schema(what: str, table: pa.Table, schema: pa.Schema) -> None:
    """Raise DatasetError for other columns than a schema's; a text may be dictionary-encoded."""
    if table.schema.names != schema.names:
        raise DatasetError(f"{what}: has columns {table.schema.names}, not {schema.names}")
    for column in schema:
        found = table.schema.field(column.name).type
        if pa.types.is_dictionary(found):
            found = found.value_type
        if found != column.type:
            raise DatasetError(f"{what}: column {column.name} is {found}, not {column.type}")
        if column.name not in _NULLABLE and table[column.name].null_count:
            raise DatasetError(f"{what}: column {column.name} has empty cells")


def _check_items(table: pa.Table) -> None:
    number = 0
    for batch in table.to_batches():
        for row in batch.to_pylist():
            number += 1
            try:
                item_of(row)
            except ValidationError as error:
                first = error.errors()[0]
                raise DatasetError(f"row {number}: {first['loc'][0]}: {first['msg']}") from error


# ---------------------------------------------------------------------- on disk


def write(
    folder: Path, info: DatasetInfo, items: pa.Table, interactions: pa.Table, card: str
) -> None:
    """Write a dataset folder atomically."""
    with new_folder(folder, "dataset.json") as work:
        pq.write_table(items, work / "items.parquet", write_page_checksum=True)
        # Without Arrow's own schema a text is read as one, however it was kept in memory.
        pq.write_table(
            interactions, work / "interactions.parquet", write_page_checksum=True,
            store_schema=False,
        )  # fmt: skip
        (work / "dataset.json").write_text(info.model_dump_json(indent=2) + "\n", "utf-8")
        (work / "CARD.md").write_text(card, "utf-8")


def read(folder: Path) -> tuple[DatasetInfo, pa.Table, pa.Table]:
    """Return what a dataset folder says of itself, its items and its interactions, checked.

    Raises
    ------
    DatasetError
        The folder, a file or a row is missing or wrong, or is just being changed; the message
        names it.
    """
    try:
        with opened(folder, ("dataset.json", "items.parquet", "interactions.parquet")) as files:
            return _read(*files)
    except OSError as error:
        if not (folder / "dataset.json").is_file():
            raise DatasetError(f"{folder} is no dataset folder: it has no dataset.json") from None
        raise DatasetError(f"{folder}: {error}") from error


def _read(
    info_file: BinaryIO, items_file: BinaryIO, interactions_file: BinaryIO
) -> tuple[DatasetInfo, pa.Table, pa.Table]:
    with reading(info_file.name):
        info = DatasetInfo.model_validate_json(info_file.read())
    with reading(items_file.name):
        items = _with_descriptions(_table(items_file))
        check_schema("items", items, ITEMS_SCHEMA)
        _check_items(items)
    with reading(interactions_file.name):
        interactions = _table(interactions_file, _IDS)
        check_schema("interactions", interactions, INTERACTIONS_SCHEMA)
    return info, items, interactions


def _with_descriptions(items: pa.Table) -> pa.Table:
    """Return items with a column of descriptions: folders that were written before have none."""
    column = ITEMS_SCHEMA.field("description")
    if column.name in items.schema.names:
        return items
    return items.append_column(column, pa.nulls(items.num_rows, column.type))


def _table(file: BinaryIO, encoded: list[str] | None = None) -> pa.Table:
    # Read, not mapped into memory: no change of the file reaches what is served.
    table = pq.read_table(file, read_dictionary=encoded, page_checksum_verification=True)
    table.validate(full=True)
    return table


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a DatasetError that names it."""
    try:
        yield
    except (ValueError, OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: {error}") from error
