"""Security: who may ask, how fast, from where, and what every answer tells a browser."""

import hashlib
import hmac
import itertools
import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import free_port
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl
from redis import Redis
from redis.exceptions import RedisError
from service_fixtures import GENEROUS_S, Client, Clock, anyio_backend, client_of  # noqa: F401
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from service import rate_limit
from service.deployments.distributed import gateway_app
from service.deployments.embedded import embedded_app
from service.deployments.loading import open_ranker
from service.http import keys
from service.http.keys import Keys, KeysError, new_key
from service.http.security import GuardMiddleware, HeadersMiddleware, check_address
from service.rate_limit import LocalRateLimit
from service.redis import rate_limit as redis_rate_limit
from service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
OPEN = ["/healthz", "/readyz", "/metrics"]
SLOW = 0.01
"""A token every 100 seconds: what is spent in a test stays spent."""


# ---------------------------------------------------------------------- services, keys, clocks


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterator[None]:
    """Read the demo and its ranker once, and not for every service: they never change."""
    with pytest.MonkeyPatch.context() as patch:
        kept = cache(lambda data, snapshot: open_ranker(Settings(data=data, snapshot=snapshot)))
        patch.setattr(
            "service.deployments.embedded.open_ranker", lambda s: kept(s.data, s.snapshot)
        )
        yield


def embedded(**settings: Any) -> FastAPI:
    """Return the embedded service over the demo."""
    folders: dict[str, Any] = {"data": ROOT / "data" / "demo", "snapshot": ROOT / "data" / "ranker"}
    return embedded_app(Settings(model="grounded", **folders, **settings))


def let_in(file: Path, name: str) -> str:
    """Add a new key to a keys file and return it."""
    key = new_key()
    keys.append(file, keys.line_of(name, key))
    return key


def revoke(file: Path, key: str) -> None:
    """Remove the line of a key."""
    lines = file.read_text().splitlines(keepends=True)
    digest = hashlib.sha256(key.encode()).hexdigest()
    file.write_text("".join(line for line in lines if digest not in line))


def bearer(key: str) -> dict[str, str]:
    """Return the header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the keys are to be, in a file that is looked at on every request."""
    monkeypatch.setattr(keys, "_LOOK_S", 0)
    return tmp_path / "keys"


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Check that an answer is a problem document, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    return problem


# ---------------------------------------------------------------------- keys


class TestKeys:
    def test_where_none_are_configured_everybody_may_ask(self) -> None:
        with client_of(embedded()) as client:
            assert client.get("/recommend?user_id=42&k=1").status_code == 200
            assert client.get("/users/42/history", headers=bearer("any")).status_code == 200

    def test_no_route_answers_without_one_but_those_for_operators_and_the_page(
        self, key_file: Path
    ) -> None:
        let_in(key_file, "website")
        app = embedded(api_keys=key_file)
        routes = [route.path for route in app.routes if isinstance(route, Route)]
        lookups = ["/recommend", "/explain", "/users", "/users/42/history", "/items", "/items/1"]
        with client_of(app) as client:
            for path in {*routes, *lookups, "/nowhere", "/healthz/", "/metrics/x"}:
                for method in ("GET", "POST"):
                    answer = client.request(method, path)
                    if path in {*OPEN, "/"} or path.startswith("/static/"):
                        assert answer.status_code != 401
                    else:
                        assert problem_of(answer, 401)["type"] == "urn:prism:no-key", path
            assert [client.get(path).status_code for path in OPEN] == [200, 200, 200]

    def test_a_refusal_says_what_is_wrong_and_how_a_key_is_sent(self, key_file: Path) -> None:
        let_in(key_file, "website")
        with client_of(embedded(api_keys=key_file)) as client:
            missing = client.get("/recommend?user_id=42")
            wrong = client.get("/recommend?user_id=42", headers=bearer(new_key()))
            basic = client.get("/recommend?user_id=42", auth=("somebody", "secret"))
        assert "Authorization: Bearer KEY" in problem_of(missing, 401)["detail"]
        assert problem_of(wrong, 401)["type"] == "urn:prism:wrong-key"
        assert problem_of(basic, 401)["type"] == "urn:prism:no-key"
        for answer in (missing, wrong, basic):
            assert answer.headers["www-authenticate"] == "Bearer"

    def test_a_right_one_is_let_in_by_either_header(self, key_file: Path) -> None:
        key = let_in(key_file, "website")
        forms = [bearer(key), {"authorization": f"bearer  {key} "}, {"X-API-Key": key}]
        with client_of(embedded(api_keys=key_file)) as client:
            for headers in forms:
                answer = client.get("/recommend?user_id=42&k=2", headers=headers)
                assert answer.status_code == 200
                assert len(answer.json()["items"]) == 2

    @pytest.mark.parametrize(
        "alter",
        [
            lambda key: key[:-1],
            lambda key: key + "A",
            lambda key: key.swapcase(),
            lambda key: key.removeprefix("prism_"),
            lambda key: hashlib.sha256(key.encode()).hexdigest(),  # what the file holds
            lambda key: "ÿ" + key,
        ],
    )
    def test_only_the_exact_key_is_right(self, key_file: Path, alter: Callable[[str], str]) -> None:
        known = Keys(key_file) if let_in(key_file, "other") else None
        key = let_in(key_file, "website")
        assert known
        assert known.owner(key) == "website"
        assert known.owner(alter(key)) is None

    def test_removing_its_line_revokes_a_key_in_the_running_service(self, key_file: Path) -> None:
        key, other = let_in(key_file, "website"), let_in(key_file, "app")
        with client_of(embedded(api_keys=key_file)) as client:
            assert client.get("/items/1", headers=bearer(key)).status_code == 200
            revoke(key_file, key)
            assert problem_of(client.get("/items/1", headers=bearer(key)), 401)
            assert client.get("/items/1", headers=bearer(other)).status_code == 200
            revoke(key_file, other)
            assert problem_of(client.get("/items/1", headers=bearer(other)), 401)

    def test_in_a_rotation_the_old_and_the_new_key_are_both_valid(self, key_file: Path) -> None:
        old = let_in(key_file, "website")
        with client_of(embedded(api_keys=key_file)) as client:
            new = let_in(key_file, "website")
            for key in (old, new):
                assert client.get("/items/1", headers=bearer(key)).status_code == 200
            revoke(key_file, old)
            assert problem_of(client.get("/items/1", headers=bearer(old)), 401)
            assert client.get("/items/1", headers=bearer(new)).status_code == 200

    def test_the_file_is_looked_at_once_a_second_at_most(self, tmp_path: Path) -> None:
        clock, file = Clock(), tmp_path / "keys"
        key = let_in(file, "website")
        known = Keys(file, clock)
        revoke(file, key)
        clock.now = 0.9
        assert known.owner(key) == "website"
        clock.now = 1.0
        assert known.owner(key) is None

    def test_every_key_is_compared_in_constant_time_whichever_is_given(
        self, key_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[tuple[bytes, bytes]] = []
        compare = hmac.compare_digest

        def spy(one: bytes, other: bytes) -> bool:
            compared.append((one, other))
            return compare(one, other)

        valid = [let_in(key_file, name) for name in ("a", "b", "c")]
        known = Keys(key_file)
        monkeypatch.setattr(hmac, "compare_digest", spy)
        for key in [*valid, new_key(), ""]:
            compared.clear()
            known.owner(key)
            given = hashlib.sha256(key.encode()).digest()
            stored = [hashlib.sha256(one.encode()).digest() for one in valid]
            assert compared == [(given, one) for one in stored]

    def test_nothing_tells_a_key(self, key_file: Path) -> None:
        right, wrong = let_in(key_file, "website"), new_key()
        app = embedded(api_keys=key_file, rate_per_s=SLOW, rate_burst=3)
        app.add_api_route("/crash", _crash)
        answers = []
        with capture_logs() as logs, client_of(app) as client:
            for key in (right, wrong):
                for form in (bearer(key), {"X-API-Key": key}):
                    for path in ("/recommend?user_id=42&k=1", "/items/none", "/crash"):
                        answers.append(client.get(path, headers=form))
            answers.append(client.get("/metrics"))
        assert {answer.status_code for answer in answers} == {200, 401, 404, 429, 500}
        told = [f"{answer.headers} {answer.text}" for answer in answers]
        for key in (right, wrong):
            digest = hashlib.sha256(key.encode()).hexdigest()
            for secret in (key, key.removeprefix("prism_"), digest):
                assert secret not in "\n".join([*told, *map(str, logs)])

    def test_a_refusal_is_logged_and_counted_like_any_answer(self, key_file: Path) -> None:
        let_in(key_file, "website")
        with capture_logs() as logs, client_of(embedded(api_keys=key_file)) as client:
            answer = client.get("/items/1", headers={"X-Request-ID": "of-mine"})
            counted = client.samples()
        assert answer.headers["x-request-id"] == "of-mine"
        assert [line["status"] for line in logs if line["event"] == "request"] == [401, 200]
        labels = frozenset({("route", "unknown"), ("status", "401")})
        assert counted["prism_requests_total", labels] == 1


async def _crash() -> None:
    raise RuntimeError("out of ink")


class TestKeysFiles:
    def test_comments_and_empty_lines_say_nothing(self, key_file: Path) -> None:
        key = let_in(key_file, "website")
        line = key_file.read_text().strip()
        key_file.write_text(f"# who may ask\n\n  {line}  # since spring\n")
        assert Keys(key_file).owner(key) == "website"

    def test_a_file_without_keys_lets_nobody_in(self, key_file: Path) -> None:
        key_file.write_text("# nobody yet\n")
        assert Keys(key_file).owner(new_key()) is None

    @pytest.mark.parametrize(
        "broken",
        [
            "website",
            f"website {'0' * 63}",
            f"website {'0' * 65}",
            f"website {'g' * 64}",
            f"web site {'0' * 64}",
            f"wéb {'0' * 64}",
            "website prism_4nQ9-a-key-that-was-put-where-its-hash-belongs",
        ],
    )
    def test_a_broken_line_stops_the_start_and_is_named_but_not_shown(
        self, key_file: Path, broken: str
    ) -> None:
        let_in(key_file, "app")
        key_file.write_text(f"{key_file.read_text()}{broken}\n")
        with pytest.raises(KeysError, match=rf"line 2 of {re.escape(str(key_file))} ") as error:
            embedded(api_keys=key_file)
        assert broken.rsplit(maxsplit=1)[-1] not in str(error.value)

    def test_a_file_that_is_not_there_stops_the_start_and_it_says_how_to_make_one(
        self, key_file: Path
    ) -> None:
        with pytest.raises(KeysError, match=f"prism api-key NAME --append {key_file}"):
            embedded(api_keys=key_file)

    @pytest.mark.parametrize("content", [b"\xff\xfe", None])
    def test_what_is_no_text_file_stops_the_start(
        self, key_file: Path, content: bytes | None
    ) -> None:
        key_file.mkdir() if content is None else key_file.write_bytes(content)
        with pytest.raises(KeysError, match=str(key_file)):
            Keys(key_file)

    def test_one_that_breaks_later_leaves_the_keys_before_and_is_logged_once(
        self, key_file: Path
    ) -> None:
        key = let_in(key_file, "website")
        known, good = Keys(key_file), key_file.read_text()
        with capture_logs() as logs:
            key_file.write_text("half a li")
            assert [known.owner(key), known.owner(key)] == ["website"] * 2
            key_file.unlink()
            assert [known.owner(key), known.owner(key)] == ["website"] * 2
            key_file.write_text(good)
            revoke(key_file, key)
            assert known.owner(key) is None
        assert [line["log_level"] for line in logs] == ["warning", "warning", "info"]
        assert "line 1" in logs[0]["error"]

    def test_a_file_that_takes_its_place_is_noticed_even_if_it_is_as_old(
        self, key_file: Path
    ) -> None:
        old = let_in(key_file, "website")
        known, times = Keys(key_file), (0, key_file.stat().st_mtime_ns)
        new = let_in(key_file.with_name("new"), "website")
        os.utime(key_file.with_name("new"), ns=times)
        key_file.with_name("new").replace(key_file)
        assert (known.owner(old), known.owner(new)) == (None, "website")


# ---------------------------------------------------------------------- prism api-key

Prism = Callable[..., tuple[str, str]]


class TestMakingAKey:
    def test_it_prints_the_key_and_the_line_that_lets_it_in(
        self, prism: Prism, key_file: Path
    ) -> None:
        out, err = prism("api-key", "website")
        key, line = out.splitlines()
        assert re.fullmatch(r"prism_[\w-]{43}", key)
        assert key not in err
        key_file.write_text(line)
        assert Keys(key_file).owner(key) == "website"

    def test_appended_its_line_is_in_the_file_and_the_key_is_nowhere(
        self, prism: Prism, key_file: Path
    ) -> None:
        made = [prism("api-key", name, "--append", key_file)[0] for name in ("a", "b", "b")]
        assert all(out.count("\n") == 1 for out in made)
        known = Keys(key_file)
        assert [known.owner(out.strip()) for out in made] == ["a", "b", "b"]
        assert all(out.strip() not in key_file.read_text() for out in made)

    def test_a_new_file_is_for_its_owner_only(self, prism: Prism, key_file: Path) -> None:
        prism("api-key", "website", "--append", key_file)
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600

    def test_a_file_that_is_there_keeps_its_lines_and_its_mode(
        self, prism: Prism, key_file: Path
    ) -> None:
        before = let_in(key_file, "app")
        key_file.write_text(key_file.read_text().rstrip("\n"))  # as some editors leave it
        key_file.chmod(0o640)
        out, _ = prism("api-key", "website", "--append", key_file)
        known = Keys(key_file)
        assert (known.owner(before), known.owner(out.strip())) == ("app", "website")
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o640

    def test_no_two_keys_are_alike(self, prism: Prism) -> None:
        assert len({prism("api-key", "website")[0] for _ in range(5)}) == 5

    @pytest.mark.parametrize("name", ["", "two words", "# x", "é", "a" * 65, "a\nb"])
    def test_a_name_that_no_line_could_hold_is_refused(
        self, prism: Prism, key_file: Path, name: str
    ) -> None:
        out, err = prism("api-key", name, "--append", key_file, status=2)
        assert "Invalid value for NAME" in err
        assert not out
        assert not key_file.exists()

    def test_where_it_cannot_write_it_says_so_and_shows_no_key(
        self, prism: Prism, tmp_path: Path
    ) -> None:
        file = tmp_path / "none" / "keys"
        out, err = prism("api-key", "website", "--append", file, status=1)
        assert (out, err) == ("", f"error: cannot write {file}: No such file or directory\n")


# ---------------------------------------------------------------------- addresses

FOR_OTHERS = ["0.0.0.0", "::", "", "192.168.1.7", "example.org", "127.0.0.1.example.org", "0"]
"""Addresses that are not only this machine's."""


class TestAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
    @pytest.mark.parametrize("takes_keys", [True, False])
    def test_without_keys_this_machine_may_ask(self, host: str, takes_keys: bool) -> None:
        check_address(Settings(host=host), takes_keys=takes_keys)

    @pytest.mark.parametrize("host", FOR_OTHERS)
    def test_other_machines_may_only_with_keys_or_when_somebody_says_so(self, host: str) -> None:
        with pytest.raises(KeysError, match=r"PRISM_API_KEYS=FILE.*PRISM_ALLOW_OPEN=1"):
            check_address(Settings(host=host), takes_keys=True)
        check_address(Settings(host=host, allow_open=True), takes_keys=True)
        check_address(Settings(host=host, api_keys=Path("keys")), takes_keys=True)

    @pytest.mark.parametrize("host", FOR_OTHERS)
    def test_keys_do_not_protect_a_server_that_takes_none(self, host: str) -> None:
        for file in (None, Path("keys")):
            with pytest.raises(KeysError, match=r"knows no API keys(.|\n)*PRISM_ALLOW_OPEN=1"):
                check_address(Settings(host=host, api_keys=file), takes_keys=False)
            check_address(Settings(host=host, api_keys=file, allow_open=True), takes_keys=False)

    @pytest.mark.parametrize("command", ["serve", "gateway"])
    def test_a_public_server_does_not_start_and_says_how_to_go_on(
        self, refusing: Callable[..., str], command: str
    ) -> None:
        first, second = refusing(command, "--host", "0.0.0.0").splitlines()
        assert first == "error: without API keys Prism serves this machine only, not 0.0.0.0"
        assert "prism api-key NAME" in second

    @pytest.mark.parametrize("command", ["ranker", "worker"])
    def test_one_for_the_gateway_does_not_start_either_whatever_keys_there_are(
        self, refusing: Callable[..., str], key_file: Path, command: str
    ) -> None:
        let_in(key_file, "website")
        told = refusing(command, "--host", "0.0.0.0", PRISM_API_KEYS=str(key_file))
        first, second = told.splitlines()
        assert "knows no API keys, so it serves this machine only, not 0.0.0.0" in first
        assert "PRISM_ALLOW_OPEN=1" in second

    def test_a_server_that_is_told_to_serve_others_does(
        self, refusing: Callable[..., str], tmp_path: Path
    ) -> None:
        options = ["--host", "0.0.0.0", "--port", "0", "--data", tmp_path]
        told = refusing("ranker", *options, PRISM_ALLOW_OPEN="1")
        assert told.startswith(f"error: {tmp_path} is no dataset folder")


# ---------------------------------------------------------------------- limits


def asked(client: Client, times: int, **options: Any) -> list[int]:
    """Ask for something that costs little, and return the answers' statuses."""
    return [client.get("/openapi.json", **options).status_code for _ in range(times)]


class TestLimits:
    def test_by_default_there_is_none(self) -> None:
        with client_of(embedded()) as client:
            assert asked(client, 50) == [200] * 50

    def test_who_asks_too_fast_is_told_when_to_come_back(self) -> None:
        with client_of(embedded(rate_per_s=SLOW, rate_burst=3)) as client:
            assert asked(client, 3) == [200] * 3
            refused = client.get("/recommend?user_id=42")
            assert problem_of(refused, 429)["type"] == "urn:prism:too-fast"
            assert 100 - GENEROUS_S <= int(refused.headers["retry-after"]) <= 100
            assert [client.get(path).status_code for path in OPEN] == [200, 200, 200]

    def test_each_name_has_a_limit_of_its_own_however_many_keys_it_has(
        self, key_file: Path
    ) -> None:
        old, new, other = (let_in(key_file, name) for name in ("website", "website", "app"))
        app = embedded(api_keys=key_file, rate_per_s=SLOW, rate_burst=2)
        with client_of(app) as client:
            assert asked(client, 1, headers=bearer(old)) == [200]
            assert asked(client, 2, headers=bearer(new)) == [200, 429]
            assert asked(client, 3, headers=bearer(other)) == [200, 200, 429]

    def test_strangers_do_not_use_up_the_limit_of_a_key(self, key_file: Path) -> None:
        key = let_in(key_file, "website")
        app = embedded(api_keys=key_file, rate_per_s=SLOW, rate_burst=1)
        with client_of(app) as client:
            assert asked(client, 3, headers=bearer(new_key())) == [401] * 3
            assert asked(client, 2, headers=bearer(key)) == [200, 429]

    @pytest.mark.anyio
    async def test_without_keys_each_address_has_a_limit_of_its_own(self) -> None:
        guard = GuardMiddleware(PlainTextResponse("hello"), None, LocalRateLimit(SLOW, 2))
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
            transport = httpx.ASGITransport(guard, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://prism") as client:
                statuses = [(await client.get("/users")).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]

    @pytest.mark.anyio
    async def test_who_waits_as_long_as_told_is_let_in_again(self) -> None:
        clock = Clock()
        limit = LocalRateLimit(per_s=4, burst=2, clock=clock)
        transport = httpx.ASGITransport(GuardMiddleware(PlainTextResponse("hello"), None, limit))
        async with httpx.AsyncClient(transport=transport, base_url="http://prism") as client:
            first = [await client.get("/users") for _ in range(4)]
            assert [answer.status_code for answer in first] == [200, 200, 429, 429]
            assert [answer.headers.get("retry-after") for answer in first[2:]] == ["1", "1"]
            clock.now = 0.25  # one token is back; being refused has cost none
            later = [await client.get("/users") for _ in range(2)]
            assert [answer.status_code for answer in later] == [200, 429]
            clock.now = 100.0  # a bucket holds no more than the burst
            at_last = [await client.get("/users") for _ in range(3)]
            assert [answer.status_code for answer in at_last] == [200, 200, 429]

    @pytest.mark.anyio
    async def test_the_number_of_buckets_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rate_limit, "_MOST_BUCKETS", 3)
        limit = LocalRateLimit(SLOW, 1)
        assert [await limit.wait_s(caller) for caller in "abc"] == [0, 0, 0]
        assert await limit.wait_s("a")  # used again: now b is the one used least recently
        assert not await limit.wait_s("d")
        assert [await limit.wait_s(caller) > 0 for caller in "acd"] == [True] * 3
        assert not await limit.wait_s("b")

    @given(
        per_s=st.floats(0.01, 1000),
        burst=st.integers(1, 50),
        pauses=st.lists(st.floats(0, 5), max_size=60),
    )
    def test_however_one_asks_no_span_of_time_has_more_than_the_burst_and_the_rate(
        self, per_s: float, burst: int, pauses: Sequence[float]
    ) -> None:
        clock = Clock()
        limit = LocalRateLimit(per_s, burst, clock)
        let_in_at: list[float] = []
        for pause in pauses:
            clock.now += pause
            if not _wait_s(limit):
                let_in_at.append(clock.now)
        for first, last in itertools.combinations(range(len(let_in_at)), 2):
            span = let_in_at[last] - let_in_at[first]
            assert last - first + 1 <= burst + span * per_s * 1.001 + 0.001
        while not (told := _wait_s(limit)):
            pass
        clock.now += told + 1e-6  # a clock in floating point is a little early or late
        assert not _wait_s(limit)


def _wait_s(limit: LocalRateLimit) -> float:
    """Ask a local limit, which never waits for anything, outside an event loop."""
    asking = limit.wait_s("somebody")
    with pytest.raises(StopIteration) as answered:
        asking.send(None)
    return float(answered.value.value)


# ---------------------------------------------------------------------- limits over Redis


class Server:
    """A redis-server of the test's own."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self._command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1"]
        self._command += ["--save", "", "--dir", str(folder)]
        self.client = Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + GENEROUS_S
        while True:
            try:
                assert self.client.ping()
                return
            except RedisError:
                assert time.monotonic() < end, "redis-server does not answer"
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop it for good."""
        self._process.kill()
        self._process.wait()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Keep it from answering for a while; its connections stay."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    """Return a running redis-server."""
    server = Server(free_port(), tmp_path)
    try:
        yield server
    finally:
        server.client.close()
        server.stop()


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gateways wait for Redis as long as a busy machine needs."""
    monkeypatch.setattr(redis_rate_limit, "_PATIENCE_S", GENEROUS_S)


def gateway(redis_url: str, **settings: Any) -> FastAPI:
    """Return a gateway without ranker and workers: it can show its documentation."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    return gateway_app(Settings(redis_url=redis_url, ranker_url=HttpUrl(nowhere), **settings))


def failures(client: Client) -> float:
    """Return how often Redis failed the limit of a gateway."""
    labels = frozenset({("part", "rate_limit")})
    return client.samples().get(("prism_failures_total", labels), 0.0)


class TestLimitsOverRedis:
    @pytest.mark.usefixtures("_patient")
    def test_gateways_share_one_limit(self, redis: Server, key_file: Path) -> None:
        key, other = let_in(key_file, "website"), let_in(key_file, "app")
        new = partial(gateway, redis.url, api_keys=key_file, rate_per_s=SLOW, rate_burst=4)
        with ExitStack() as stack:
            one, two = (stack.enter_context(client_of(new())) for _ in range(2))
            turns = [one, two, two, one]
            assert [asked(c, 1, headers=bearer(key))[0] for c in turns] == [200] * 4
            for client in (one, two):
                refused = client.get("/openapi.json", headers=bearer(key))
                assert problem_of(refused, 429)
                assert 100 - GENEROUS_S <= int(refused.headers["retry-after"]) <= 100
                assert asked(client, 1, headers=bearer(other)) == [200]
            assert failures(one) == failures(two) == 0

    @pytest.mark.usefixtures("_patient")
    def test_buckets_are_named_by_a_hash_and_expire_once_they_are_full(self, redis: Server) -> None:
        with client_of(gateway(redis.url, rate_per_s=SLOW, rate_burst=5)) as client:
            assert asked(client, 2) == [200] * 2
        [bucket] = redis.client.keys("prism:rate:*")
        assert bucket == b"prism:rate:" + hashlib.sha256(b"127.0.0.1").hexdigest().encode()
        left_ms = redis.client.pttl(bucket)
        assert isinstance(left_ms, int)
        two_tokens_s = 2 / SLOW
        assert two_tokens_s - GENEROUS_S < left_ms / 1000 <= two_tokens_s

    @pytest.mark.usefixtures("_patient")
    def test_who_waits_is_let_in_again(self, redis: Server) -> None:
        with client_of(gateway(redis.url, rate_per_s=1, rate_burst=1)) as client:
            assert asked(client, 1) == [200]
            end = time.monotonic() + GENEROUS_S
            while asked(client, 1) != [200]:  # being refused costs nothing
                assert time.monotonic() < end
                time.sleep(0.05)

    def test_where_redis_never_was_each_gateway_limits_by_itself(self) -> None:
        nowhere = f"redis://127.0.0.1:{free_port()}/0"
        with ExitStack() as stack:
            for _ in range(2):
                app = gateway(nowhere, rate_per_s=SLOW, rate_burst=2)
                client = stack.enter_context(client_of(app))
                assert asked(client, 3) == [200, 200, 429]
                assert failures(client) >= 1

    def test_while_redis_is_gone_each_limits_by_itself_and_then_they_share_again(
        self, redis: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(redis_rate_limit, "_PATIENCE_S", GENEROUS_S)
        monkeypatch.setattr(redis_rate_limit, "_LEFT_ALONE_S", 0)
        with client_of(gateway(redis.url, rate_per_s=SLOW, rate_burst=2)) as client:
            assert asked(client, 3) == [200, 200, 429]
            redis.stop()
            assert asked(client, 3) == [200, 200, 429]
            assert failures(client) == 3
            redis.start()  # anew, and empty
            assert asked(client, 3) == [200, 200, 429]
            assert failures(client) == 3

    def test_a_redis_that_stalls_is_left_alone_for_a_while(
        self, redis: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(redis_rate_limit, "_LEFT_ALONE_S", GENEROUS_S)
        app = gateway(redis.url, rate_per_s=SLOW, rate_burst=2)
        with redis.stalled(), client_of(app) as client:
            assert asked(client, 3) == [200, 200, 429]
            assert failures(client) == 1


# ---------------------------------------------------------------------- headers

STRICT = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


class TestHeaders:
    def test_every_answer_has_them_refusals_and_failures_too(self, key_file: Path) -> None:
        key = bearer(let_in(key_file, "website"))
        app = embedded(api_keys=key_file, rate_per_s=SLOW, rate_burst=6, max_body=1000)
        app.add_api_route("/crash", _crash)
        with client_of(app) as client:
            answers = [
                client.get("/healthz"),
                client.get("/recommend?user_id=42&k=1", headers=key),
                client.get("/recommend?user_id=nobody", headers=key),
                client.post("/recommend", headers=key, json={"history": [1] * 1000}),
                client.get("/recommend?k=0", headers=key),
                client.get("/crash", headers=key),
                client.request("DELETE", "/items", headers=key),
                client.get("/items", headers=key),
                client.get("/items"),
            ]
        statuses = [answer.status_code for answer in answers]
        assert statuses == [200, 200, 404, 413, 422, 500, 405, 429, 401]
        for answer in answers:
            assert {name: answer.headers[name] for name in STRICT} == STRICT

    def test_the_documentation_loads_what_we_serve_and_nothing_else(self) -> None:
        with client_of(embedded()) as client:
            page = client.get("/docs")
            loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
            assets = [client.get(f"/{asset}") for asset in loaded]
        policy = page.headers["content-security-policy"]
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert (rules["default-src"], rules["frame-ancestors"]) == ("'none'", "'none'")
        assert {rules[f"{kind}-src"] for kind in ("script", "style", "connect")} == {"'self'"}
        assert "unsafe" not in policy
        assert "<style" not in page.text
        assert not re.search(r"<script>|style=| on\w+=|//", page.text)
        assert [asset.status_code for asset in assets] == [200] * 4
        assert {asset.headers["content-type"].partition(";")[0] for asset in assets} == {
            "image/png", "text/css", "text/javascript",
        }  # fmt: skip
        assert b"SwaggerUIBundle" in assets[2].content

    def test_no_other_site_may_read_the_answers(self) -> None:
        origin = {"Origin": "https://elsewhere.example"}
        preflight = {**origin, "Access-Control-Request-Method": "POST"}
        with client_of(embedded()) as client:
            answers = [
                client.get("/recommend?user_id=42&k=1", headers=origin),
                client.request("OPTIONS", "/recommend", headers=preflight),
            ]
        assert [answer.status_code for answer in answers] == [200, 405]
        for answer in answers:
            assert not [name for name in answer.headers if name.startswith("access-control")]

    @pytest.mark.anyio
    async def test_a_route_that_sets_one_has_its_way(self) -> None:
        page = PlainTextResponse("hello", headers={"Cache-Control": "max-age=60"})
        transport = httpx.ASGITransport(HeadersMiddleware(page))
        async with httpx.AsyncClient(transport=transport, base_url="http://prism") as client:
            answer = await client.get("/users")
        assert answer.headers.get_list("cache-control") == ["max-age=60"]
        assert answer.headers["x-content-type-options"] == "nosniff"
