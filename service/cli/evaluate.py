"""The command `prism evaluate`: how faithful raw texts are, a Prism's beside its teacher's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from catalog.facts_file import Sample, read_facts, shards
from models.prism.engines.choice import Runtime, open_engine
from service.cli.console import FactsArgument, ModelOption, console, progress_bar

app = typer.Typer()


@app.command()
def evaluate(
    facts: FactsArgument,
    model: ModelOption = "small",
    texts: Annotated[
        Path | None,
        typer.Option(
            help="Folder of an Oracle's texts, from prism write --rows test: it is measured as "
            "well, and all on the rows that it wrote."
        ),
    ] = None,
    runtime: Annotated[
        Runtime,
        typer.Option(envvar="PRISM_RUNTIME", help="auto is CTranslate2, where it can use the GPU."),
    ] = "auto",
    engines: Annotated[
        Path, typer.Option(envvar="PRISM_ENGINES", help="Folder for converted models.")
    ] = Path("data/engines"),
) -> None:
    """Measure a model's raw texts on held-out users, the grounded engine beside it.

    An Oracle's texts have their titles put into curly quotes first, as for labels.
    """
    from models.distillation.evaluate import teachers_texts, written  # noqa: PLC0415
    from models.language.grounded import GroundedEngine  # noqa: PLC0415

    samples = [row for shard in shards(facts) for row in read_facts(shard, "test")]
    of: dict[str, Sequence[str]] = {}
    if texts is not None:
        samples, of = teachers_texts(samples, texts)
    chosen = open_engine(model, engines, runtime)
    for engine in {chosen.name: chosen, "grounded": GroundedEngine()}.values():
        with progress_bar() as progress:
            facts_of = progress.track(samples, description=f"writing with {engine.name}")
            of[engine.name] = written(engine, (row.facts for row in facts_of))
    console.print(_table(samples, of))
    console.print("Raw texts, before the check; 95% intervals; median page of ten.")


def _table(samples: Sequence[Sample], of: Mapping[str, Sequence[str]]) -> Table:
    """Return what was measured of each writer, on all rows and by whether the title was learnt."""
    from models.distillation.evaluate import measure  # noqa: PLC0415

    table = Table(
        "writer", "titles", "texts", "strict", "factual", "names evidence", "whole",
        "patterns of 10",
    )  # fmt: skip
    for writer, texts in of.items():
        for name, unseen in {"all": None, "seen": False, "unseen": True}.items():
            rows = [n for n, row in enumerate(samples) if unseen in (None, row.unseen)]
            quality = measure([samples[n] for n in rows], [texts[n] for n in rows])
            table.add_row(
                writer, name, str(len(rows)), str(quality.strict), str(quality.factual),
                str(quality.names_evidence), str(quality.whole), f"{quality.patterns:g}",
            )  # fmt: skip
    return table
