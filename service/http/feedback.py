"""`POST /feedback`: what somebody thought of an item that was shown to them, or did with it.

    {"impression_id": "AWUdp2…", "item_id": "318", "kind": "clicked"}

It is counted in the metrics by what was shown, and written to the log as one event, which a team
ships to wherever it keeps events:

    {"event": "feedback", "kind": "clicked", "item_id": "318", "rank": 3, "style": "prism",
     "source": "grounded", "reason": "deadline", "impression": "9f…", "age_s": 4}

Neither names a user: who wants to know that keeps the `impression_id` of an answer beside the user.
"""

from typing import Literal

import structlog
from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field

from catalog.types import Id
from service.impressions import Impressions, longest
from service.metrics import Metrics
from service.settings import Settings

log = structlog.get_logger()


def add_feedback(
    app: FastAPI, settings: Settings, impressions: Impressions, metrics: Metrics
) -> None:
    """Add the route."""

    class Feedback(BaseModel):
        """What somebody thought of one item of an answer, or did with it."""

        model_config = ConfigDict(extra="forbid")

        impression_id: str = Field(
            strict=True,
            max_length=longest(settings.max_k),
            description="Of the answer; of a stream that of its last event.",
        )
        item_id: Id
        kind: Literal["helpful", "not_helpful", "clicked", "dismissed"]

    @app.post(
        "/feedback",
        status_code=204,
        tags=["recommend"],
        responses={404: {"description": "No impression of ours, too old, or without this item."}},
    )
    async def feedback(body: Feedback) -> Response:
        """Tell what somebody thought of an item, or did with it; once for each kind."""
        shown = impressions.open(body.impression_id, body.item_id)
        if impressions.is_news(body.impression_id, body.item_id, body.kind):
            metrics.feedback(body.kind, shown.source, shown.style, shown.reason)
            log.info(
                "feedback", kind=body.kind, item_id=body.item_id, rank=shown.rank,
                style=shown.style, source=shown.source, reason=shown.reason,
                impression=shown.impression, age_s=shown.age_s,
            )  # fmt: skip
        return Response(status_code=204)
