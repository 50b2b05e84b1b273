"""`prism-client`, and every example of docs/client.md against a real service."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import COMMAND, Process, environment
from prism_client import AsyncPrism, Prism, PrismError, answers
from prism_client.protocol import Events

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
EXAMPLES = re.findall(
    r"^```(sh|python|js)\n(.*?)^```$",
    (ROOT / "docs" / "client.md").read_text("utf-8"),
    re.MULTILINE | re.DOTALL,
)
FACTS: dict[str, Any] = {
    "item": {"id": "6", "title": "Heat"},
    "evidence": [{"id": "50", "title": "<script>alert(1)</script>\u2028 \x85", "liking": "loved"}],
    "evidence_kind": "contribution",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Return a real service of the demo."""
    settings = {"PRISM_DATA": str(DATA / "demo"), "PRISM_SNAPSHOT": str(DATA / "ranker")}
    everything = environment(PRISM_MODEL="grounded", **settings)
    log = tmp_path_factory.mktemp("client") / "log"
    process = Process([*COMMAND, "serve"], everything, log, forked=True).start()
    yield process
    process.kill()


def tool(name: str) -> str:
    """Return the path of a program that examples need."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: run `make servers`", pytrace=False)
    return found


@pytest.mark.parametrize(
    ("language", "code"), EXAMPLES, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(EXAMPLES)]
)
def test_an_example_of_the_documents_runs(
    service: Process, capfd: pytest.CaptureFixture[str], language: str, code: str
) -> None:
    code = re.sub(r"(http://)?localhost:8000", service.url, code)
    if language == "python":
        exec(compile(code, "docs/client.md", "exec"), {"__name__": "example"})
    elif language == "sh":
        assert tool("curl")
        subprocess.run(["sh", "-e", "-c", code], check=True)
    else:
        subprocess.run([tool("node"), "--input-type=module", "-e", code], check=True)
    told = capfd.readouterr().out
    assert told.strip()
    assert "urn:prism:invalid" not in told


@pytest.mark.parametrize(
    ("described", "typed"),
    [
        ("RecommendResponse", answers.Recommendations),
        ("RecommendedItem", answers.RecommendedItem),
        ("Explanation", answers.Explanation),
        ("EvidenceInfo", answers.Evidence),
        ("TextClaim", answers.Claim),
        ("ExplainResponse", answers.Explanations),
        ("CheckedText", answers.Verdict),
        ("Claim", answers.CheckedClaim),
        ("StreamedExplanation", answers.StreamedExplanation),
        ("StreamEnd", answers.StreamEnd),
        ("Touch", answers.Touch),
    ],
)
def test_the_types_are_what_the_service_describes(
    service: Process, described: str, typed: type
) -> None:
    schemas = service.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas[described]["properties"]) == set(typed.__annotations__)


class TestBothClients:
    def test_each_method_gets_what_the_service_answers(self, service: Process) -> None:
        async def awaited() -> list[Any]:
            async with AsyncPrism(service.url) as prism:
                events = [event async for event in prism.stream("42", k=2, style="grounded")]
                return [
                    await prism.recommend("42", k=2, exclude=["318"]),
                    events,
                    await prism.explain([FACTS]),
                    await prism.check(FACTS, "You hated “Heat”.", "factual"),
                    await prism.history("42", limit=2),
                    await prism.items("heat", limit=2),
                ]

        with Prism(service.url + "/") as prism:
            told: list[Any] = [
                prism.recommend("42", k=2, exclude=["318"]),
                list(prism.stream("42", k=2, style="grounded")),
                prism.explain([FACTS]),
                prism.check(FACTS, "You hated “Heat”.", "factual"),
                prism.history("42", limit=2),
                prism.items("heat", limit=2),
            ]
        changing = r'"(impression_id|cached|timings_ms)": ("[^"]*"|true|false|{[^}]*})'
        here, there = (re.sub(changing, "", json.dumps(a)) for a in (told, asyncio.run(awaited())))
        assert here == there
        assert [event["event"] for event in told[1]] == [
            "items", "explanation", "explanation", "done",
        ]  # fmt: skip
        assert "<script>alert(1)</script>" in told[2]["explanations"][0]["text"]

    def test_feedback_is_told(self, service: Process) -> None:
        with Prism(service.url) as prism:
            answer = prism.recommend(history=[{"item_id": "1"}], k=1)
            before = service.metric("prism_feedback_total", kind="helpful")
            prism.feedback(answer["impression_id"], answer["items"][0]["item_id"], "helpful")
        assert service.metric("prism_feedback_total", kind="helpful") == before + 1

    def test_a_problem_is_an_exception_with_all_that_it_says(self, service: Process) -> None:
        with Prism(service.url) as prism, pytest.raises(PrismError) as wrong:
            prism.recommend("42", k=0)
        assert (wrong.value.status, wrong.value.type) == (422, "urn:prism:invalid-request")
        assert [error["field"] for error in wrong.value.errors] == ["k"]
        assert len(wrong.value.request_id) == 32
        with Prism(service.url) as prism, pytest.raises(PrismError, match='no user "o\'"'):
            list(prism.stream("o'"))

        async def unknown() -> None:
            async with AsyncPrism(service.url) as prism:
                await prism.history("../'\"?#")

        with pytest.raises(PrismError, match="no user"):
            asyncio.run(unknown())


def answering(*statuses: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """Return a service that answers with one status after another."""
    left = iter(statuses)
    problem = {"type": "urn:prism:overload", "title": "No", "detail": "too much"}
    return lambda _: httpx.Response(next(left), json=problem, headers=headers)


class TestAskingAgain:
    @pytest.fixture
    def waited(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """Return the times that were waited for, which take none."""
        found: list[float] = []

        async def wait(seconds: float) -> None:
            found.append(seconds)

        monkeypatch.setattr("prism_client.sync.time.sleep", found.append)
        monkeypatch.setattr("prism_client.aio.asyncio.sleep", wait)
        return found

    @pytest.mark.parametrize("status", [429, 503])
    def test_it_does_as_late_as_it_is_told(self, waited: list[float], status: int) -> None:
        handler = answering(status, status, 200, **{"Retry-After": "7"})
        with Prism(http=httpx.Client(transport=httpx.MockTransport(handler))) as prism:
            prism.recommend("42")
        assert len(waited) == 2
        assert all(7 <= seconds <= 7 * 1.25 for seconds in waited)

    def test_so_does_the_other(self, waited: list[float]) -> None:
        async def ask(*statuses: int) -> None:
            transport = httpx.MockTransport(answering(*statuses, **{"Retry-After": "x"}))
            http = httpx.AsyncClient(transport=transport)
            async with AsyncPrism(http=http, retries=1) as prism:
                await prism.recommend("42")

        asyncio.run(ask(503, 200))
        with pytest.raises(PrismError, match="503: too much"):
            asyncio.run(ask(503, 503, 200))
        assert len(waited) == 2
        assert all(1 <= seconds <= 1.25 for seconds in waited)

    def test_of_anything_else_it_does_not(self, waited: list[float]) -> None:
        for status in (500, 404, 422):
            transport = httpx.MockTransport(answering(status, 200))
            with (
                Prism(http=httpx.Client(transport=transport)) as prism,
                pytest.raises(PrismError, match=str(status)),
            ):
                prism.recommend("42")
        assert not waited

    def test_what_a_proxy_says_is_a_problem_too(self) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(502, text="<html>"))
        with (
            Prism(http=httpx.Client(transport=transport)) as prism,
            pytest.raises(PrismError, match="502: Bad Gateway"),
        ):
            prism.recommend("42")

    def test_the_key_is_sent(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"items": [request.headers["authorization"]]})

        with Prism(key="k", http=httpx.Client(transport=httpx.MockTransport(answer))) as prism:
            assert repr(prism.items()) == "['Bearer k']"


class TestEvents:
    def test_however_they_are_cut_they_are_the_same(self) -> None:
        data = {"rank": 1, "text": "“é” \u2028\x85 \\n"}
        raw = f"event: explanation\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
        for size in range(1, len(raw)):
            events = Events()
            parts = [raw[n : n + size] for n in range(0, len(raw), size)]
            assert [one for part in parts for one in events.feed(part)] == [
                {"event": "explanation", "data": data}
            ]

    def test_an_error_half_way_is_raised(self) -> None:
        with pytest.raises(PrismError, match="500: an error of ours"):
            Events().feed(b'event: error\ndata: {"status": 500, "detail": "an error of ours"}\n\n')
