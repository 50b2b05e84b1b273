"""The documents are true: what they show runs, what they name is there, settings are as they say.

Every block is run, but for the commands of `NOT_RUN`. So a new one needs nothing here, unless it
cannot be run.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from document_reader import NOT_RUN, Prism, Reader, is_understood
from documents import (
    DOCUMENTS,
    ROOT,
    anchors_of,
    before_blocks_of,
    blocks_of,
    commands_of,
    prose_of,
    shown_json,
)
from fastapi import FastAPI
from service_fixtures import Client, client_of
from structlog.testing import capture_logs

from catalog.dataset import Dataset
from catalog.facts import Facts
from catalog.facts_file import Sample, write_facts
from models.distillation.normalise import normalised
from models.faithfulness import check
from service.deployments.embedded import embedded_app
from service.http import server
from service.metrics import Metrics
from service.settings import Settings

RUN_BY = {
    "client.md": ({"sh", "python", "js"}, ""),  # tests/test_client.py
    "data.md": ({"sh", "csv", "tsv", "json", ""}, "-->\n"),  # tests/test_data_page.py
}
"""Pages that have a test of their own: which kinds of blocks it runs, and how these are marked."""
FILES = {
    "ratings.csv": "reader,isbn,stars\n"
    + "".join(f"r{n % 8},{n * n % 12},{3 + n % 3}\n" for n in range(60)),
    "books.csv": "isbn,title,genres,published\n"
    + "".join(f"{n},Book {n},Poetry|Crime,19{n + 10}\n" for n in range(12)),
}
"""Tables that readers have themselves."""
SETTINGS = dict(
    re.findall(
        r"^\| `(PRISM_\w+)` \| *([^|]*?) *\|",
        (ROOT / "docs" / "settings.md").read_text("utf-8"),
        re.MULTILINE,
    )
)


@pytest.fixture(scope="module")
def demo_service() -> Iterator[Client]:
    """Return what `make run` serves."""
    data = ROOT / "data"
    settings = Settings(data=data / "demo", snapshot=data / "ranker", engines=data / "engines")
    with client_of(embedded_app(settings)) as client:
        yield client


@pytest.fixture
def reader(
    prism: Prism, demo_service: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """Return a reader in a folder with the demo and the code, to which they may add."""
    (tmp_path / "data").mkdir()
    for name in ("data/demo", "data/ranker", "data/engines", "models", "docker"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    fact = Facts.model_validate({"item": {"id": "318", "title": "Heat"}})
    write_facts(tmp_path / "data" / "facts", [Sample(fact, "train", unseen=False, page=0)])
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PRISM_")]:
        monkeypatch.delenv(name)
    apps: list[FastAPI] = []
    # Served without a socket: the usual ports may be somebody else's.
    monkeypatch.setattr(server, "listen", lambda *at: SimpleNamespace(getsockname=lambda: at))
    monkeypatch.setattr(server, "serve", lambda service, _, __: apps.append(service))
    monkeypatch.setattr("service.logs.configure_logs", lambda level: None)
    reading = Reader(prism, apps, demo_service)
    yield reading
    reading.close()


@pytest.mark.parametrize(
    "document", [one for one in DOCUMENTS if one.name not in RUN_BY], ids=lambda path: path.name
)
def test_every_block_of_a_document_runs(document: Path, reader: Reader) -> None:
    for block in blocks_of(document):
        reader.follow(block)


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one.name in RUN_BY])
def test_every_block_of_a_document_is_run_by_the_test_of_this_page(document: Path) -> None:
    kinds, mark = RUN_BY[document.name]
    for before, block in zip(before_blocks_of(document), blocks_of(document), strict=True):
        if not before.endswith(mark):
            assert set(commands_of(block.text)) <= NOT_RUN.keys()
        else:
            assert block.kind in kinds, block.text


def test_what_is_not_run_stands_in_a_document() -> None:
    commands = [
        command
        for document in DOCUMENTS
        for block in blocks_of(document)
        if block.kind in {"sh", "console"}
        for command in commands_of(block.text.removeprefix("$ "))
    ]
    assert NOT_RUN.keys() <= set(commands)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_sentence_is_one(document: Path) -> None:
    for told in re.findall(r"`([^`]+)`", prose_of(document)):
        command = " ".join(told.split()).replace(" ...", "")
        if re.match(
            r"([A-Z_]+=\S+ )*(prism|make|\.venv/bin/\w+|python|pip install) [^…]*$", command
        ):
            is_understood(command)


# ---------------------------------------------------------------------- what is named


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", prose_of(document)):
        file, _, anchor = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


_PLACE = r"(?:catalog|ranker|models|service|client|bench|docker|tests|docs)/[\w./*-]*"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_is_there(document: Path) -> None:
    for name in re.findall(rf"`({_PLACE})`", prose_of(document)):
        assert list(ROOT.glob(name)), name


def test_every_function_that_is_named_is_in_its_file() -> None:
    named = re.findall(
        r"`([\w/-]+[./][\w/.-]+)`: ((?:`\w+`(?:,? (?:and )?)?)+)", prose_of(ROOT / "docs/code.md")
    )
    assert len(named) > 30
    for file, names in named:
        source = (ROOT / file).read_text("utf-8")
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"(def|class) {name}\b|^ *{name}\b[^=\n]*=", source, re.MULTILINE), (
                name
            )


def test_one_request_leads_through_at_most_eighteen_files() -> None:
    path = re.findall(r"^\| \d+ \| `([^`]+)`", prose_of(ROOT / "docs/code.md"), re.MULTILINE)
    assert 10 < len(path) <= 18


def test_the_figures_of_the_readme_are_those_that_were_measured() -> None:
    measured = (ROOT / "docs" / "measured.md").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8").replace("](docs/", "](")
    rows = readme.partition("| what | figure | beside | command |")[2].partition("\n\n")[0]
    assert rows.count("\n") > 10
    assert not [row for row in rows.splitlines()[2:] if row not in measured]


# ---------------------------------------------------------------------- worked examples in tables


def rows_of(document: str, *heads: str) -> list[list[str]]:
    """Return the rows of the table with these heads."""
    text = (ROOT / "docs" / document).read_text("utf-8")
    _, _, rest = text.partition(f"| {' | '.join(heads)} |\n")
    rows = rest.partition("\n\n")[0].splitlines()[1:]
    assert rows
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def facts_in(document: str, file: str) -> Facts:
    """Return the Facts of a document's block."""
    [text] = [b.text for b in blocks_of(ROOT / "docs" / document) if b.file == file]
    return Facts.model_validate_json(text)


def test_the_verdicts_of_the_documents_are_those_of_the_check() -> None:
    facts = facts_in("faithfulness.md", "heat.json")
    for text, verdict, _ in rows_of("faithfulness.md", "text", "verdict", "why"):
        assert check(text, facts).outcome == verdict, text
    facts = facts_in("faithfulness.md", "people.json")
    for text, verdict, _ in rows_of("faithfulness.md", "of people", "verdict", "why"):
        assert check(text, facts).outcome == verdict, text
    facts = facts_in("faithfulness.md", "described.json")
    for text, passes, _ in rows_of("faithfulness.md", "text", "under `described`", "why"):
        assert check(text, facts, "described").passed == (passes == "passes"), text


def test_requests_are_answered_as_the_documents_say(demo_service: Client) -> None:
    for asked, status, _ in rows_of("api.md", "ask", "status", "because"):
        method, path, *body = asked.strip("`").split(" ", 2)
        content = body[0] if body else None
        headers = {"Content-Type": "application/json"} if body else {}
        answer = demo_service.request(method, path, content=content, headers=headers)
        assert str(answer.status_code) == status, asked


def test_feedback_is_an_event_of_the_log_with_the_fields_that_are_shown(
    demo_service: Client,
) -> None:
    answer = demo_service.get("/recommend?user_id=42&k=1&style=grounded").json()
    told = {"impression_id": answer["impression_id"], "item_id": answer["items"][0]["item_id"]}
    with capture_logs() as events:
        demo_service.post("/feedback", json={**told, "kind": "clicked"})
    [event] = [one for one in events if one["event"] == "feedback"]
    [shown] = [b.text for b in blocks_of(ROOT / "docs/operating.md") if b.file == "feedback.json"]
    assert event.keys() - {"log_level", "request_id"} == shown_json(shown).keys()


def test_each_kind_of_evidence_allows_the_sentence_beside_it() -> None:
    heat = facts_in("faithfulness.md", "heat.json")
    for kind, _, sentence in rows_of(
        "ranker.md", "evidence_kind", "comes from", "a sentence it allows"
    ):
        of_kind = {"evidence_kind": kind.strip("`")}
        none = {"evidence": ()} if kind == "`none`" else {}
        assert check(sentence, heat.model_copy(update={**of_kind, **none})).passed, sentence


def test_a_text_of_an_oracle_becomes_the_label_beside_it() -> None:
    heat = facts_in("faithfulness.md", "heat.json")
    [written, label, _] = rows_of("distillation.md", "the Oracle wrote", "becomes", "because")[0]
    assert normalised(written, heat) == label


def test_a_row_of_an_oracles_texts_has_the_fields_that_are_shown(reader: Reader) -> None:
    for block in blocks_of(ROOT / "docs" / "oracles.md"):
        reader.follow(block)
    [row] = map(json.loads, Path("data/texts/texts-1-of-1.jsonl").read_text("utf-8").splitlines())
    assert row["text"] == "You may like “Heat”."
    assert row.keys() == shown_json(Path("row.json").read_text("utf-8")).keys()


def test_the_black_box_of_thirty_lines_is_served(
    demo: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = next(b for b in blocks_of(ROOT / "docs" / "ranker.md") if b.kind == "python")
    assert len([line for line in block.text.splitlines() if line.strip()]) <= 30
    names: dict[str, Any] = {}
    exec(block.text, names)
    ranker = names["CoLiked"](demo)
    monkeypatch.setattr("service.deployments.embedded.open_ranker", lambda _: (demo, ranker))
    with client_of(embedded_app(Settings(model="grounded", data=ROOT / "data/demo"))) as client:
        answer = client.get("/recommend?user_id=1&k=2").json()
    assert answer["ranker"] == {"name": "co-liked", "version": "1"}
    for item in answer["items"]:
        assert f"“{item['title']}”" in item["explanation"]["text"]
        assert [entry["contribution"] for entry in item["explanation"]["evidence"]] == [None] * len(
            item["explanation"]["evidence"]
        )


# ---------------------------------------------------------------------- settings, and metrics


def test_every_metric_is_documented_and_nothing_else_is_said_to_be_one() -> None:
    there = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics().registry.collect()
        if family.name.startswith("prism_")
    }
    told = re.findall(r"^\| `(prism_\w+)` \|", prose_of(ROOT / "docs/operating.md"), re.MULTILINE)
    assert set(told) == there


def test_every_setting_is_documented_and_nothing_else_is_said_to_be_one() -> None:
    assert SETTINGS.keys() == {f"PRISM_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_without_its_variable_is_as_with_the_documented_default(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"PRISM_{name.upper()}"
    monkeypatch.delenv(variable, raising=False)
    without = getattr(Settings(), name)
    if SETTINGS[variable]:
        monkeypatch.setenv(variable, SETTINGS[variable])
        assert getattr(Settings(), name) == without
    else:
        assert without is None
