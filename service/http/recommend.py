"""The routes that recommend and explain: what may be asked, within the bounds of the settings."""

from typing import Annotated, Any, Self

from fastapi import FastAPI, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from catalog.facts import Facts
from catalog.types import WHOLE, Id
from ranker.service import Order, RankingQuery
from service.admission import began
from service.http import api
from service.http.answers import EVENTS, Answers, Asked
from service.http.events import EventStream
from service.http.inputs import FACTS_EXAMPLE, Candidate, Touch, interactions
from service.http.route import FLAG, INTEGER
from service.impressions import Style
from service.settings import MOST_CANDIDATES, MOST_EXCLUDED, MOST_EXCLUDED_IN_URL, Settings

DEADLINE_MS = 2000
"""What is waited at most for an answer, where the request does not say; milliseconds."""
_STYLE = (
    "prism: written by the model, or whatever stands in. grounded: by the grammar, at once. none: "
    "items without explanations."
)
_FACTS = "Whether each item comes with its Facts, against which `POST /check` holds any text."
_EVENTS = """event: items
data: {"user_id":"42","items":[{"rank":1,"item_id":"6","title":"Heat","explanation":null}]}

event: explanation
data: {"rank":1,"item_id":"6","explanation":{"text":"You loved “Ronin”, so we suggest “Heat”."}}

event: done
data: {"degraded":[],"model":"prism-small@1","timings_ms":{"rank":4.2,"explain":38.1,"total":43.0}}

"""

_UNKNOWN = "No such user, an unknown candidate, or a history of unknown items only."


def _event(name: str, model: type) -> dict[str, Any]:
    """Return what the document says of an event."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
    return {
        "type": "object",
        "properties": {"event": {"const": name}, "data": data},
        "required": ["event", "data"],
    }


_STREAM = {
    "description": "Events: `items` (the answer of /recommend, with no explanation yet), one "
    "`explanation` for each item in the order in which they are ready, `done`. Should it fail half "
    "way, `error` with a problem document.",
    "content": {
        "text/event-stream": {
            "itemSchema": {"oneOf": [_event(name, model) for name, model in EVENTS.items()]},
            "example": _EVENTS,
        }
    },
}


_SOMEBODY: JsonDict = {
    "anyOf": [
        {"required": ["history"]},
        {"required": ["user_id"], "properties": {"user_id": {"type": "string"}}},
    ],
    "examples": [
        {"history": [{"item_id": "6", "value": 5}, {"item_id": "1"}], "k": 3},
        {"user_id": "42", "history": [{"item_id": "6", "value": 5}]},
        {"user_id": "42", "candidates": ["318", {"item_id": "50", "score": 0.7}], "order": "ours"},
    ],
}
"""One of the two must be there."""


def add_recommend(app: FastAPI, settings: Settings, answers: Answers) -> None:
    """Add the routes."""
    size = Field(strict=True, ge=1, le=settings.max_k, description="Number of items.")
    milliseconds = Field(
        strict=True,
        ge=1,
        le=settings.max_deadline_ms,
        description="Milliseconds for the whole answer.",
    )
    leave_out = "Items to leave out; unknown ids are ignored."
    User = Annotated[Id, Query(description="A known user.", examples=["42"])]  # noqa: N806
    Size = Annotated[int, size, INTEGER]  # noqa: N806
    Milliseconds = Annotated[int, milliseconds, INTEGER]  # noqa: N806
    LeaveOut = Annotated[  # noqa: N806
        list[Id], Query(max_length=MOST_EXCLUDED_IN_URL, fail_fast=True, description=leave_out)
    ]
    WithFacts = Annotated[bool, Query(description=_FACTS), FLAG]  # noqa: N806
    InStyle = Annotated[Style, Query(description=_STYLE)]  # noqa: N806

    class RecommendRequest(BaseModel):
        """A known user, or whoever has this history, or a known user and what happened since."""

        model_config = ConfigDict(extra="forbid", json_schema_extra=_SOMEBODY)

        user_id: Id | None = Field(default=None, description="A known user.")
        # No list is looked at beyond its bound, nor beyond its first wrong entry.
        history: list[Touch] = Field(
            default=[],
            max_length=settings.max_history,
            fail_fast=True,
            description="What the user touched; may be empty. With a user_id, what happened since: "
            "of the same item it takes the place of what was before (where values are counts, it "
            "is added).",
        )
        candidates: list[Candidate] | None = Field(
            default=None,
            min_length=1,
            max_length=MOST_CANDIDATES,
            fail_fast=True,
            description="Recommend of these items only, also of those that the user has touched: "
            "what another ranker has chosen. Without k, all of them.",
        )
        order: Order = Field(
            default="theirs",
            description="Of candidates. theirs: as they are given; ours: the best first.",
        )
        k: Annotated[int, size, WHOLE] = 10
        explain: bool = Field(
            default=True, strict=True, description="Whether to explain them; false is style none."
        )
        exclude: list[Id] = Field(
            default=[], max_length=MOST_EXCLUDED, fail_fast=True, description=leave_out
        )
        deadline_ms: Annotated[int, milliseconds, WHOLE] = DEADLINE_MS
        style: Style = Field(default="prism", description=_STYLE)
        facts: bool = Field(default=False, strict=True, description=_FACTS)

        @model_validator(mode="after")
        def _check(self) -> Self:
            if self.user_id is None and "history" not in self.model_fields_set:
                told = "give a history, which may be empty, or a user_id"
                raise PydanticCustomError("missing", told, {"field": "history"})
            return self

        def asked(self) -> Asked:
            history, removed = interactions(self.history, is_known=self.user_id is not None)
            scores: dict[str, float | None] = {}
            for candidate in self.candidates or ():
                scores.setdefault(candidate.item_id, candidate.score)
            k = self.k
            if scores and "k" not in self.model_fields_set:
                k = min(len(scores), settings.max_k)
            query = RankingQuery(
                self.user_id,
                k,
                frozenset(self.exclude),
                history,
                removed,
                tuple(scores),
                self.order,
            )
            style = self.style if self.explain else "none"
            return Asked(query, began() + self.deadline_ms / 1000, style, self.facts, scores)

    class ExplainRequest(BaseModel):
        """Facts from a ranker of the caller's own."""

        model_config = ConfigDict(
            extra="forbid", json_schema_extra={"examples": [{"facts": [FACTS_EXAMPLE]}]}
        )

        facts: list[Facts] = Field(
            min_length=1,
            max_length=settings.max_k,
            fail_fast=True,
            description="One explanation is written for each.",
        )
        deadline_ms: Annotated[int, milliseconds, WHOLE] = DEADLINE_MS

    @app.get(
        "/recommend",
        response_model=api.RecommendResponse,
        tags=["recommend"],
        responses={404: {"description": "No such user."}},
    )
    async def recommend(
        user_id: User,
        k: Size = 10,
        explain: Annotated[
            bool,
            Query(description="Whether to explain them: true or false; false is style none."),
            FLAG,
        ] = True,
        exclude: LeaveOut = [],  # noqa: B006
        deadline_ms: Milliseconds = DEADLINE_MS,
        style: InStyle = "prism",
        facts: WithFacts = False,
    ) -> Response:
        """Recommend items to a known user, and explain each."""
        query = RankingQuery(user_id, k, frozenset(exclude))
        style = style if explain else "none"
        return await answers.recommend(Asked(query, began() + deadline_ms / 1000, style, facts))

    @app.post(
        "/recommend",
        response_model=api.RecommendResponse,
        tags=["recommend"],
        responses={404: {"description": _UNKNOWN}},
    )
    async def recommend_inline(body: RecommendRequest) -> Response:
        """Recommend items to somebody described by a history, or of items that others chose."""
        return await answers.recommend(body.asked())

    @app.get(
        "/recommend/stream",
        response_class=EventStream,
        status_code=200,
        tags=["recommend"],
        responses={200: _STREAM, 404: {"description": "No such user."}},
    )
    async def stream(
        user_id: User,
        k: Size = 10,
        exclude: LeaveOut = [],  # noqa: B006
        deadline_ms: Milliseconds = DEADLINE_MS,
        style: InStyle = "prism",
        facts: WithFacts = False,
    ) -> Response:
        """Recommend items to a known user at once, and each explanation when it is ready."""
        query = RankingQuery(user_id, k, frozenset(exclude))
        return await answers.stream(Asked(query, began() + deadline_ms / 1000, style, facts))

    @app.post(
        "/recommend/stream",
        response_class=EventStream,
        status_code=200,
        tags=["recommend"],
        responses={200: _STREAM, 404: {"description": _UNKNOWN}},
    )
    async def stream_inline(body: RecommendRequest) -> Response:
        """The same as a stream."""
        return await answers.stream(body.asked())

    @app.post("/explain", response_model=api.ExplainResponse, tags=["recommend"])
    async def explain_facts(body: ExplainRequest) -> Response:
        """Explain items that a ranker of your own has ranked."""
        return await answers.explain(body.facts, began() + body.deadline_ms / 1000)
