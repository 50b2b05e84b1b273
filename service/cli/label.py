"""The command `prism label`: what a Prism is to learn, of an Oracle's texts or of the grammar's."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from catalog.facts_file import FactsFileError, shards
from models.faithfulness import Policy
from models.oracle.texts import texts_shards
from models.prism.forms.protocol import FormName
from service.cli.console import console, plain, progress_bar

app = typer.Typer()
_REASONS_SHOWN = 20


@app.command()
def label(
    source: Annotated[
        Path, typer.Argument(help="Folder of texts from prism write, or of Facts from prism facts.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for the labels.")],
    policy: Annotated[Policy, typer.Option(help="What a label must pass.")] = "strict",
    form: Annotated[
        FormName | None,
        typer.Option(help="How the Prism will read and write; by default titles, or references."),
    ] = None,
    made_up: Annotated[
        float, typer.Option(min=0, max=1, help="Of Facts: made-up worlds per row.")
    ] = 0.8,
    seed: Annotated[int, typer.Option(help="Of Facts: of variations and made-up worlds.")] = 0,
) -> None:
    """Keep the faithful texts as labels, of several samples the best, and say why the others fell.

    Of Facts, the grammar writes the texts itself; a killed run goes on with the first shard that is
    missing. Of texts it takes minutes, and is done again from the start.

    Example: prism label data/texts data/labels --policy factual
    """
    if texts_shards(source):
        _label_texts(source, out, policy, form or "titles")
    elif source.is_dir() and any(source.glob("facts-*.parquet")):
        _label_with_grammar(source, out, policy, form or "references", made_up, seed)
    else:
        raise FactsFileError(
            f"{source} has neither texts-*.jsonl (prism write) nor facts-*.parquet (prism facts)"
        )


def _label_with_grammar(
    facts: Path, out: Path, policy: Policy, form: FormName, made_up: float, seed: int
) -> None:
    from models.distillation.label_grammar import label_with_grammar  # noqa: PLC0415

    kept = rejected = 0
    with progress_bar() as progress:
        task = progress.add_task("labelling shards", total=len(shards(facts)))
        for done in label_with_grammar(
            facts, out, policy=policy, form=form, made_up=made_up, seed=seed
        ):
            kept, rejected = kept + done.kept, rejected + done.rejected
            progress.advance(task)
    console.print(f"{out}: {kept:,} labels, {rejected:,} texts rejected", markup=False)


def _label_texts(texts: Path, out: Path, policy: Policy, form: FormName) -> None:
    from models.distillation.label_texts import LabelsOfTexts  # noqa: PLC0415

    labels = LabelsOfTexts(texts, policy, form)
    read = 0
    with progress_bar() as progress:
        for _ in progress.track(labels.read(), description="checking texts"):
            read += 1
    kept = labels.write(out)
    fallen = labels.fallen.counts.most_common(_REASONS_SHOWN)
    if fallen:
        table = Table("texts", "share", "no label, as it", "example", title=f"of {read:,} texts")
        for why, count in fallen:
            table.add_row(
                f"{count:,}", f"{count / read:.1%}", plain(why), plain(labels.fallen.examples[why])
            )
        console.print(table)
    console.print(
        f"{out}: {kept:,} labels of {read:,} texts that pass {policy}, in the form {form}",
        markup=False,
    )
