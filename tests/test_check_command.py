"""`prism check`: verdicts of anybody's texts, and where sentences stop being read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from checked_texts import BEYOND, FACTS, FALSE, TRUE

Prism = Callable[..., tuple[str, str]]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.jsonl"
    rows = [{"text": text, "facts": FACTS, "by": "someone"} for text in (TRUE, FALSE, BEYOND)]
    file.write_text("\n".join(map(json.dumps, rows)) + "\n\n", "utf-8")
    return file


def test_every_text_gets_a_verdict_with_its_claims(prism: Prism, texts: Path) -> None:
    told, _ = prism("check", str(texts), status=1)
    verdicts = [json.loads(line) for line in told.splitlines()]
    assert [v["outcome"] for v in verdicts] == ["supported", "contradicted", "unverifiable"]
    assert [v["passed"] for v in verdicts] == [True, False, False]
    [false] = [c for c in verdicts[1]["claims"] if c["outcome"] == "contradicted"]
    assert FALSE[false["start"] : false["end"]] == "is on your list"


def test_a_file_of_true_texts_ends_well_though_an_oracle_failed_between(
    prism: Prism, tmp_path: Path
) -> None:
    file = tmp_path / "true.jsonl"
    rows = [{"error": "no answer", "facts": FACTS}, {"text": TRUE, "facts": FACTS}]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    _, summary = prism("check", str(file))
    assert "1 of 1 pass strict" in summary


def test_factual_lets_pass_what_it_cannot_contradict(prism: Prism, texts: Path) -> None:
    _, summary = prism("check", str(texts), "--policy", "factual", status=1)
    assert "2 of 3 pass factual" in summary


def test_unread_sentences_are_listed_where_they_stop(prism: Prism, texts: Path) -> None:
    _, summary = prism("check", str(texts), status=1)
    assert "1 sentences are not read" in summary
    assert "→keeps←" in summary


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 1: the line"),
        ('{"text": "a"}', "line 1: facts: Field required"),
        ('{"text": "a", "facts": {"item": {"id": "1"}}}', "line 1: facts.item.title"),
    ],
)
def test_a_line_that_is_none_is_named(prism: Prism, tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(line, "utf-8")
    _, error = prism("check", str(file), status=2)
    assert told in error
