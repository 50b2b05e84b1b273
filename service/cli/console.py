"""What the commands share: the console, progress bars, options, and errors a user can mend."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True, soft_wrap=True)

DataOption = Annotated[Path, typer.Option(envvar="PRISM_DATA", help="Dataset folder.")]
SnapshotOption = Annotated[
    Path, typer.Option(envvar="PRISM_SNAPSHOT", help="Ranker snapshot folder.")
]
FactsArgument = Annotated[Path, typer.Argument(help="Folder of Facts files, from prism facts.")]
ModelOption = Annotated[
    str,
    typer.Option(
        envvar="PRISM_MODEL",
        help="small (shipped), grounded, a folder of BART's layout, or a name on the hub.",
    ),
]


def progress_bar(*, remaining: bool = False) -> Progress:
    """Return a progress bar, silent where nobody looks; `remaining` adds the time left."""
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    ]  # fmt: skip
    if remaining:
        columns.append(TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def rows_bar() -> Progress:
    """Return a progress bar over shares of a file, with the rows so far and the time left."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip


def bad_parameter(
    error: ValidationError, spelled: Callable[[str], str] = lambda field: field
) -> typer.BadParameter:
    """Return the first of the errors, as one of the command line."""
    first = error.errors()[0]
    return typer.BadParameter(f"{spelled('.'.join(map(str, first['loc'])))}: {first['msg']}")


def plain(text: str) -> str:
    """Return a text for a table in the terminal: escapes of strangers would be obeyed."""
    return "".join(char if char.isprintable() else " " for char in text).replace("[", r"\[")
