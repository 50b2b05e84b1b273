"""The `prism` command: composes the commands, serves, and turns errors into one line."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from catalog.dataset import DatasetError
from catalog.facts_file import FactsFileError
from models.engine import ModelError
from ranker.als import SnapshotError
from service import cli_data, cli_distill
from service.console import DataOption, ModelOption, SnapshotOption, bad_parameter, console

app = typer.Typer(
    name="prism",
    help="Imports data, trains the ranker, distils a Prism, serves explained recommendations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(cli_data.app)
app.add_typer(cli_distill.app)


@app.command()
def serve(
    data: DataOption = Path("data/demo"),
    snapshot: SnapshotOption = Path("data/ranker"),
    model: ModelOption = "grounded",
    host: Annotated[
        str, typer.Option(envvar="PRISM_HOST", help="Address; 127.0.0.1 is this machine only.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="PRISM_PORT", min=0, max=65535, help="Port; 0 for any free one.")
    ] = 8000,
) -> None:
    """Serve recommendations with explanations, everything in this one process."""
    # Imported here, so that importing data and training need no web framework.
    from service import embedded  # noqa: PLC0415
    from service.logs import configure_logs  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    try:
        settings = Settings(data=data, snapshot=snapshot, model=model, host=host, port=port)
    except ValidationError as error:
        raise bad_parameter(error, lambda field: f"PRISM_{field}".upper()) from None
    configure_logs(settings.log_level)
    try:
        sock = embedded.listen(settings.host, settings.port)
    except embedded.ListenError as error:
        console.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    service = embedded.embedded_app(settings)
    address, bound = sock.getsockname()[:2]
    console.print(f"Prism serves on http://{address}:{bound} (stop with Ctrl-C)", markup=False)
    embedded.serve(service, sock, settings)


def main() -> None:
    """Run the command line; errors that a user can mend are one line, without a traceback."""
    try:
        app()
    except (DatasetError, SnapshotError, FactsFileError, ModelError, FileExistsError) as error:
        hint = ""
        if isinstance(error, SnapshotError):
            hint = "\nRun: prism train-ranker"
        elif "dataset.json" in str(error):
            hint = "\nRun: prism data import demo"
        console.print(f"error: {error}{hint}", markup=False)
        sys.exit(1)
