"""Labels of an Oracle's raw texts: what is kept, in which form, and why the rest is not."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from catalog.facts import Evidence, Facts, Noun
from catalog.types import Item
from models.distillation.label_texts import CUT_OFF, LESS, NO_EVIDENCE, NO_ITEM, LabelsOfTexts
from models.faithfulness import Policy
from models.prism.folder import load_config
from models.prism.forms.protocol import FormName

FACTS = Facts(
    noun=Noun(one="film", many="films"),
    item=Item(id="1", title="Heat", year=1995, categories=("Crime",)),
    evidence=(Evidence(id="2", title="Ronin", categories=("Crime",), liking="loved"),),
    evidence_kind="contribution",
)
OTHER = FACTS.model_copy(update={"popularity": "favourite"})
TRUE = 'Because you loved "Ronin", we suggest *Heat*.'
FALSE = "Because you loved “Ronin”, we suggest “Heat”, a comedy."


def row(text: str, facts: Facts = FACTS, sample: int = 0, **other: object) -> dict[str, Any]:
    """Return a row of raw texts as `prism write` leaves it."""
    return {
        "text": text, "facts": json.loads(facts.canonical()), "digest": facts.digest().hex(),
        "sample": sample, "split": "train", "finish": "stop", **other,
    }  # fmt: skip


def labelled(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    policy: Policy = "strict",
    form: FormName = "titles",
) -> tuple[list[str], dict[str, int]]:
    """Return the labels of raw texts, and why the others fell."""
    texts = folder / "texts"
    texts.mkdir()
    lines = "".join(f"{json.dumps(one)}\n" for one in rows)
    (texts / "texts-1-of-1.jsonl").write_text(lines, "utf-8")
    making = LabelsOfTexts(texts, policy, form)
    assert sum(1 for _ in making.read()) == sum("text" in one for one in rows)
    count = making.write(folder / "labels")
    found = [
        text
        for file in sorted((folder / "labels").glob("labels-*.parquet"))
        for text in pq.read_table(file)["text"].to_pylist()
    ]
    assert count == len(found)
    return found, dict(making.fallen.counts)


@pytest.mark.parametrize(
    "form, label",
    [
        ("titles", "Because you loved “1”, we suggest “0”."),
        ("references", "Because you loved “1”, we suggest “0”."),
        ("verbatim", "Because you loved “Ronin”, we suggest “Heat”."),
    ],
)
def test_a_faithful_text_is_a_label_in_any_form(form: FormName, label: str, tmp_path: Path) -> None:
    assert labelled(tmp_path, [row(TRUE)], form=form) == ([label], {})
    config = load_config(tmp_path / "labels")
    assert (config.form, config.policy) == (form, "strict")


def test_what_the_facts_deny_is_dropped_and_it_is_told_why(tmp_path: Path) -> None:
    labels, fallen = labelled(tmp_path, [row(FALSE), row(TRUE, OTHER)], policy="factual")
    assert labels == ["Because you loved “1”, we suggest “0”."]
    [(why, count)] = fallen.items()
    assert why.startswith("contradicted category")
    assert count == 1


def test_of_several_samples_the_most_faithful_is_kept(tmp_path: Path) -> None:
    vague = "Fans of “Ronin” swear by “Heat” of late."
    rows = [row(FALSE, sample=0), row(vague, sample=1), row(TRUE, sample=2), row(vague, sample=3)]
    labels, fallen = labelled(tmp_path, rows, policy="factual")
    assert labels == ["Because you loved “1”, we suggest “0”."]
    assert fallen.pop(LESS) == 2
    assert sum(fallen.values()) == 1


@pytest.mark.parametrize(
    "text, finish, why",
    [
        ("You loved “Ronin”, so we suggest “Heat” bec", "length", CUT_OFF),
        ("You loved “Ronin”.", "stop", NO_ITEM),
        ("We suggest “Heat”.", "stop", NO_EVIDENCE),
    ],
)
def test_a_text_that_teaches_nothing_is_no_label(
    text: str, finish: str, why: str, tmp_path: Path
) -> None:
    assert labelled(tmp_path, [row(text, finish=finish)], policy="factual") == ([], {why: 1})


def test_neither_failures_nor_what_is_held_out_are_learnt_from(tmp_path: Path) -> None:
    failure = {**row(""), "error": "no answer"}
    del failure["text"]
    texts = [row(TRUE), failure]
    assert len(labelled(tmp_path, texts)[0]) == 1
    held_out = tmp_path / "held out"
    held_out.mkdir()
    (held_out / "texts-1-of-1.jsonl").write_text(json.dumps(row(TRUE, split="test")) + "\n")
    assert list(LabelsOfTexts(held_out, "strict", "titles").read()) == []
