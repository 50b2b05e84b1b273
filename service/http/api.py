"""The API's responses. Stable: fields may be added, none renamed."""

from typing import Literal

from pydantic import BaseModel, Field

from catalog.facts import Facts
from models.prism.writer import Reason, Source, TextClaim

Part = Literal["ranker", "worker"]
_IMPRESSION = "What to name in feedback on this answer; it says nothing of the user."


class RankerInfo(BaseModel):
    """Which ranker answered."""

    name: str
    version: str


class EvidenceInfo(BaseModel):
    """An entry of the user's history that the explanation rests on."""

    item_id: str
    title: str
    value: float | None = Field(description="How strongly the user touched it.")
    contribution: float | None = Field(description="Its share of the score, if the ranker tells.")


class Explanation(BaseModel):
    """Why an item is recommended, in one or two sentences that passed the check."""

    id: str
    text: str
    source: Source
    cached: bool
    reason: Reason | None = Field(description="Why a grounded text stands in for the Prism's.")
    claims: list[TextClaim]
    evidence: list[EvidenceInfo]


class RecommendedItem(BaseModel):
    """One recommendation."""

    rank: int
    item_id: str
    title: str
    score: float
    their_score: float | None = Field(
        default=None,
        exclude_if=lambda score: score is None,
        description="What the candidate came with.",
    )
    explanation: Explanation | None
    facts: Facts | None = Field(
        default=None,
        exclude_if=lambda facts: facts is None,
        description="All that the explanation may speak of, where the request asked for it: "
        "`POST /check` holds any text against it.",
    )


class RecommendResponse(BaseModel):
    """The answer to `/recommend`."""

    user_id: str | None
    ranker: RankerInfo
    model: str
    degraded: list[Part] = Field(description="Parts that could not do their work for this answer.")
    missing: int = Field(
        default=0,
        description="Items that were asked for and are not known while the ranker does not answer.",
    )
    impression_id: str = Field(description=_IMPRESSION)
    ignored: list[str] = Field(
        default=[], description="Items of the history that are not known, and were left out."
    )
    items: list[RecommendedItem]


class StreamedExplanation(BaseModel):
    """The event `explanation`: that of one item."""

    rank: int
    item_id: str
    explanation: Explanation


class StreamEnd(BaseModel):
    """The event `done`: how it went as a whole."""

    degraded: list[Part]
    model: str
    impression_id: str = Field(
        description="From now on in place of that of `items`, which knows of no explanation."
    )
    timings_ms: dict[str, float] = Field(description="Milliseconds of each stage.")


class ExplainResponse(BaseModel):
    """The answer to `POST /explain`, in the order of the request."""

    model: str
    degraded: list[Part]
    impression_id: str = Field(description=_IMPRESSION)
    explanations: list[Explanation]


class Health(BaseModel):
    """Whether the process lives, or can serve."""

    status: Literal["ok", "not ready"]
    reason: str = Field(default="", description="Why it cannot serve.")
