"""The commands `prism facts` and `prism distill`: what a Prism learns of, and the learning."""

from pathlib import Path
from statistics import median
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from catalog import dataset as datasets
from catalog.facts_file import write_facts
from catalog.files import check_replaceable
from models.prism.engines.choice import model_folder
from ranker.als import AlsRanker
from ranker.sampling import sample_facts
from service.cli.console import (
    DataOption,
    SnapshotOption,
    bad_parameter,
    console,
    progress_bar,
)
from service.cli.data import import_demo_command
from service.cli.evaluate import evaluate
from service.cli.label import label
from service.cli.train_ranker import train_ranker

app = typer.Typer()
_DEMO_DATA, _DEMO_RANKER, _DEMO_FACTS = Path("data/demo"), Path("data/ranker"), Path("data/facts")
_FORECAST_AFTER = 20  # steps


@app.command()
def facts(
    out: Annotated[Path, typer.Argument(help="New folder for the Facts files.")],
    data: DataOption = Path("data/demo"),
    snapshot: SnapshotOption = Path("data/ranker"),
    held_out: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of users, and of items, set aside.")
    ] = 0.1,
    parts: Annotated[int, typer.Option(min=1, help="Random parts of each history.")] = 10,
    k: Annotated[int, typer.Option(min=1, help="Items ranked for each part.")] = 20,
    seed: Annotated[int, typer.Option(help="Of users, items and parts.")] = 0,
) -> None:
    """Write what a Prism is distilled from and measured on: Facts of ranked items, as Parquet.

    Users and items are set aside first, for prism evaluate.
    """
    dataset = datasets.load(data)
    ranker = AlsRanker.load(snapshot)
    samples = sample_facts(dataset, ranker, held_out=held_out, parts=parts, k=k, seed=seed)
    with progress_bar() as progress:
        task = progress.add_task("sampling Facts", total=None)
        count = write_facts(out, progress.track(samples, task_id=task))
    console.print(f"{out}: {count:,} Facts", markup=False)


@app.command()
def distill(
    labels: Annotated[Path, typer.Argument(help="Folder of labels, from prism label.")] = Path(
        "data/labels"
    ),
    out: Annotated[Path, typer.Argument(help="New folder for the Prism.")] = Path("data/prism"),
    work: Annotated[
        Path | None, typer.Option(help="Folder for checkpoints; by default OUT-work.")
    ] = None,
    student: Annotated[
        str,
        typer.Option(help="small (made here), or a BART to fine-tune: folder or hub name."),
    ] = "small",
    layers: Annotated[
        Literal["4+4", "6+2"], typer.Option(help="Of the small student: encoder and decoder.")
    ] = "4+4",
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Optimiser steps; by default 2000."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Rows of a batch; by default 48, from a BART 32.")
    ] = None,
    accumulate: Annotated[
        int, typer.Option(min=1, help="Batches of each process in an optimiser step.")
    ] = 1,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="End after so many validations, one in 100 steps, in vain."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights and order.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Of the processor; else all.")] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="From nothing: demo data, ranker, Facts and labels first, where they are missing; "
            "a table of the Prism's quality last.",
        ),
    ] = False,
) -> None:
    """Train a Prism on labels; a killed run goes on from its last checkpoint, one in 100 steps.

    The Prism is the best of them by validation: as faithful as any, and of the lowest loss.

    Example, with a hub: prism distill data/labels data/base --student facebook/bart-base

    On four GPUs: torchrun --nproc-per-node 4 --no-python prism distill ...
    """
    import torch  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    from models.distillation.card import write_card  # noqa: PLC0415
    from models.distillation.export import export  # noqa: PLC0415
    from models.distillation.training.checkpoints import steps_done  # noqa: PLC0415
    from models.distillation.training.config import FINE_TUNING, TrainConfig  # noqa: PLC0415
    from models.distillation.training.loop import process, train  # noqa: PLC0415
    from models.prism.folder import WEIGHTS  # noqa: PLC0415

    logging.disable_progress_bar()  # of models that are read: there is one of the training
    if threads:
        torch.set_num_threads(threads)
    base = None if student == "small" else model_folder(student)
    chosen = {
        "steps": steps, "batch": batch, "accumulate": accumulate, "patience": patience,
        "seed": seed, "layers": layers,
    }  # fmt: skip
    given = {name: value for name, value in chosen.items() if value is not None}
    try:
        config = TrainConfig(**(FINE_TUNING if base else {}), **given)
    except ValidationError as error:
        raise bad_parameter(error) from None
    work = work or out.with_name(f"{out.name}-work")
    check_replaceable(out, WEIGHTS)
    console.quiet = not process().is_main_process
    if demo:
        with process().main_process_first():
            _make_labels(labels)
    if done := steps_done(work):
        console.print(f"{work}: goes on after step {done:,}", markup=False)
    seconds: list[float] = []
    with progress_bar(remaining=True) as progress:
        task = progress.add_task("reading labels", total=config.steps)

        def show(step: int, figures: dict[str, float]) -> None:
            progress.update(
                task, completed=step, description=f"step {step}, loss {figures['loss']:.3f}"
            )
            seconds.append(figures["seconds"])
            if len(seconds) == _FORECAST_AFTER:
                hours = median(seconds) * (config.steps - step) / 3600
                console.print(f"{config.steps - step:,} steps to go: about {hours:.2g} hours")
            if "valid_loss" in figures:
                console.print(
                    f"step {step}: validation loss {figures['valid_loss']:.3f}, faithful "
                    f"{figures['faithful']:.1%}, exactly the label {figures['exact']:.1%}",
                    markup=False,
                )

        train(labels, work, config, base, on_step=show)
    if not process().is_main_process:
        return
    best = export(work, config, base, out)
    write_card(out, work, config, best, student if base else None)
    console.print(f"{out}: the Prism of step {best:,}, its card and curves", markup=False)
    if demo:
        evaluate(_DEMO_FACTS, model=str(out))


def _make_labels(labels: Path) -> None:
    """Make what leads to the labels of the demo, step by step, where it is missing."""
    if not _DEMO_DATA.exists():
        import_demo_command(_DEMO_DATA)
    if not _DEMO_RANKER.exists():
        train_ranker(_DEMO_DATA, _DEMO_RANKER)
    if not _DEMO_FACTS.exists():
        facts(_DEMO_FACTS, _DEMO_DATA, _DEMO_RANKER)
    label(_DEMO_FACTS, labels)
