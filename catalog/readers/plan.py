"""Plan: all that is said of somebody's tables, so that they can be read as a Dataset.

ratings.csv: reader,isbn,stars           Columns(user="reader", item="isbn", value="stars",
books.csv:   isbn,name,Book-Author               title="name",
attributes=("Book-Author:author",))
"""

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationInfo,
    field_validator,
)

from catalog.readers.layouts import Layout
from catalog.readers.times import FORMS
from catalog.tables import DatasetInfo
from catalog.types import AttributeName

_ATTRIBUTE_NAME: TypeAdapter[str] = TypeAdapter(AttributeName)


def spoken(column: str) -> tuple[str, str]:
    """Return the column and the name a sentence says: "Book-Author:author", or "Run_Time"."""
    name, _, said = column.rpartition(":")
    if not name:
        return said, " ".join(said.lower().replace("_", " ").replace("-", " ").split())
    return name, said


def _check_times(form: str | None) -> str | None:
    if form is not None and form not in FORMS and "%" not in form:
        raise ValueError(f"is neither {', '.join(FORMS)} nor a pattern such as %d.%m.%Y")
    return form


class Columns(BaseModel):
    """Which column of a table holds what, and how its cells are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = Field("user_id", description="User id, in the interactions.")
    item: str = Field("item_id", description="Item id, in the interactions.")
    id: str | None = Field(None, description="Item id, in the items; else as in the interactions.")
    value: str | None = Field(None, description="How strongly; without it every row counts 1.")
    timestamp: str | None = Field(None, description="The time; else the order of the rows is it.")
    times: Annotated[str | None, AfterValidator(_check_times)] = Field(
        None, description="What times are written in; None is to be guessed."
    )
    whole_ids: bool | None = Field(
        None, description="Item ids 318.0 are 318; None is to be guessed."
    )
    where: str | None = Field(None, description="A column that says what kind of event a row is.")
    events: tuple[str, ...] = Field((), description="The kinds that count; others are ignored.")
    no_judgement: tuple[float, ...] = Field((), description="Values that stand for no judgement.")
    title: str | None = Field("title", description="Title; None where an item's id is its title.")
    categories: str | None = Field(None, description="Categories, a list or one separated text.")
    separator: str = Field("|", min_length=1, description="What separates categories in a text.")
    flags: tuple[str, ...] = Field(
        (), description="Columns that are true for items of a category: COLUMN or COLUMN:CATEGORY."
    )
    year: str | None = Field(None, description="Year, or a date.")
    description: str | None = Field(None, description="Free text about an item.")
    hidden: str | None = Field(None, description="True for items never recommended or named.")
    attributes: tuple[str, ...] = Field(
        (), description="More columns a sentence may speak of: COLUMN or COLUMN:NAME."
    )
    separators: dict[str, str] = Field(
        {}, description='What separates the values of an attribute in a text: {"author": ", "}.'
    )

    @field_validator("attributes")
    @classmethod
    def _check_attributes(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        for column in columns:
            _ATTRIBUTE_NAME.validate_python(spoken(column)[1])
        return columns

    @field_validator("separators")
    @classmethod
    def _check_separators(cls, told: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        names = [spoken(column)[1] for column in info.data.get("attributes", ())]
        for name, separator in told.items():
            if not separator:
                raise ValueError(f"what separates the values of {name!r} is missing: {name}=', '")
            if name not in names:
                raise ValueError(f"{name!r} is no attribute; there is {', '.join(names) or 'none'}")
        return told

    @property
    def item_key(self) -> str:
        """The column of the item id among the items."""
        return self.id or self.item

    @property
    def of_interactions(self) -> list[str]:
        """The columns that interactions need."""
        named = (self.user, self.item, self.value, self.timestamp, self.where)
        return list(dict.fromkeys(name for name in named if name is not None))

    @property
    def of_items(self) -> list[str]:
        """The columns that items have besides their id."""
        named = (self.title, self.categories, self.year, self.description, self.hidden)
        more = [spoken(column)[0] for column in (*self.attributes, *self.flags)]
        return list(dict.fromkeys([*(name for name in named if name is not None), *more]))


class Tidying(BaseModel):
    """What is mended in titles and texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    articles: bool = Field(False, description='"Matrix, The" is "The Matrix".')
    years: bool = Field(False, description='"Heat (1995)" is "Heat", of 1995.')
    entities: bool = Field(False, description='"Angels &amp; Demons" is "Angels & Demons".')
    alternatives: bool = Field(
        False, description='"Amelie (Fabuleux destin …)" is "Amelie", where no other is.'
    )


class Plan(BaseModel):
    """How tables become a Dataset: their layouts, columns, tidying, and what the Dataset says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    info: DatasetInfo
    columns: Columns = Columns()
    tidying: Tidying = Tidying()
    interactions: Layout = Layout()
    items: Layout = Layout()
    details: Layout = Layout()
