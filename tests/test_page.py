"""The page at `/`: its files, who may have them, and, in a real Chromium, that it works at all."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest
from cluster import COMMAND, HTTP, Process, environment
from playwright.sync_api import expect
from service_fixtures import GENEROUS_S, problem_of

from bench.browser import chromium, settle
from service.http import keys

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "service" / "http" / "page"
MOST_BYTES = 150_000


@contextmanager
def served(log: Path, **settings: str) -> Iterator[Process]:
    """Run `prism serve` over the demo with the Prism that comes with the code."""
    folders = {
        "PRISM_DATA": str(ROOT / "data" / "demo"),
        "PRISM_SNAPSHOT": str(ROOT / "data" / "ranker"),
        "PRISM_ENGINES": str(ROOT / "data" / "engines"),
    }
    server = Process([*COMMAND, "serve"], environment(**(folders | settings)), log, forked=True)
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def key() -> str:
    """Return the one key that lets anybody in."""
    return keys.new_key()


@pytest.fixture(scope="module")
def server(key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Return a server that asks for the key."""
    folder = tmp_path_factory.mktemp("page")
    keys.append(folder / "keys", keys.line_of("somebody", key))
    with served(folder / "log", PRISM_API_KEYS=str(folder / "keys")) as running:
        yield running


def get(server: Process, path: str, **headers: str) -> httpx.Response:
    """Send a GET request without a key."""
    return HTTP.get(f"{server.url}{path}", headers=headers, timeout=GENEROUS_S)


class TestFiles:
    def test_the_page_and_all_that_it_names_are_there_without_a_key(self, server: Process) -> None:
        document = get(server, "/")
        assert document.status_code == 200
        assert document.headers["content-type"] == "text/html; charset=utf-8"
        named = set(re.findall(r'(?:href|src)="(static/page/[^"]+)"', document.text))
        assert {f"static/page/{name}" for name in ("main.js", "style.css", "inter.woff2")} <= named
        for path in sorted(named):
            assert get(server, f"/{path}").status_code == 200, path
        problem_of(get(server, "/users"), 401)

    def test_every_module_is_named_so_that_none_is_found_late(self) -> None:
        document = (PAGE / "index.html").read_text("utf-8")
        for module in PAGE.glob("*.js"):
            assert f'"static/page/{module.name}"' in document
            for imported in re.findall(r'from "\./([^"]+)"', module.read_text("utf-8")):
                assert (PAGE / imported).is_file()

    def test_they_are_kept_and_asked_about_and_not_sent_twice(self, server: Process) -> None:
        for path in ("/", "/static/page/main.js"):
            first = get(server, path)
            assert first.headers["cache-control"] == "no-cache"
            again = get(server, path, **{"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize(
        "path", ["page/", "page/nope.js", "page/../page.py", "page/%2e%2e/page.py", "nope"]
    )
    def test_there_is_nothing_else_to_be_had(self, server: Process, path: str) -> None:
        problem_of(get(server, f"/static/{path}"), 404)

    def test_they_weigh_little_and_load_nothing_from_elsewhere(self) -> None:
        files = list(PAGE.iterdir())
        assert sum(file.stat().st_size for file in files) < MOST_BYTES
        for file in files:
            if file.suffix in {".html", ".css", ".js", ".svg"}:
                told = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
                assert "//" not in re.sub(r"(?m)(^| )//? .*$", "", told), file.name

    def test_all_of_them_are_in_the_package(self) -> None:
        told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        patterns = told["tool"]["setuptools"]["package-data"]["service.http"]
        for file in PAGE.rglob("*"):
            assert any(fnmatch(str(file.relative_to(PAGE.parent)), one) for one in patterns), file

    def test_a_browser_is_told_to_run_no_script_but_theirs(self, server: Process) -> None:
        told = get(server, "/").headers["content-security-policy"]
        rules = dict(rule.strip().split(" ", 1) for rule in told.split(";"))
        assert rules.pop("require-trusted-types-for") == "'script'"
        assert set(rules.values()) == {"'none'", "'self'"}
        assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
        document = (PAGE / "index.html").read_text("utf-8")
        assert not re.search(r"<style|style=|<script>| on\w+=", document)


def test_in_a_browser_a_user_gets_ten_items_each_with_its_sentence(
    server: Process, key: str
) -> None:
    with chromium() as browser:
        page = browser.new_page()
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{server.url}/#user=42")
        page.get_by_label("API key").fill(key)
        page.keyboard.press("Enter")
        settle(page)
        answer = get(server, "/recommend?user_id=42", Authorization=f"Bearer {key}").json()
        told = [
            f"{item['rank']} {item['title']}: {item['explanation']['text']}"
            for item in answer["items"]
        ]
        ranks, titles, sentences = (
            page.locator(f".card {part}").all_inner_texts() for part in (".rank", "h2", ".sentence")
        )
        assert [
            f"{rank} {title}: {sentence}"
            for rank, title, sentence in zip(ranks, _without_years(titles), sentences, strict=True)
        ] == told
        expect(page.locator("#why-title")).to_have_text(f"Why {answer['items'][0]['title']}")
        assert [told for told in troubles if "401" not in told] == []  # which the browser logs


def _without_years(titles: list[str]) -> list[str]:
    """Leave away what stands behind a title: " 1995 · Comedy"."""
    return [re.sub(r"\s+\d{4} · .*$", "", title) for title in titles]
