"""`POST /check`: what the faithfulness check says of anybody's text, as `prism check` says it.

{"facts": {"item": {"id": "1", "title": "Heat"}}, "text": "Try “Heat”, a gripping film."}
{"outcome": "unverifiable", "passed": false, "policy": "strict", "claims": [{"start": 0, …}]}

The first is the body, the second the answer.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from catalog.facts import Facts
from models.faithfulness.texts import CheckedText, TextWithFacts, checked
from service.http.inputs import FACTS_EXAMPLE

LONGEST = 2000
"""Characters of a text: about twice the longest that is served. Of the worst that was found so many
take 0.2 s."""

# One at a time, and not in the event loop: others have their turn every half millisecond.
_thread = ThreadPoolExecutor(1, thread_name_prefix="checks")


_EXAMPLE: JsonDict = {
    "facts": FACTS_EXAMPLE,
    "text": "You loved “The Usual Suspects”, so we suggest “Heat”, a gripping film.",
}


class CheckRequest(BaseModel):
    """A text, and all that it may speak of."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    facts: Facts
    text: Annotated[str, Field(strict=True, max_length=LONGEST, description="What is checked.")]
    policy: Literal["strict", "factual"] = Field(
        default="strict",
        description="strict: every sentence is read, and every claim supported. factual: no claim "
        "is contradicted.",
    )


def add_check(app: FastAPI) -> None:
    """Add the route."""

    @app.post("/check", response_model=CheckedText, tags=["check"])
    async def check_text(body: CheckRequest) -> Response:
        """Hold a text against its Facts, claim by claim."""
        row = TextWithFacts.model_construct(text=body.text, facts=body.facts)
        verdict = await asyncio.get_running_loop().run_in_executor(
            _thread, checked, row, body.policy
        )
        return Response(verdict.model_dump_json(), media_type="application/json")
