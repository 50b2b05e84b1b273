"""The faithfulness check held against readers: 300 raw texts of students, labelled by hand.

The texts in `hand_labelled.jsonl` are raw texts of two half-trained students, on held-out users of
the demo and on other worlds. About half were drawn from those that the check rejected for few
claims, the rest from those that it passed, in an order that told nothing. They were labelled by
reading them beside their Facts: true is a text of whole sentences in which everything is so and
nothing is told twice. The check was mended after the first 150 and before the other 150 were drawn.
"""

import json
from pathlib import Path

import pytest

from catalog.facts import Facts
from models.distillation.evaluate import Share
from models.faithfulness import check

FIRST = 150
ROWS = [
    json.loads(line)
    for line in Path(__file__).with_name("hand_labelled.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("part", ["mended on", "labelled after"])
def test_what_a_reader_rejects_is_rejected_and_little_else(part: str) -> None:
    rows = ROWS[:FIRST] if part == "mended on" else ROWS[FIRST:]
    assert len(rows) == FIRST
    passed = [check(r["text"], Facts.model_validate(r["facts"])).passed for r in rows]
    false = [not row["faithful"] for row in rows]
    caught = sum(f and not p for f, p in zip(false, passed, strict=True))
    recall, precision = Share(caught, sum(false)), Share(caught, passed.count(False))
    print(f"\n{part}: recall {recall}, precision {precision}")  # noqa: T201
    assert recall.count == recall.total
    assert precision.count >= 0.97 * precision.total
