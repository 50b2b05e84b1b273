"""The command `prism check`: what the faithfulness check says of anybody's texts."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer
from pydantic import ValidationError
from rich.table import Table

from models.faithfulness import Policy
from models.faithfulness.texts import CheckedText, TextWithFacts, checked, unread
from service.cli.console import console, plain, progress_bar

app = typer.Typer()
_JUDGED_AT_ONCE = 16
"""Texts of a batch for a judge."""


@app.command()
def check(
    texts: Annotated[
        str, typer.Argument(help='JSON lines {"text": …, "facts": {…}}; - reads standard input.')
    ],
    policy: Annotated[
        Policy, typer.Option(envvar="PRISM_POLICY", help="What a text must pass.")
    ] = "strict",
    phrases: Annotated[
        int, typer.Option(min=0, help="How many unread phrases to list, the most frequent first.")
    ] = 20,
    judge: Annotated[
        str | None,
        typer.Option(
            help="Model of natural language inference, on the hub or a folder: how often it agrees."
        ),
    ] = None,
) -> None:
    """Hold texts against their Facts: a verdict a line on standard output, a summary beside it.

    The summary counts outcomes, and lists by frequency where sentences stop being read, each with
    an example: what to add to descriptions.ebnf or encouragement.ebnf in
    models/faithfulness/reading to let a language in. Ends with 1 if a text fails. What a judge says
    is only counted beside the check.
    """
    opinion = _Opinion(judge) if judge else None
    outcomes: Counter[str] = Counter()
    passed = 0
    places: Counter[str] = Counter()
    examples: dict[str, str] = {}
    with progress_bar() as progress:
        for row in progress.track(_rows(texts), description="checking texts"):
            verdict = checked(row, policy)
            typer.echo(verdict.model_dump_json())
            outcomes[verdict.outcome] += 1
            passed += verdict.passed
            if opinion is not None:
                opinion.add(row, verdict)
            for place, sentence in unread(row) if phrases else ():
                places[place] += 1
                examples.setdefault(place, sentence)
    total = sum(outcomes.values())
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
    console.print(f"{passed:,} of {total:,} pass {policy}: {told or 'no texts'}", markup=False)
    if opinion is not None:
        console.print(opinion.told(), markup=False)
    if places:
        _show(places.most_common(phrases), examples, sum(places.values()))
    if passed < total:
        raise typer.Exit(1)


class _Opinion:
    """What a judge says of texts, a batch at a time, beside what the check said."""

    def __init__(self, model: str) -> None:
        from models.distillation.judge import Agreement, Judge  # noqa: PLC0415

        try:
            self._judge = Judge(model)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--judge") from None
        self._agreement = Agreement()
        self._waiting: list[tuple[TextWithFacts, CheckedText]] = []

    def add(self, row: TextWithFacts, verdict: CheckedText) -> None:
        self._waiting.append((row, verdict))
        if len(self._waiting) == _JUDGED_AT_ONCE:
            self._ask()

    def told(self) -> str:
        if self._waiting:
            self._ask()
        return str(self._agreement)

    def _ask(self) -> None:
        rows = [(row.text, row.facts) for row, _ in self._waiting]
        for (_, verdict), opinion in zip(self._waiting, self._judge.verdicts(rows), strict=True):
            self._agreement.add(checked=verdict.passed, judged=opinion.outcome == "supported")
        self._waiting.clear()


def _rows(texts: str) -> Iterator[TextWithFacts]:
    if texts == "-":
        yield from _parsed(sys.stdin)
        return
    with Path(texts).open(encoding="utf-8") as lines:
        yield from _parsed(lines)


def _parsed(lines: TextIO) -> Iterator[TextWithFacts]:
    for number, line in enumerate(lines, start=1):
        if not line.strip() or _is_failure(line):
            continue
        try:
            yield TextWithFacts.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise typer.BadParameter(f"line {number}: {where}: {first['msg']}") from None


def _is_failure(line: str) -> bool:
    """Say whether a line of prism write tells of an Oracle's failure, and has no text."""
    if '"error"' not in line:
        return False
    try:
        row = json.loads(line)
    except ValueError:
        return False
    return isinstance(row, dict) and "error" in row and "text" not in row


def _show(places: list[tuple[str, int]], examples: dict[str, str], total: int) -> None:
    table = Table("times", "stops at", "example", title=f"{total:,} sentences are not read")
    for place, count in places:
        table.add_row(str(count), plain(place), plain(examples[place]))
    console.print(table, markup=False)
