"""A student of texts that somebody already has: XRec's LLM-written explanations of Google reviews.

`python -m bench.xrec xrec_google.jsonl WORK`. The file (HKUDS/XRec, arXiv 2406.02377: one object
a line with user_id, item_id, title, item_summary, explanation and prediction) is the caller's. Each
place becomes Facts with its summary as description; users are split, the texts of some go through
`prism write --oracle stored`, `label` and `distill` in the form `titles`, and what the student
writes for the others' places is held against the Facts beside XRec's explanations and predictions.
"""

import json
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bench.measure import console
from catalog.facts import Facts, Noun
from catalog.facts_file import Sample, read_facts, shards, write_facts
from catalog.types import Item
from models.distillation.evaluate import Share, teachers_texts, written
from models.distillation.normalise import normalised
from models.faithfulness import Policy, check
from models.prism.engines.ctranslate2_engine import CTranslate2Engine

PLACE = Noun(one="business", many="businesses")  # what XRec's texts call it
HELD_OUT = 5  # one user in so many
POLICIES: tuple[Policy, ...] = ("strict", "described", "factual")


def main(
    file: Annotated[Path, typer.Argument(help="xrec_google.jsonl.")],
    work: Annotated[Path, typer.Argument(help="Folder for all that is made.")],
    steps: Annotated[int, typer.Option(help="Of training.")] = 300,
) -> None:
    """Distil a student from XRec's explanations, and print how faithful all three writers are."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    if not (work / "facts").exists():
        write_facts(work / "facts", _samples(rows))
    for name in ("explanation", "prediction"):
        _store(rows, name, work / f"{name}.jsonl")
        prism(
            "write", work / "facts", work / f"{name}s", "--oracle", "stored",
            "--model", work / f"{name}.jsonl", "--rows", "all",
        )  # fmt: skip
    prism("label", work / "explanations", work / "labels", "--policy", "factual")
    if not (work / "prism").exists():
        prism("distill", work / "labels", work / "prism", "--steps", str(steps))
    samples = [row for shard in shards(work / "facts") for row in read_facts(shard, "test")]
    samples, of = teachers_texts(samples, work / "explanations")
    _, predicted = teachers_texts(samples, work / "predictions")
    student = CTranslate2Engine(work / "prism", work / "engines")
    of = {**of, **predicted, "student": written(student, (row.facts for row in samples))}
    table = Table("writer", *POLICIES, "names the place", title=f"{len(samples)} held-out places")
    for writer, texts in of.items():
        table.add_row(writer, *(_passing(samples, texts, policy) for policy in POLICIES),
                      _naming(samples, texts))  # fmt: skip
    console.print(table)
    console.print(f"The student, for example: {of['student'][0]!r}", markup=False)


def prism(*arguments: object) -> None:
    """Run a command of ours; a failure ends the benchmark."""
    subprocess.run([Path(sys.executable).with_name("prism"), *map(str, arguments)], check=True)


def _facts(row: dict[str, Any]) -> Facts:
    item = Item(id=row["item_id"], title=row["title"], description=row["item_summary"])
    return Facts(noun=PLACE, item=item)


def _samples(rows: Sequence[dict[str, Any]]) -> list[Sample]:
    held_out = [zlib.crc32(row["user_id"].encode()) % HELD_OUT == 0 for row in rows]
    learnt = {row["title"] for row, out in zip(rows, held_out, strict=True) if not out}
    seen: set[bytes] = set()
    samples = []
    for page, (row, out) in enumerate(zip(rows, held_out, strict=True)):
        facts = _facts(row)
        if facts.digest() not in seen:  # a place that two have been to is learnt from or measured
            seen.add(facts.digest())
            unseen = out and row["title"] not in learnt
            samples.append(Sample(facts, "test" if out else "train", unseen, page))
    return samples


def _store(rows: Sequence[dict[str, Any]], name: str, file: Path) -> None:
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            told = {"digest": _facts(row).digest().hex(), "text": row[name]}
            out.write(json.dumps(told, ensure_ascii=False) + "\n")


def _passing(samples: Sequence[Sample], texts: Sequence[str], policy: Policy) -> str:
    passed = [
        check(normalised(text, row.facts), row.facts, policy).passed
        for row, text in zip(samples, texts, strict=True)
    ]
    return str(Share(sum(passed), len(passed)))


def _naming(samples: Sequence[Sample], texts: Sequence[str]) -> str:
    named = [f"“{row.facts.item.title}”" in text for row, text in zip(samples, texts, strict=True)]
    return str(Share(sum(named), len(named)))


if __name__ == "__main__":
    typer.run(main)
