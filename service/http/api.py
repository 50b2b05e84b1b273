"""The API's responses. Stable: fields may be added, none renamed.

Those that explain are dataclasses and not models: they are made of what was validated before, a
hundred of them for a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, TypeAdapter

from catalog.facts import Facts
from models.prism.writer import Reason, Source, TextClaim

Part = Literal["ranker", "worker"]
_IMPRESSION = "What to name in feedback on this answer; it says nothing of the user."


def _is_none(value: object) -> bool:
    return value is None


@dataclass(slots=True)
class RankerInfo:
    """Which ranker answered."""

    name: str
    version: str


@dataclass(slots=True)
class EvidenceInfo:
    """An entry of the user's history that the explanation rests on."""

    item_id: str
    title: str
    value: Annotated[float | None, Field(description="How strongly the user touched it.")]
    contribution: Annotated[
        float | None, Field(description="Its share of the score, if the ranker tells.")
    ]


@dataclass(slots=True)
class Explanation:
    """Why an item is recommended, in one or two sentences that passed the check."""

    id: str
    text: str
    source: Source
    cached: bool
    reason: Annotated[
        Reason | None, Field(description="Why a grounded text stands in for the Prism's.")
    ]
    claims: Sequence[TextClaim]
    evidence: list[EvidenceInfo]


@dataclass(slots=True, kw_only=True)
class RecommendedItem:
    """One recommendation."""

    rank: int
    item_id: str
    title: str
    score: float
    their_score: Annotated[
        float | None, Field(exclude_if=_is_none, description="What the candidate came with.")
    ] = None
    explanation: Explanation | None
    facts: Annotated[
        Facts | None,
        Field(
            exclude_if=_is_none,
            description="All that the explanation may speak of, where the request asked for it: "
            "`POST /check` holds any text against it.",
        ),
    ] = None


@dataclass(slots=True, kw_only=True)
class RecommendResponse:
    """The answer to `/recommend`."""

    user_id: str | None
    ranker: RankerInfo
    model: str
    degraded: Annotated[
        list[Part], Field(description="Parts that could not do their work for this answer.")
    ]
    missing: Annotated[
        int,
        Field(
            description="Items that were asked for and are not known while the ranker does not "
            "answer."
        ),
    ] = 0
    impression_id: Annotated[str, Field(description=_IMPRESSION)]
    ignored: Annotated[
        list[str],
        Field(description="Items of the history that are not known, and were left out."),
    ] = field(default_factory=list)
    items: list[RecommendedItem]


@dataclass(slots=True)
class StreamedExplanation:
    """The event `explanation`: that of one item."""

    rank: int
    item_id: str
    explanation: Explanation


@dataclass(slots=True)
class StreamEnd:
    """The event `done`: how it went as a whole."""

    degraded: list[Part]
    model: str
    impression_id: Annotated[
        str,
        Field(
            description="From now on in place of that of `items`, which knows of no explanation."
        ),
    ]
    timings_ms: Annotated[dict[str, float], Field(description="Milliseconds of each stage.")]


@dataclass(slots=True)
class ExplainResponse:
    """The answer to `POST /explain`, in the order of the request."""

    model: str
    degraded: list[Part]
    impression_id: Annotated[str, Field(description=_IMPRESSION)]
    explanations: list[Explanation]


Response = RecommendResponse | ExplainResponse | StreamedExplanation | StreamEnd
_ENCODERS: dict[type[Response], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in get_args(Response)
}


def encoded(response: Response) -> bytes:
    """Return a response, or the data of an event, as JSON."""
    return _ENCODERS[type(response)].dump_json(response)


class Health(BaseModel):
    """Whether the process lives, or can serve."""

    status: Literal["ok", "not ready"]
    reason: str = Field(default="", description="Why it cannot serve.")
