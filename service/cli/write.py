"""The command `prism write`: an Oracle writes texts, which are kept for ever."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Annotated, Literal

import typer

from models.oracle.examples import EXAMPLES
from models.oracle.grounded import GroundedOracle
from models.oracle.hf import FLAN_T5_XXL, HfOracle
from models.oracle.prompts import PromptKind
from models.oracle.protocol import Answer, BudgetSpentError, Oracle, Tokens
from models.oracle.stored import StoredOracle
from models.oracle.texts import Part
from models.oracle.write import Order, Rows, Writing
from service.cli.console import console, progress_bar
from service.cli.distill import FactsArgument

app = typer.Typer()


def _part(text: str) -> Part:
    try:
        return Part.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def write(
    facts: FactsArgument,
    texts: Annotated[Path, typer.Argument(help="Folder for the texts; they are added to it.")],
    oracle: Annotated[Literal["hf", "openai", "stored", "grounded"], typer.Option(help="Who.")],
    model: Annotated[
        str | None,
        typer.Option(
            help=f"hf: a folder, GGUF file, name on the hub (by default {FLAN_T5_XXL}) or smollm2; "
            "openai: as the server calls it; stored: the JSONL file."
        ),
    ] = None,
    prompt: Annotated[PromptKind, typer.Option(help="What the Oracle is told.")] = "faithful",
    examples: Annotated[
        int, typer.Option(min=0, max=len(EXAMPLES), help="Worked examples in the prompt.")
    ] = 0,
    samples: Annotated[int, typer.Option(min=1, help="Texts for each of the Facts.")] = 1,
    temperature: Annotated[
        float, typer.Option(min=0, max=2, help="Of sampling; 0 is greedy.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of sampling.")] = 0,
    max_text: Annotated[int, typer.Option(min=1, help="Longest text, in tokens.")] = 128,
    rows: Annotated[Rows, typer.Option(help="Rows of the Facts files.")] = "train",
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many Facts.")] = None,
    shard: Annotated[
        Part, typer.Option(parser=_part, metavar="I/N", help="Only this part of the Facts.")
    ] = Part(),
    batch_tokens: Annotated[
        int, typer.Option(min=1, help="hf: tokens of a batch, prompts and texts.")
    ] = 8192,
    int8: Annotated[bool, typer.Option(help="hf: weights in 8 bits, with bitsandbytes.")] = False,
) -> None:
    """x"""
    chosen: Oracle = (
        HfOracle(
            model or FLAN_T5_XXL,
            kind=prompt,
            examples=examples,
            temperature=temperature,
            seed=seed,
            longest_text=max_text,
            batch_tokens=batch_tokens,
            int8=int8,
        )
        if oracle == "hf"
        else GroundedOracle()
        if oracle == "grounded"
        else StoredOracle(Path(model or ""))
    )
    order = Order(facts, texts, samples, rows, limit, shard)
    stop = Event()
    with Writing(order, chosen) as writing:
        print(writing.done, writing.left)
        t = time.time()
        n = 0
        for outcome in writing.run(stop):
            n += 1
            print(outcome, n / (time.time() - t))
