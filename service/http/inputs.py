"""What callers send of their own: what a user touched, and items that somebody else has chosen.

    {"user_id": "42", "history": [{"item_id": "6", "value": 5}, {"item_id": "1", "value": null}]}

User 42 has given five stars to 6 meanwhile, and takes back whatever was known of 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from catalog.types import VALUE_LIMIT, Id, Interaction

FACTS_EXAMPLE: JsonDict = {
    "noun": {"one": "film", "many": "films"},
    "item": {"id": "6", "title": "Heat", "categories": ["Crime"], "year": 1995},
    "evidence": [{"id": "50", "title": "The Usual Suspects", "liking": "loved"}],
    "evidence_kind": "contribution",
}
_NULL = float("nan")
"""What a value of null is read as, to tell it from one that is left out: no number is this one."""


@dataclass(frozen=True, slots=True)
class Touch(Interaction):
    """What a user touched, how strongly, when."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    value: Annotated[
        Annotated[float, Field(strict=True, ge=-VALUE_LIMIT, le=VALUE_LIMIT, allow_inf_nan=False)]
        | None,
        AfterValidator(lambda value: _NULL if value is None else value),
        Field(
            description="How strongly, on the Dataset's scale; left out: a plain liking. null: "
            "with a user_id, it takes away what was known of the item; else a plain liking."
        ),
    ] = None


def interactions(
    touches: Sequence[Touch], *, is_known: bool
) -> tuple[list[Interaction], frozenset[int]]:
    """Return a history, and the places in it that only take away; these only of a known user."""
    history: list[Interaction] = list(touches)
    nulls = [place for place, touch in enumerate(touches) if touch.value is _NULL]
    for place in nulls:
        history[place] = Interaction(history[place].item_id, None, history[place].timestamp)
    return history, frozenset(nulls) if is_known else frozenset()


class Candidate(BaseModel):
    """An item that somebody else has chosen: its id, or also their score of it."""

    model_config = ConfigDict(extra="forbid")

    item_id: Id
    score: Annotated[
        float | None,
        Field(strict=True, allow_inf_nan=False, description="Theirs; the answer repeats it."),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _from_id(cls, value: object) -> object:
        return {"item_id": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe both ways to say it."""
        described = handler.resolve_ref_schema(handler(core))
        return {"anyOf": [described["properties"]["item_id"], described]}
