"""The API's requests and responses. Stable: fields may be added, none renamed."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from catalog.facts import Facts
from catalog.types import Id
from models.writer import Reason, Source, TextClaim
from service.ranker_client.wire import Touched

Part = Literal["ranker", "worker"]


class RecommendRequest(BaseModel):
    """A user described by an inline history."""

    model_config = ConfigDict(extra="forbid")

    history: list[Touched] = Field(description="What the user touched; may be empty.")
    k: int = Field(default=10, ge=1, description="Number of items.")
    explain: bool = Field(default=True, description="Whether to explain them.")
    exclude: list[Id] = Field(
        default=[], max_length=10_000, description="Items to leave out; unknown ids are ignored."
    )
    deadline_ms: int = Field(default=2000, ge=1, description="Time for the whole answer.")


class ExplainRequest(BaseModel):
    """Facts from a ranker of the caller's own."""

    model_config = ConfigDict(extra="forbid")

    facts: list[Facts] = Field(min_length=1, description="One explanation is written for each.")
    deadline_ms: int = Field(default=2000, ge=1, description="Time for the whole answer.")


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
    explanation: Explanation | None


class RecommendResponse(BaseModel):
    """The answer to `/recommend`."""

    user_id: str | None
    ranker: RankerInfo
    model: str
    degraded: list[Part] = Field(description="Parts that could not do their work for this answer.")
    items: list[RecommendedItem]


class ExplainResponse(BaseModel):
    """The answer to `POST /explain`, in the order of the request."""

    model: str
    degraded: list[Part]
    explanations: list[Explanation]


class Health(BaseModel):
    """Whether the process lives, or can serve."""

    status: Literal["ok", "starting"]
