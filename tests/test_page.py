"""The page at `/`: its files, who may have them, and, in a real Chromium, that it works at all."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest
from cluster import COMMAND, Process, environment
from fastapi import FastAPI
from playwright.sync_api import expect
from service_fixtures import Client, client_of, problem_of

from bench.browser import chromium, settle
from catalog.dataset import Dataset
from service.deployments.embedded import embedded_app
from service.http import keys
from service.settings import Settings

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
def app(demo: Dataset, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Return the embedded service, where keys are asked for."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    keys.append(file, keys.line_of("somebody", keys.new_key()))
    folders = {"data": ROOT / "data" / "demo", "snapshot": ROOT / "data" / "ranker"}
    return embedded_app(
        Settings.model_validate({"model": "grounded", "api_keys": file, "rate_per_s": 1, **folders})
    )


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[Client]:
    """Return a client without a key."""
    with client_of(app) as client:
        yield client


class TestFiles:
    def test_the_page_and_all_that_it_names_are_there_without_a_key(self, client: Client) -> None:
        document = client.get("/")
        assert document.status_code == 200
        assert document.headers["content-type"] == "text/html; charset=utf-8"
        named = set(re.findall(r'(?:href|src)="(static/page/[^"]+)"', document.text))
        assert {f"static/page/{name}" for name in ("main.js", "style.css", "inter.woff2")} <= named
        for path in sorted(named):
            assert client.get(f"/{path}").status_code == 200, path
        problem_of(client.get("/users"), 401)

    def test_every_module_is_named_so_that_none_is_found_late(self) -> None:
        document = (PAGE / "index.html").read_text("utf-8")
        for module in PAGE.glob("*.js"):
            assert f'"static/page/{module.name}"' in document
            for imported in re.findall(r'from "\./([^"]+)"', module.read_text("utf-8")):
                assert (PAGE / imported).is_file()

    def test_they_are_kept_and_asked_about_and_not_sent_twice(self, client: Client) -> None:
        for path in ("/", "/static/page/main.js"):
            first = client.get(path)
            assert first.headers["cache-control"] == "no-cache"
            again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")

    @pytest.mark.parametrize(
        "path", ["page/", "page/nope.js", "page/../page.py", "page/%2e%2e/page.py", "nope"]
    )
    def test_there_is_nothing_else_to_be_had(self, client: Client, path: str) -> None:
        problem_of(client.get(f"/static/{path}"), 404)

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

    def test_a_browser_is_told_to_run_no_script_but_theirs(self, client: Client) -> None:
        told = client.get("/").headers["content-security-policy"]
        rules = dict(rule.strip().split(" ", 1) for rule in told.split(";"))
        assert rules.pop("require-trusted-types-for") == "'script'"
        assert set(rules.values()) == {"'none'", "'self'"}
        assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
        document = (PAGE / "index.html").read_text("utf-8")
        assert not re.search(r"<style|style=|<script>| on\w+=", document)


def test_in_a_browser_a_user_gets_ten_items_each_with_its_sentence(
    demo: Dataset, tmp_path: Path
) -> None:
    with served(tmp_path / "log") as server, chromium() as browser:
        page = browser.new_page()
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{server.url}/#user=42")
        settle(page)
        answer = server.get("/recommend?user_id=42").json()
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
        assert troubles == []


def _without_years(titles: list[str]) -> list[str]:
    """Leave away what stands behind a title: " 1995 · Comedy"."""
    return [re.sub(r"\s+\d{4} · .*$", "", title) for title in titles]
