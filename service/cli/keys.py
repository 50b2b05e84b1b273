"""The command that makes API keys."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.console import console
from service.http import keys

app = typer.Typer()


@app.command("api-key")
def api_key(
    name: Annotated[str, typer.Argument(help="Whose key it is: letters, digits, '.', '_', '-'.")],
    append: Annotated[
        Path | None, typer.Option(help="Keys file to add it to, made if there is none.")
    ] = None,
) -> None:
    """Print a new API key, once, and the line that lets it in, which holds only its hash.

    The line goes into the file that PRISM_API_KEYS names; with --append it is put there instead of
    printed. To rotate a key, add a second one of the same name and later remove the first.
    """
    key = keys.new_key()
    try:
        line = keys.line_of(name, key)
        if append is not None:
            keys.append(append, line)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="NAME") from None
    except OSError as error:
        console.print(f"error: cannot write {append}: {error.strerror}", markup=False)
        raise typer.Exit(1) from None
    typer.echo(key)
    if append is None:
        typer.echo(line)
        console.print("Above: the key, shown this once, and its line for the keys file.")
    else:
        console.print(f"Above: the key, shown this once. Its line is in {append}.", markup=False)
