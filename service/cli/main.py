"""The `prism` command: all commands together, and errors in one line."""

import sys

import typer

from catalog.facts_file import FactsFileError
from catalog.tables import DatasetError
from models.oracle.protocol import OracleError
from models.prism.engines.protocol import ModelError
from ranker.als import SnapshotError
from service.cli import (
    check,
    data,
    distill,
    evaluate,
    evaluate_evidence,
    keys,
    label,
    queue,
    serve,
    train_ranker,
    write,
)
from service.cli.console import console
from service.http.keys import KeysError
from service.signing import SigningKeyError

app = typer.Typer(
    name="prism",
    help="Imports data, trains the ranker, distils a Prism, serves explained recommendations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app)
app.add_typer(train_ranker.app)
app.add_typer(check.app)
app.add_typer(distill.app)
app.add_typer(evaluate.app)
app.add_typer(evaluate_evidence.app)
app.add_typer(write.app)
app.add_typer(label.app)
app.add_typer(serve.app)
app.add_typer(keys.app)
app.add_typer(queue.app)

_OPTIONAL = {
    "torch": "train", "transformers": "train", "pandas": "demo", "ctranslate2": "serve",
    "openai": "oracle", "accelerate": "oracle", "gguf": "oracle", "ray": "ray",
}  # fmt: skip
"""Which of the extras a module comes with."""


def main() -> None:
    """Run the command line; errors that a user can mend are one line, without a traceback."""
    try:
        app()
    except (
        DatasetError, SnapshotError, FactsFileError, ModelError, KeysError, SigningKeyError,
        OracleError, OSError,
    ) as error:  # fmt: skip
        hint = ""
        if isinstance(error, SnapshotError):
            hint = "\nRun: prism train-ranker (--data and --snapshot name your folders)"
        elif "dataset.json" in str(error):
            hint = "\nRun: prism data import demo, or prism data import table for your own"
        console.print(f"error: {error}{hint}", markup=False)
        sys.exit(1)
    except ModuleNotFoundError as error:
        if error.name not in _OPTIONAL:
            raise
        needs = f"pip install -c constraints.txt -e '.[{_OPTIONAL[error.name]}]'"
        console.print(f"error: {error.name} is not installed\nRun: {needs}", markup=False)
        sys.exit(1)
