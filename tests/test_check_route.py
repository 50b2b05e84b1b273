"""`POST /check`: what `prism check` says, over HTTP, of whatever text and Facts come in."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checked_texts import BEYOND, FACTS, FALSE, TRUE
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from random_facts import hostile_facts
from service_fixtures import Client, client_of, wrong_fields

from catalog.facts import Facts
from models.faithfulness import check
from models.language.grounded import explain
from service.http import errors
from service.http.check import LONGEST, add_check
from service.http.route import Route


def new_app() -> FastAPI:
    """Return an app with this route alone."""
    app = FastAPI()
    app.router.route_class = Route
    errors.install(app)
    add_check(app)
    return app


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with client_of(new_app()) as client:
        yield client


@pytest.mark.parametrize("policy", ["strict", "factual"])
def test_it_answers_with_the_line_of_prism_check(
    client: Client, prism: Callable[..., tuple[str, str]], tmp_path: Path, policy: str
) -> None:
    file = tmp_path / "texts.jsonl"
    texts = (TRUE, FALSE, BEYOND, "")
    file.write_text("\n".join(json.dumps({"text": text, "facts": FACTS}) for text in texts))
    told, _ = prism("check", str(file), "--policy", policy, status=1)
    for text, line in zip(texts, told.splitlines(), strict=True):
        answer = client.post("/check", json={"facts": FACTS, "text": text, "policy": policy})
        assert answer.text == line


def test_a_false_claim_is_marked_where_it_stands(client: Client) -> None:
    verdict = client.post("/check", json={"facts": FACTS, "text": FALSE}).json()
    assert (verdict["outcome"], verdict["passed"], verdict["policy"]) == (
        "contradicted",
        False,
        "strict",
    )
    [false] = [c for c in verdict["claims"] if c["outcome"] == "contradicted"]
    assert FALSE[false["start"] : false["end"]] == "is on your list"


@settings(max_examples=30)
@given(facts=hostile_facts(), text=st.text(max_size=200))
def test_of_anything_at_all_it_says_what_the_check_says(
    client: Client, facts: Facts, text: str
) -> None:
    body: dict[str, Any] = {"facts": json.loads(facts.model_dump_json()), "text": text}
    verdict = client.post("/check", json=body).json()
    assert verdict["passed"] == check(text, facts).passed
    assert all(0 <= c["start"] <= c["end"] <= len(text) for c in verdict["claims"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": 1}, "text"),
        ({"text": None}, "text"),
        ({"text": "x" * (LONGEST + 1)}, "text"),
        ({"facts": None}, "facts"),
        ({"facts": [FACTS]}, "facts"),
        ({"facts": {"item": {"id": "1"}}}, "facts.item.title"),
        ({"policy": "described"}, "policy"),
        ({"policy": None}, "policy"),
        ({"user_id": "42"}, "user_id"),
    ],
)
def test_the_wrong_field_is_named(client: Client, change: dict[str, Any], field: str) -> None:
    body = {"facts": FACTS, "text": TRUE, **change}
    assert wrong_fields(client.post("/check", json=body)) == [field]


def test_the_longest_served_text_can_be_checked(client: Client) -> None:
    title = "long " * 39 + "title"
    evidence = [{"id": f"e{n}", "title": f"{n}{title}", "liking": "loved"} for n in range(3)]
    item = {"id": "1", "title": title, "categories": ["drama"], "attributes": {"director": "A B"}}
    facts = {"item": item, "evidence": evidence, "evidence_kind": "contribution"}
    text = explain(Facts.model_validate(facts))
    assert len(text) > 800
    assert client.post("/check", json={"facts": facts, "text": text}).json()["passed"]


def test_meanwhile_others_have_their_turn() -> None:
    """The loop goes on in the same process while a text is checked that takes long."""
    app = new_app()

    async def turns() -> int:
        body = json.dumps({"facts": FACTS, "text": "." * LONGEST}).encode()
        scope = {
            "type": "http", "method": "POST", "path": "/check", "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asking, passed = asyncio.create_task(app(scope, receive, send)), 0
        while not asking.done():
            await asyncio.sleep(0)
            passed += 1
        assert sent[0]["status"] == 200
        return passed

    assert asyncio.run(turns()) > 100
