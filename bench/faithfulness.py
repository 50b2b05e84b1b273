"""The checker on texts that a language model wrote: how many speak only of what the Facts say.

Give it JSON lines with a `title` and texts about it, such as the test split of HKUDS/XRec
(arXiv 2406.02377): `python -m bench.faithfulness xrec.jsonl --field explanation`. Each text is
checked against Facts that hold nothing but the title, which is put into “curly quotes” first.
"""

import json
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.table import Table

from bench.measure import console
from catalog.facts import Facts, Noun
from catalog.types import Item
from models.faithfulness import Policy, check


def main(
    texts: Annotated[Path, typer.Argument(help="JSON lines with a title and texts.")],
    field: Annotated[list[str], typer.Option(help="Field of a text; repeatable.")],
) -> None:
    """Print the share of texts that pass, and what the others claim."""
    table = Table("field", "texts", "strict", "factual", "μs a text", title="texts that pass")
    reasons: Counter[str] = Counter()
    rows = [json.loads(line) for line in texts.read_text("utf-8").splitlines()]
    for name in field:
        passed: Counter[Policy] = Counter()
        started = perf_counter()
        for row in rows:
            facts = Facts(
                item=Item(id="1", title=row["title"]), noun=Noun(one="business", many="businesses")
            )
            text = row[name].replace(row["title"], f"“{facts.item.title}”").strip()
            verdict = check(text, facts, "strict")
            passed["strict"] += verdict.passed
            passed["factual"] += verdict.outcome != "contradicted"
            reasons.update({text[c.start : c.end].lower() for c in verdict.failures()} - {text})
        each = (perf_counter() - started) / len(rows) * 1e6
        counts = [f"{passed[p]} ({passed[p] / len(rows):.1%})" for p in ("strict", "factual")]
        table.add_row(name, str(len(rows)), *counts, f"{each:.0f}")
    console.print(table)
    common = ", ".join(f"{word} ({count})" for word, count in reasons.most_common(20))
    console.print(f"most often unsupported: {common}", markup=False)


if __name__ == "__main__":
    typer.run(main)
