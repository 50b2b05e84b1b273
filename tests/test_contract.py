"""The HTTP contract: what the OpenAPI document says and what is answered are the same."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from cluster import COMMAND, Process, environment, free_port
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from random_facts import hostile_facts
from service_fixtures import (
    Client,
    ScriptedEngine,
    client_of,
    facts_about,
    new_service,
    problem_of,
    wrong_fields,
)
from structlog.testing import capture_logs

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.types import Item
from ranker.service import RankingService
from service.admission import Admission
from service.breaker import Breaker
from service.deployments.distributed import ranker_app
from service.deployments.embedded import embedded_app
from service.http import keys
from service.http.body import read
from service.http.errors import ProblemError
from service.http.gateway import create_app
from service.http.security import OPEN
from service.metrics import Metrics
from service.ranker_client.fallback import Fallback
from service.ranker_client.local import LocalRankerClient
from service.ranker_client.protocol import RankerClient
from service.ranker_client.remote import RemoteRankerClient
from service.settings import MOST_EXCLUDED_IN_URL, Settings

ROOT = Path(__file__).resolve().parent.parent
FOLDERS: dict[str, Any] = {"data": ROOT / "data" / "demo", "snapshot": ROOT / "data" / "ranker"}
JSON = {"content-type": "application/json"}
PROBLEM = "application/problem+json"
BOTH_WAYS = ["/recommend", "/recommend/stream", "/explain", "/check", "/feedback"]
"""Routes with a body."""
METHODS = {
    "/": "GET, HEAD",
    "/docs": "GET, HEAD",
    "/static/docs/start.js": "GET, HEAD",
    "/static/docs/swagger-ui.css": "GET, HEAD",
    "/openapi.json": "GET, HEAD",
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/metrics": "GET, HEAD",
    "/recommend": "GET, HEAD, POST",
    "/recommend/stream": "GET, HEAD, POST",
    "/explain": "POST",
    "/check": "POST",
    "/feedback": "POST",
    "/dataset": "GET, HEAD",
    "/users": "GET, HEAD",
    "/users/42/history": "GET, HEAD",
    "/items": "GET, HEAD",
    "/items/318": "GET, HEAD",
}
"""What each path takes."""
ALL = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "BREW"]


def embedded(**settings: Any) -> FastAPI:
    """Return the embedded service over the demo."""
    return embedded_app(Settings(model="grounded", **FOLDERS, **settings))


@pytest.fixture(scope="module")
def app(demo: Dataset) -> FastAPI:
    """Return the embedded service, without keys."""
    return embedded()


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[Client]:
    """Return a client of it."""
    with client_of(app) as client:
        yield client


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with one key."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    keys.append(file, keys.line_of("somebody", KEY))
    return file


KEY = "prism_a-key-of-the-tests"


def posted(client: Client, path: str, **body: object) -> httpx.Response:
    """Post a right body with these fields changed."""
    right: dict[str, object] = {"history": []} if path == "/recommend" else FACTS
    return client.post(path, json=right | body)


FACTS: dict[str, object] = {"facts": [facts_about("1").model_dump()]}


# ---------------------------------------------------------------------- a real service


def assert_schemathesis_finds_nothing(
    url: str, least: int, *options: str, selected: int = 14
) -> None:
    """Run schemathesis with all its checks over all routes; see `schemathesis.toml`."""
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", f"{url}/openapi.json"]
    command += ["--checks=all", "--mode=all", "--continue-on-failure", *options]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    report = "\n".join(line[:1000] for line in done.stdout.splitlines())  # a URL may have 100 kB
    assert done.returncode == 0, report[-20_000:]
    assert f"{selected} selected / 14 total" in done.stdout, done.stdout
    counted = re.search(r"(\d+) generated, \1 passed", done.stdout)
    assert counted is not None, done.stdout
    assert int(counted[1]) >= least


@pytest.fixture(scope="module")
def guarded(
    demo: Dataset, key_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    """Return a real service that asks for a key and limits requests, which it never does here."""
    folders = {"PRISM_DATA": FOLDERS["data"], "PRISM_SNAPSHOT": FOLDERS["snapshot"]}
    variables = {name: str(folder) for name, folder in folders.items()}
    variables |= {"PRISM_API_KEYS": str(key_file), "PRISM_MODEL": "grounded"}
    variables |= {"PRISM_RATE_PER_S": "1e6", "PRISM_RATE_BURST": "1000000"}
    log = tmp_path_factory.mktemp("guarded") / "log"
    service = Process([*COMMAND, "serve"], environment(**variables), log, forked=True)
    yield service.start()
    service.kill()


class TestOverTheWire:
    @pytest.mark.slow
    def test_schemathesis_finds_nothing_in_a_few_requests_of_every_kind(
        self, guarded: Process
    ) -> None:
        assert_schemathesis_finds_nothing(
            guarded.url,
            1000,
            *(f"--header=Authorization: Bearer {KEY}", "--phases=coverage"),
            "--generation-deterministic",
            "--exclude-name=POST /recommend/stream",  # it takes what POST /recommend takes
            selected=13,
        )

    @pytest.mark.slow
    def test_no_body_follows_the_answer_to_head(self, guarded: Process) -> None:
        connection = HTTPConnection("127.0.0.1", guarded.port)
        headers = {"X-API-Key": KEY}
        for path in ("/healthz", "/items/318", "/items/nope", "/docs", "/nope", "/explain"):
            lengths = []
            for method in ("HEAD", "GET"):
                connection.request(method, path, headers=headers)
                answer = connection.getresponse()  # fails if it begins with a body left over
                body = answer.read()
                lengths.append(int(answer.headers["content-length"]))
            assert lengths == [len(body), len(body)]
        connection.close()

    @pytest.mark.slow
    def test_a_method_that_nobody_knows_is_a_problem(self, guarded: Process) -> None:
        connection = HTTPConnection("127.0.0.1", guarded.port)
        connection.request("BREW", "/recommend")
        answer = connection.getresponse()
        assert answer.status == 400
        assert answer.headers["content-type"] == PROBLEM
        assert json.loads(answer.read())["status"] == 400
        connection.close()

    @pytest.mark.long
    @pytest.mark.timeout(7200)
    def test_schemathesis_finds_nothing_in_thousands_of_each_route(self, guarded: Process) -> None:
        assert_schemathesis_finds_nothing(
            guarded.url,
            9_000,
            *(f"--header=Authorization: Bearer {KEY}", "--max-examples=1000"),
            *("--generation-database=none", "--suppress-health-check=all"),
        )


# ---------------------------------------------------------------------- the document


def statuses_of(document: dict[str, Any]) -> dict[tuple[str, str], set[int]]:
    """Return the statuses of every operation, and check how they are described."""
    found = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found[method.upper(), path] = {int(status) for status in operation["responses"]}
            for status, response in operation["responses"].items():
                assert response["description"], (path, status)
                media = {PROBLEM} if int(status) >= 400 else {"application/json"}
                if status == "204":
                    assert "content" not in response
                    continue
                if (path, status) == ("/recommend/stream", "200"):
                    media = {"text/event-stream"}
                if (path, status) == ("/readyz", "503"):  # not ready yet, or too much to do
                    media = {PROBLEM, "application/json"}
                assert response["content"].keys() == media, (path, status)
                if PROBLEM in media:
                    problem = {"$ref": "#/components/schemas/Problem"}
                    assert response["content"][PROBLEM]["schema"] == problem
    return found


ALWAYS = {200, 408, 431, 500, 503}
WITH_BODY = {413, 415, 422}
STATUSES = {
    ("GET", "/healthz"): ALWAYS,
    ("GET", "/readyz"): ALWAYS,
    ("GET", "/recommend"): ALWAYS | {404, 422},
    ("POST", "/recommend"): ALWAYS | {404} | WITH_BODY,
    ("GET", "/recommend/stream"): ALWAYS | {404, 422},
    ("POST", "/recommend/stream"): ALWAYS | {404} | WITH_BODY,
    ("POST", "/explain"): ALWAYS | WITH_BODY,
    ("POST", "/feedback"): (ALWAYS | {204, 404} | WITH_BODY) - {200},
    ("POST", "/check"): ALWAYS | WITH_BODY,
    ("GET", "/dataset"): ALWAYS,
    ("GET", "/users"): ALWAYS | {422},
    ("GET", "/users/{user_id}/history"): ALWAYS | {404, 422},
    ("GET", "/items"): ALWAYS | {422},
    ("GET", "/items/{item_id}"): ALWAYS | {404, 422},
}


class TestTheDocument:
    def test_every_operation_lists_the_errors_that_it_can_answer_and_no_others(
        self, client: Client
    ) -> None:
        document = client.get("/openapi.json").json()
        assert statuses_of(document) == STATUSES
        assert "securitySchemes" not in document["components"]
        assert "HTTPValidationError" not in document["components"]["schemas"]

    def test_with_keys_and_limits_it_says_so(self, key_file: Path) -> None:
        asked = {"Authorization": f"Bearer {KEY}"}
        with client_of(embedded(api_keys=key_file, rate_per_s=1000)) as client:
            document = client.get("/openapi.json", headers=asked).json()
        assert statuses_of(document) == {
            (method, path): found if path in OPEN else found | {401, 429}
            for (method, path), found in STATUSES.items()
        }
        assert document["components"]["securitySchemes"].keys() == {"bearer", "header"}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                assert ("security" in operation) == (path not in OPEN)

    def test_the_ranking_service_documents_its_errors_alike(self) -> None:
        document = ranker_app(Settings(**FOLDERS)).openapi()
        found = statuses_of(document)
        assert found.pop(("POST", "/rank")) == ALWAYS | WITH_BODY
        assert found.pop(("GET", "/active")) == ALWAYS | {422}
        assert found == {one: STATUSES[one] for one in STATUSES if one in found}

    def test_every_example_of_a_body_is_answered(self, client: Client) -> None:
        document = client.get("/openapi.json").json()
        answered = 0
        for path, operations in document["paths"].items():
            body = operations.get("post", {}).get("requestBody")
            if body is None:
                continue
            name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for example in document["components"]["schemas"][name].get("examples", []):
                assert client.post(path, json=example).status_code == 200, (path, example)
                answered += 1
        assert answered >= 8

    def test_no_bound_is_rounded(self, client: Client) -> None:
        document = json.loads(client.get("/openapi.json").text, parse_float=Decimal)
        schemas = document["components"]["schemas"]
        timestamps = schemas["Touch"]["properties"]["timestamp"]
        for least_or_most in ("minimum", "maximum"):
            bound = int(timestamps[least_or_most])
            beyond = bound + (1 if bound > 0 else -1)
            for timestamp, status in ((bound, 200), (beyond, 422)):
                history = [{"item_id": "1", "timestamp": timestamp}]
                answer = client.post("/recommend", json={"history": history, "explain": False})
                assert answer.status_code == status, timestamp

    @pytest.mark.parametrize(
        ("path", "asked", "integers"),
        [
            ("/recommend", "/recommend?user_id=42&explain=false", {"k", "deadline_ms"}),
            ("/users", "/users?search=4", {"limit"}),
            ("/users/{user_id}/history", "/users/42/history?", {"limit"}),
            ("/items", "/items?search=a", {"limit"}),
        ],
    )
    def test_the_bounds_of_a_parameter_are_those_that_hold(
        self, client: Client, path: str, asked: str, integers: set[str]
    ) -> None:
        parameters = client.get("/openapi.json").json()["paths"][path]["get"]["parameters"]
        schemas = {one["name"]: one["schema"] for one in parameters}
        assert {name for name in schemas if schemas[name]["type"] == "integer"} == integers
        for name in integers:
            least, most = schemas[name]["minimum"], schemas[name]["maximum"]
            for value in (least, most):
                assert client.get(f"{asked}&{name}={value}").status_code == 200
            for value in (least - 1, most + 1):
                assert wrong_fields(client.get(f"{asked}&{name}={value}")) == [name]

    def test_as_many_items_as_may_be_excluded_fit_into_a_url(self, client: Client) -> None:
        document = client.get("/openapi.json").json()
        parameters = document["paths"]["/recommend"]["get"]["parameters"]
        [exclude] = [one["schema"] for one in parameters if one["name"] == "exclude"]
        assert exclude["maxItems"] == MOST_EXCLUDED_IN_URL
        for number, status in ((exclude["maxItems"], 200), (exclude["maxItems"] + 1, 422)):
            longest = "".join(f"&exclude={n:0>128}" for n in range(number))
            asked = f"/recommend?user_id=42&k=1{longest}"
            assert len(asked) < 60_000  # bytes of the request line and headers: 65,536
            assert client.get(asked).status_code == status


# ---------------------------------------------------------------------- what a body may be


def bodies_of(app: FastAPI) -> dict[str, type[BaseModel]]:
    """Return the models of the bodies that an app takes, by path."""
    routes = [one for one in app.routes if isinstance(one, APIRoute) and one.body_field]
    return {one.path: one.body_field.field_info.annotation for one in routes if one.body_field}  # type: ignore[misc]


def accepts(model: type[BaseModel], raw: bytes) -> bool:
    """Return whether a body would be read."""
    try:
        read(model, raw)
    except ProblemError:
        return False
    return True


class Bodies:
    """What an app and its document say of the bodies of its routes."""

    def __init__(self, app: FastAPI) -> None:
        self.models = bodies_of(app)
        document = app.openapi()
        self.schemas = {}
        for path in self.models:
            content = document["paths"][path]["post"]["requestBody"]["content"]
            schema = content["application/json"]["schema"]
            self.schemas[path] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": document["components"]}
            )

    def check(self, path: str, body: object) -> bool:
        """Check that the document says of a body what is said to it, as a small or a large one.

        Returns whether it is right.
        """
        raw = json.dumps(body).encode()
        is_right = self.schemas[path].is_valid(body)
        assert accepts(self.models[path], raw) == is_right, body
        assert accepts(self.models[path], raw + b" " * 20_000) == is_right, body
        return is_right


@pytest.fixture(scope="module")
def bodies(app: FastAPI) -> Bodies:
    """Return what the gateway says of bodies."""
    return Bodies(app)


# Characters that Unicode has given away lately are one thing to Python, another to a validator.
_assigned = st.characters(exclude_categories=["Cn", "Cs"])
_texts = st.text(_assigned, max_size=12) | st.sampled_from(
    [
        "",
        " ",
        "a ",
        " a",
        "a  b",
        "\x00",
        "a\n",
        "\u00a0",
        "\u200b",
        "\u0301",
        "\u0301a",
        "ok",
        "none",
    ]
)
_values: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 1.0, 2.5, -0.0, 1e300, 10**12, 10**12 + 1, 5 * 10**18 + 1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the ways to everything inside a JSON value."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


@st.composite
def _changed(draw: st.DrawFn, bodies: st.SearchStrategy[object]) -> object:
    """Draw a body with one thing in it replaced, left out or added."""
    body = json.loads(json.dumps(draw(bodies)))
    *way, last = draw(st.sampled_from(_places(body)[1:]))
    inside = body
    for key in way:
        inside = inside[key]
    match draw(st.sampled_from(["replace", "leave out", "add"])):
        case "replace":
            inside[last] = draw(_values)
        case "leave out":
            del inside[last]
        case _ if isinstance(inside, dict):
            inside[draw(_texts)] = draw(_values)
        case _:
            inside.append(draw(_values))
    return body


_touches = st.fixed_dictionaries(
    {"item_id": st.text(_assigned, min_size=1, max_size=130)},
    optional={
        "value": st.none() | st.floats(-2e9, 2e9),
        "timestamp": st.integers(-6 * 10**18, 6 * 10**18),
    },
)
_candidates = st.text(_assigned, min_size=1, max_size=10) | st.fixed_dictionaries(
    {"item_id": st.text(_assigned, min_size=1, max_size=10)},
    optional={"score": st.none() | st.floats(allow_nan=False, allow_infinity=False)},
)
_recommend_bodies = st.fixed_dictionaries(
    {"history": st.lists(_touches, max_size=3)},
    optional={
        "user_id": st.none() | st.text(_assigned, min_size=1, max_size=10),
        "style": st.sampled_from(["prism", "grounded", "none"]),
        "order": st.sampled_from(["ours", "theirs"]),
        "candidates": st.lists(_candidates, min_size=1, max_size=3),
        "k": st.integers(0, 101),
        "explain": st.booleans(),
        "exclude": st.lists(st.text(_assigned, min_size=1, max_size=130), max_size=3),
        "deadline_ms": st.integers(0, 30_001),
    },
)
_explain_bodies = st.lists(hostile_facts(), min_size=1, max_size=2).map(
    lambda batch: {"facts": [json.loads(facts.model_dump_json()) for facts in batch]}
)

_check_bodies = st.fixed_dictionaries(
    {
        "facts": hostile_facts().map(lambda facts: json.loads(facts.model_dump_json())),
        "text": st.text(_assigned, max_size=50),
    },
    optional={"policy": st.sampled_from(["strict", "factual", "described"])},
)


def _has_an_item_twice(body: object) -> bool:
    """Return whether Facts break the one rule that a JSON schema cannot say."""
    try:
        batch = [(f["item"], *f.get("evidence", [])) for f in body["facts"]]  # type: ignore[index]
        return any(len({i["id"] for i in items}) < len(items) for items in batch)
    except (AttributeError, KeyError, TypeError):
        return False


def _entry(number: int) -> dict[str, object]:
    return {"id": f"entry {number}", "title": f"Entry {number}", "liking": "liked"}


class TestBodiesAreWhatTheDocumentSays:
    @given(body=_recommend_bodies | _changed(_recommend_bodies))
    def test_a_history(self, bodies: Bodies, body: object) -> None:
        bodies.check("/recommend", body)

    @settings(max_examples=50)
    @given(body=_explain_bodies | _changed(_explain_bodies))
    def test_facts(self, bodies: Bodies, body: object) -> None:
        if not _has_an_item_twice(body):
            bodies.check("/explain", body)

    @settings(max_examples=30)
    @given(body=_check_bodies | _changed(_check_bodies))
    def test_a_text_to_check(self, bodies: Bodies, body: dict[str, object]) -> None:
        if not _has_an_item_twice({"facts": [body.get("facts")]}):
            bodies.check("/check", body)

    @pytest.mark.parametrize(
        ("change", "is_right"),
        [
            ({"evidence_kind": "none"}, False),
            ({"evidence_kind": "none", "evidence": []}, True),
            ({"evidence": []}, False),
            ({"evidence": None}, False),
            ({"evidence": [_entry(n) for n in range(3)]}, True),
            ({"evidence": [_entry(n) for n in range(4)]}, False),
            ({"evidence": [{**_entry(1), "liking": "hated"}]}, False),
            ({"popularity": "favourite"}, True),
            ({"popularity": None}, True),
            ({"popularity": ""}, False),
            ({"version": 1.0}, True),
            ({"version": 3}, False),
            ({"version": True}, False),
            ({"version": None}, False),
            ({"noun": {}}, True),
            ({"noun": {"one": "tv show", "many": "x-rays"}}, True),
            ({"noun": {"one": "a" * 32}}, True),
            ({"noun": {"one": "a" * 33}}, False),
            ({"noun": {"one": "film\n"}}, False),
            ({"noun": {"one": "TV show", "many": "mp3s"}}, True),
            ({"noun": {"one": "film!"}}, False),
            ({"noun": {"few": "films"}}, False),
            ({"score": 0.5}, False),
        ],
    )
    def test_one_field_of_facts(
        self, bodies: Bodies, change: dict[str, object], is_right: bool
    ) -> None:
        facts = {**facts_about("1").model_dump(mode="json"), **change}
        assert bodies.check("/explain", {"facts": [facts]}) == is_right

    @pytest.mark.parametrize(
        ("change", "is_right"),
        [
            ({"id": "a b"}, True),
            ({"id": " a"}, False),
            ({"id": "a\n"}, False),
            ({"id": "x" * 128}, True),
            ({"id": "x" * 129}, False),
            ({"id": "😀" * 128}, True),
            ({"id": 1}, False),
            ({"title": "x" * 5000}, True),
            ({"title": "\u0301" * 300 + "a"}, True),
            ({"title": "\u0301"}, False),
            ({"title": "\u202e\n"}, False),
            ({"title": ""}, False),
            ({"year": 1}, True),
            ({"year": 2999.0}, True),
            ({"year": None}, True),
            ({"year": 0}, False),
            ({"year": 3000}, False),
            ({"year": 1995.5}, False),
            ({"categories": ["Drama"] * 16}, True),
            ({"categories": ["Drama"] * 17}, False),
            ({"categories": [" "]}, False),
            ({"categories": "Drama"}, False),
            ({"attributes": {"shoe size": 10**12}}, True),
            ({"attributes": {"shoe size": 10**12 + 1}}, False),
            ({"attributes": {"shoe size": 43.5}}, False),
            ({"attributes": {"shoe size": True}}, False),
            ({"attributes": {"shoe size": None}}, False),
            ({"attributes": {"Shoe": 1}}, False),
            ({"attributes": {"shoe\n": 1}}, False),
            ({"attributes": {"": 1}}, False),
            ({"attributes": {f"a{letter}": 1 for letter in "abcdefgh"}}, True),
            ({"attributes": {f"a{letter}": 1 for letter in "abcdefghi"}}, False),
            ({"attributes": []}, False),
            ({"colour": "red"}, False),
        ],
    )
    def test_one_field_of_an_item(
        self, bodies: Bodies, change: dict[str, object], is_right: bool
    ) -> None:
        facts = facts_about("1").model_dump(mode="json")
        facts["item"] |= change
        assert bodies.check("/explain", {"facts": [facts]}) == is_right

    @pytest.mark.parametrize(
        ("change", "is_right"),
        [
            ({"item_id": "\u00a0"}, False),
            ({"item_id": None}, False),
            ({"value": 1e9}, True),
            ({"value": -1e9}, True),
            ({"value": 1e9 + 1}, False),
            ({"value": None}, True),
            ({"value": "5"}, False),
            ({"value": True}, False),
            ({"timestamp": 1.0}, True),
            ({"timestamp": 1.5}, False),
            ({"timestamp": None}, False),
            ({"timestamp": 5 * 10**18}, True),
            ({"timestamp": -(5 * 10**18) - 1}, False),
            ({"liking": "loved"}, False),
        ],
    )
    def test_one_field_of_a_history(
        self, bodies: Bodies, ranking: Bodies, change: dict[str, object], is_right: bool
    ) -> None:
        history = [{"item_id": "1", **change}]
        assert bodies.check("/recommend", {"history": history}) == is_right
        assert ranking.check("/rank", {"queries": [{"history": history}]}) == is_right

    def test_facts_that_name_an_item_twice_are_refused(self, client: Client) -> None:
        heat = {"id": "heat", "title": "Heat", "liking": "loved"}
        facts = {**facts_about("1").model_dump(), "evidence": [heat, heat]}
        assert wrong_fields(client.post("/explain", json={"facts": [facts]})) == ["facts.0"]

    @given(title=st.text(_assigned, min_size=1, max_size=300))
    def test_a_title_that_can_be_seen_still_can_once_it_is_cleaned_and_cut(
        self, title: str
    ) -> None:
        marks = "\u0301\u200d" * 200
        for one in (title, marks + title, title + marks):
            if any(char.isalnum() for char in one):
                cleaned = Item(id="1", title=one).title
                assert Item(id="1", title=cleaned).title == cleaned

    @given(body=_recommend_bodies)
    def test_the_ranking_service_takes_what_the_gateway_takes(
        self, ranking: Bodies, body: dict[str, Any]
    ) -> None:
        query = {name: body[name] for name in ("history", "k", "exclude", "order") if name in body}
        ranking.check("/rank", {"queries": [query]})


@pytest.fixture(scope="module")
def ranking() -> Bodies:
    """Return what the ranking service says of bodies."""
    return Bodies(ranker_app(Settings(**FOLDERS)))


class TestJson:
    @pytest.mark.parametrize("value", [0, 1, 1.0, "true", "yes", "", None, []])
    def test_a_flag_is_true_or_false(self, client: Client, value: object) -> None:
        assert wrong_fields(posted(client, "/recommend", explain=value)) == ["explain"]

    @pytest.mark.parametrize("value", ["10", 10.5, True, False, None, [10], 1e300])
    def test_an_integer_is_a_whole_number(self, client: Client, value: object) -> None:
        for field in ("k", "deadline_ms"):
            for path in ["/recommend", "/explain"] if field == "deadline_ms" else ["/recommend"]:
                assert wrong_fields(posted(client, path, **{field: value})) == [field]
        history = [{"item_id": "1", "timestamp": value}]
        answer = posted(client, "/recommend", history=history)
        assert wrong_fields(answer) == ["history.0.timestamp"]

    def test_a_whole_number_may_be_written_with_a_point(self, client: Client) -> None:
        answer = client.post("/recommend", content=b'{"history": [], "k": 3.0}', headers=JSON)
        assert len(answer.json()["items"]) == 3

    @pytest.mark.parametrize("value", ["5", True, [5]])
    def test_a_number_is_no_text_and_no_flag(self, client: Client, value: object) -> None:
        answer = posted(client, "/recommend", history=[{"item_id": "1", "value": value}])
        assert wrong_fields(answer) == ["history.0.value"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [("year", "1995"), ("year", True), ("year", 1995.5), ("id", 1), ("title", 1)],
    )
    def test_so_it_is_inside_facts(self, client: Client, field: str, value: object) -> None:
        facts = facts_about("1").model_dump()
        facts["item"] = {**facts["item"], field: value}
        answer = client.post("/explain", json={"facts": [facts]})
        assert wrong_fields(answer) == [f"facts.0.item.{field}"]

    def test_the_version_of_facts_is_no_flag(self, client: Client) -> None:
        facts = {**facts_about("1").model_dump(), "version": True}
        assert wrong_fields(client.post("/explain", json={"facts": [facts]})) == ["facts.0.version"]

    @pytest.mark.parametrize("number", ["NaN", "-Infinity", "Infinity", "1e999", "-1e999"])
    @pytest.mark.parametrize("padding", [0, 20_000])
    def test_no_number_is_infinite_or_none_at_all(
        self, client: Client, number: str, padding: int
    ) -> None:
        for field in ("value", "timestamp"):
            body = f'{{"history": [{{"item_id": "1", "{field}": {number}}}]}}' + " " * padding
            wrong_fields(client.post("/recommend", content=body, headers=JSON))

    @pytest.mark.parametrize("padding", [0, 20_000])
    def test_of_a_field_given_twice_the_last_counts(self, client: Client, padding: int) -> None:
        body = '{"history": [], "k": 0, "explain": false, "k": 2}' + " " * padding
        answer = client.post("/recommend", content=body, headers=JSON)
        assert len(answer.json()["items"]) == 2

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "latin-1"])
    def test_it_is_utf_8_whatever_the_header_says(self, client: Client, encoding: str) -> None:
        body = '{"history": [{"item_id": "é"}]}'.encode(encoding)
        headers = {"content-type": f"application/json; charset={encoding}"}
        wrong_fields(client.post("/recommend", content=body, headers=headers))

    def test_a_charset_of_any_name_does_not_matter(self, client: Client) -> None:
        headers = {"content-type": "application/json; charset=latin-1"}
        body = '{"history": [], "exclude": ["é"]}'.encode()
        assert client.post("/recommend", content=body, headers=headers).status_code == 200

    @pytest.mark.parametrize(
        "type_", ["text/plain; charset=utf-8", "application/jsonp", "text/json", "json", "*/*"]
    )
    def test_what_is_not_called_json_is_none(self, client: Client, type_: str) -> None:
        for path in BOTH_WAYS:
            answer = client.post(path, content=b"{}", headers={"content-type": type_})
            problem_of(answer, 415)


# ---------------------------------------------------------------------- queries, paths, ids


class TestQueries:
    @pytest.mark.parametrize(
        ("flag", "is_explained"),
        [("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False)],
    )
    def test_a_flag_is_true_or_false(self, client: Client, flag: str, is_explained: bool) -> None:
        answer = client.get(f"/recommend?user_id=42&k=1&explain={flag}")
        [item] = answer.json()["items"]
        assert (item["explanation"] is not None) == is_explained

    @pytest.mark.parametrize("flag", ["", "0", "1", "yes", "on", "t", "null", "%20true", "true,"])
    def test_no_other_word_is_a_flag(self, client: Client, flag: str) -> None:
        assert wrong_fields(client.get(f"/recommend?user_id=42&explain={flag}")) == ["explain"]

    @pytest.mark.parametrize("number", ["3", "03", "3.0", "3.000"])
    def test_an_integer_is_written_in_digits(self, client: Client, number: str) -> None:
        answer = client.get(f"/recommend?user_id=42&k={number}&explain=false")
        assert len(answer.json()["items"]) == 3

    @pytest.mark.parametrize(
        "number", ["%203", "3%20", "%2B3", "1_0", "3.5", "3.", "1e1", "0x3", "true", "٣", "3%00"]
    )
    def test_nothing_else_is_an_integer(self, client: Client, number: str) -> None:
        assert wrong_fields(client.get(f"/recommend?user_id=42&k={number}")) == ["k"]
        assert wrong_fields(client.get(f"/users?limit={number}")) == ["limit"]

    @pytest.mark.parametrize(
        "name", ["user", "K", "exclude[]", "deadline", "", "x" * 5000, "\x00", "é", "history"]
    )
    def test_a_parameter_that_is_none_is_named(self, client: Client, name: str) -> None:
        for path in ("/recommend?user_id=42&", "/users?", "/items/318?", "/users/42/history?"):
            answer = client.get(f"{path}{httpx.QueryParams({name: '1'})}")
            assert wrong_fields(answer) == [name[:100]]
            assert len(answer.content) < 1000
        answer = client.post(f"/explain?{httpx.QueryParams({name: '1'})}", json=FACTS)
        assert wrong_fields(answer) == [name[:100]]

    def test_a_parameter_may_be_given_once_and_a_list_as_often_as_wanted(
        self, client: Client
    ) -> None:
        for twice in ("k=1&k=1", "k=1&explain=true&k=2", "user_id=42&k=1"):
            [field] = wrong_fields(client.get(f"/recommend?user_id=42&{twice}"))
            assert field in twice
        answer = client.get("/recommend?user_id=42&k=1&exclude=1&exclude=1&exclude=2")
        assert answer.status_code == 200

    def test_probes_may_ask_with_any(self, client: Client) -> None:
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
            assert client.get(f"{path}?now=1&now=2").status_code == 200


class TestPathsAndIds:
    @pytest.mark.parametrize("user_id", [".", "..", "a/b", "/", "//", "a/", "%2F", "?", "#", "é"])
    def test_any_id_can_be_asked_for_in_a_path(self, client: Client, user_id: str) -> None:
        encoded = "".join(f"%{byte:02X}" for byte in user_id.encode())
        for path in (f"/users/{encoded}/history", f"/items/{encoded}"):
            assert repr(user_id) in problem_of(client.get(path), 404)["detail"]

    @pytest.mark.parametrize("bad", ["", "%00", "a%00", "%E2%80%8B", "%C2%A0", "%20a", "a%7F"])
    def test_ids_that_none_can_have(self, client: Client, bad: str) -> None:
        assert wrong_fields(client.get(f"/items/{bad}")) == ["item_id"]
        assert wrong_fields(client.get(f"/users/{bad}/history")) == ["user_id"]
        assert wrong_fields(client.get(f"/recommend?user_id={bad}")) == ["user_id"]
        assert wrong_fields(client.get(f"/recommend?user_id=42&exclude={bad}")) == ["exclude.0"]

    @pytest.mark.parametrize("surrogate", ["%ED%A0%80", "%ED%BF%BF", "%FF"])
    def test_bytes_that_are_no_text_are_no_id_of_anybody(
        self, client: Client, surrogate: str
    ) -> None:
        for path in ("/items/", "/recommend?user_id="):
            problem_of(client.get(f"{path}{surrogate}"), 404)

    @pytest.mark.parametrize("id_", ["\U0001fae8", "\ue000", "a b", "a\u0301", "x" * 128])
    def test_ids_that_somebody_may_have(self, client: Client, id_: str) -> None:
        problem_of(client.get("/recommend", params={"user_id": id_}), 404)
        answer = client.get("/recommend", params={"user_id": "42", "exclude": id_})
        assert answer.status_code == 200

    def test_a_body_where_none_is_taken_does_not_matter(self, client: Client) -> None:
        for path in METHODS.keys() - {"/explain", "/check", "/feedback", "/"}:
            asked = f"{path}?user_id=42&k=1" if path.startswith("/recommend") else path
            answer = client.request("GET", asked, content=b"{" * 1000, headers=JSON)
            assert answer.status_code == 200


# ---------------------------------------------------------------------- methods


class TestMethods:
    @pytest.mark.parametrize(
        ("method", "path"),
        [(one, path) for path in METHODS for one in ALL if one not in METHODS[path].split(", ")],
    )
    def test_any_other_than_a_path_takes_is_405_and_names_those(
        self, client: Client, method: str, path: str
    ) -> None:
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == METHODS[path]
        if method != "HEAD":
            assert METHODS[path] in problem_of(answer, 405)["detail"]

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "BREW"])
    def test_a_path_that_is_none_is_404_for_all_of_them(self, client: Client, method: str) -> None:
        for path in ("/nope", "/users/42", "/recommend/stream/x", "/v1/recommend"):
            answer = client.request(method, path)
            assert answer.status_code == 404
            assert "allow" not in answer.headers

    @pytest.mark.parametrize(
        "path",
        [
            *(path for path, methods in METHODS.items() if "GET" in methods),
            "/recommend?user_id=42&k=3",
            "/recommend?user_id=nobody",
            "/recommend",
            "/items/nope",
            "/items/",
            "/recommend/",
            "/nope",
            "/explain",
        ],
    )
    def test_head_is_get_without_the_body(self, client: Client, path: str) -> None:
        client.get(path)  # so that both find the texts in the cache
        get, head = client.get(path), client.request("HEAD", path)
        assert head.status_code == get.status_code
        assert not head.content
        its_own = {"x-request-id", "server-timing"}
        if path == "/metrics":  # which count this very request
            its_own.add("content-length")
        told = [{n: v for n, v in one.headers.items() if n not in its_own} for one in (get, head)]
        assert told[0] == told[1]

    def test_head_is_handled_once_and_logged_as_what_it_is(self, client: Client) -> None:
        def asked() -> float:
            labels = frozenset({"route": "/recommend", "status": "200"}.items())
            return client.samples().get(("prism_requests_total", labels), 0.0)

        before = asked()
        with capture_logs() as logs:
            client.request("HEAD", "/recommend?user_id=42&k=1")
        assert asked() == before + 1
        assert [(one["method"], one["route"]) for one in logs] == [("HEAD", "/recommend")]


# ---------------------------------------------------------------------- errors


class Crashing:
    """A ranker with a bug."""

    name, version = "crashing", "1"

    def rank(self, *_: object) -> Any:
        raise ZeroDivisionError


def gateway(ranking: RankerClient) -> FastAPI:
    """Return a gateway that asks a ranking service of the test's choice."""

    @asynccontextmanager
    async def background() -> AsyncIterator[None]:
        yield

    service, _ = new_service(ScriptedEngine())
    metrics = Metrics()
    return create_app(
        Settings(),
        Fallback(ranking, metrics, users=0, age_s=1),
        ranking,
        service.explainer,
        Admission(metrics),
        metrics,
        background,
    )


class TestErrors:
    def test_each_of_every_kind_is_a_problem_that_the_document_describes(
        self, client: Client, key_file: Path, demo: Dataset
    ) -> None:
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
        described = jsonschema_rs.Draft202012Validator(
            {"$ref": "#/components/schemas/Problem", "components": {"schemas": schemas}}
        )
        with client_of(embedded(api_keys=key_file, rate_per_s=0.001, rate_burst=1)) as guarded:
            answers = {401: guarded.get("/recommend?user_id=42")}
            for _ in range(2):
                asked = guarded.get("/users", headers={"X-API-Key": KEY})
            answers[429] = asked
        crashing = gateway(LocalRankerClient(RankingService(demo, Crashing())))
        with capture_logs(), client_of(crashing) as broken:
            answers[500] = broken.get("/recommend?user_id=42")
        nowhere = RemoteRankerClient(f"http://127.0.0.1:{free_port()}", Breaker())
        with client_of(gateway(nowhere)) as alone:
            answers[503] = alone.get("/users/42/history")
        asyncio.run(nowhere.close())
        huge = b" " * (2 * 2**20 + 1)
        answers |= {
            404: client.get("/items/nope"),
            405: client.request("DELETE", "/items/318"),
            413: client.post("/explain", content=huge, headers=JSON),
            415: client.post("/explain", content=b"{}"),
            422: client.get("/items?limit=0"),
        }
        for status, answer in answers.items():
            described.validate(problem_of(answer, status))
        assert {status for status, a in answers.items() if "retry-after" in a.headers} == {429, 503}

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*;q=0.1", ""])
    def test_what_a_client_would_rather_have_changes_nothing(
        self, client: Client, accept: str
    ) -> None:
        answer = client.get("/items/318", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json"
        problem_of(client.get("/items/nope", headers={"Accept": accept}), 404)


class TestAnswers:
    @settings(max_examples=30)
    @given(facts=hostile_facts())
    def test_an_explanation_is_what_the_document_says(
        self, client: Client, answered: dict[str, jsonschema_rs.Draft202012Validator], facts: Facts
    ) -> None:
        body = {"facts": [json.loads(facts.model_dump_json())]}
        answered["POST /explain"].validate(client.post("/explain", json=body).json())

    @pytest.mark.parametrize(
        ("operation", "path"),
        [
            ("GET /recommend", "/recommend?user_id=42&k=100"),
            ("GET /recommend", "/recommend?user_id=42&k=5&explain=false"),
            ("GET /recommend", "/recommend?user_id=42&k=100&deadline_ms=1"),
            ("GET /users", "/users?limit=1000"),
            ("GET /users/{user_id}/history", "/users/42/history?limit=1000"),
            ("GET /items", "/items?search=a&limit=1000"),
            ("GET /items/{item_id}", "/items/318"),
            ("GET /healthz", "/healthz"),
            ("GET /readyz", "/readyz"),
        ],
    )
    def test_so_are_the_other_answers(
        self,
        client: Client,
        answered: dict[str, jsonschema_rs.Draft202012Validator],
        operation: str,
        path: str,
    ) -> None:
        answered[operation].validate(client.get(path).json())


@pytest.fixture(scope="module")
def answered(client: Client) -> dict[str, jsonschema_rs.Draft202012Validator]:
    """Return what the document says of the answers, by operation.

    New fields may be added to answers, but not without being in the document.
    """
    document = client.get("/openapi.json").json()
    for schema in document["components"]["schemas"].values():
        schema.setdefault("additionalProperties", False)
    return {
        f"{method.upper()} {path}": jsonschema_rs.Draft202012Validator(
            {
                **operation["responses"]["200"]["content"]["application/json"]["schema"],
                "components": document["components"],
            }
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "application/json" in operation["responses"].get("200", {}).get("content", {})
    }
