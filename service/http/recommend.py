"""The routes that recommend and explain: what may be asked, within the bounds of the settings."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from catalog.facts import Facts
from catalog.types import WHOLE, Id, Interaction
from ranker.service import RankingQuery
from service.http import api
from service.http.answers import EVENTS, Answers, Asked
from service.http.events import EventStream
from service.http.route import FLAG, INTEGER
from service.settings import MOST_EXCLUDED, MOST_EXCLUDED_IN_URL, Settings

_STYLE = (
    "prism: written by the model, or whatever stands in. grounded: by the grammar, at once. none: "
    "items without explanations."
)
_EVENTS = """event: items
data: {"user_id":"42","items":[{"rank":1,"item_id":"6","title":"Heat","explanation":null}]}

event: explanation
data: {"rank":1,"item_id":"6","explanation":{"text":"You loved “Ronin”, so we suggest “Heat”."}}

event: done
data: {"degraded":[],"model":"prism-small@1","timings_ms":{"rank":4.2,"explain":38.1,"total":43.0}}

"""


def _event(name: str, model: type[BaseModel]) -> dict[str, Any]:
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
    Size = Annotated[int, size, INTEGER]  # noqa: N806
    Milliseconds = Annotated[int, milliseconds, INTEGER]  # noqa: N806
    LeaveOut = Annotated[  # noqa: N806
        list[Id], Query(max_length=MOST_EXCLUDED_IN_URL, fail_fast=True, description=leave_out)
    ]
    InStyle = Annotated[api.Style, Query(description=_STYLE)]  # noqa: N806

    class RecommendRequest(BaseModel):
        """A user described by an inline history."""

        model_config = ConfigDict(extra="forbid")

        # No list is looked at beyond its bound, nor beyond its first wrong entry.
        history: list[Interaction] = Field(
            max_length=settings.max_history,
            fail_fast=True,
            description="What the user touched; may be empty.",
        )
        k: Annotated[int, size, WHOLE] = 10
        explain: bool = Field(
            default=True, strict=True, description="Whether to explain them; false is style none."
        )
        exclude: list[Id] = Field(
            default=[], max_length=MOST_EXCLUDED, fail_fast=True, description=leave_out
        )
        deadline_ms: Annotated[int, milliseconds, WHOLE] = 2000
        style: api.Style = Field(default="prism", description=_STYLE)

        def asked(self) -> Asked:
            query = RankingQuery(None, self.k, frozenset(self.exclude), self.history)
            return Asked(query, self.deadline_ms, self.style if self.explain else "none")

    class ExplainRequest(BaseModel):
        """Facts from a ranker of the caller's own."""

        model_config = ConfigDict(extra="forbid")

        facts: list[Facts] = Field(
            min_length=1,
            max_length=settings.max_k,
            fail_fast=True,
            description="One explanation is written for each.",
        )
        deadline_ms: Annotated[int, milliseconds, WHOLE] = 2000

    @app.get(
        "/recommend",
        response_model=api.RecommendResponse,
        tags=["recommend"],
        responses={404: {"description": "No such user."}},
    )
    async def recommend(
        user_id: Id,
        k: Size = 10,
        explain: Annotated[
            bool,
            Query(description="Whether to explain them: true or false; false is style none."),
            FLAG,
        ] = True,
        exclude: LeaveOut = [],  # noqa: B006
        deadline_ms: Milliseconds = 2000,
        style: InStyle = "prism",
    ) -> Response:
        """Recommend items to a known user, and explain each."""
        query = RankingQuery(user_id, k, frozenset(exclude))
        return await answers.recommend(Asked(query, deadline_ms, style if explain else "none"))

    @app.post(
        "/recommend",
        response_model=api.RecommendResponse,
        tags=["recommend"],
        responses={404: {"description": "The history has unknown items."}},
    )
    async def recommend_inline(body: RecommendRequest) -> Response:
        """Recommend items to somebody described by a history."""
        return await answers.recommend(body.asked())

    @app.get(
        "/recommend/stream",
        response_class=EventStream,
        status_code=200,
        tags=["recommend"],
        responses={200: _STREAM, 404: {"description": "No such user."}},
    )
    async def stream(
        user_id: Id,
        k: Size = 10,
        exclude: LeaveOut = [],  # noqa: B006
        deadline_ms: Milliseconds = 2000,
        style: InStyle = "prism",
    ) -> Response:
        """Recommend items to a known user at once, and each explanation when it is ready."""
        query = RankingQuery(user_id, k, frozenset(exclude))
        return await answers.stream(Asked(query, deadline_ms, style))

    @app.post(
        "/recommend/stream",
        response_class=EventStream,
        status_code=200,
        tags=["recommend"],
        responses={200: _STREAM, 404: {"description": "The history has unknown items."}},
    )
    async def stream_inline(body: RecommendRequest) -> Response:
        """Recommend items to somebody described by a history, as a stream."""
        return await answers.stream(body.asked())

    @app.post("/explain", response_model=api.ExplainResponse, tags=["recommend"])
    async def explain_facts(body: ExplainRequest) -> Response:
        """Explain items that a ranker of your own has ranked."""
        return await answers.explain(body.facts, body.deadline_ms)
