"""The command `prism write`: an Oracle writes texts, which are kept for ever."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from models.oracle.budget import Budget, Prices
from models.oracle.examples import EXAMPLES
from models.oracle.grounded import GroundedOracle
from models.oracle.hf import FLAN_T5_XXL, HfOracle
from models.oracle.openai_server import OpenAIOracle
from models.oracle.prompts import PromptKind
from models.oracle.protocol import Oracle
from models.oracle.stored import StoredOracle
from models.oracle.texts import Part
from models.oracle.write import Order, Rows
from service.cli.console import FactsArgument
from service.cli.writing import fill, fill_on_cluster, tell_cost

app = typer.Typer()
_OF_HF, _OF_SERVERS = "With --oracle hf", "With --oracle openai"
Kind = Literal["hf", "openai", "stored", "grounded"]


@app.command()
def write(
    facts: FactsArgument,
    texts: Annotated[Path, typer.Argument(help="Folder for the texts; they are added to it.")],
    oracle: Annotated[
        Kind, typer.Option(help="transformers, a server, texts that are there, the grammar.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help=f"hf: a folder, a GGUF file, a name on the hub (by default {FLAN_T5_XXL}), or "
            "smollm2; openai: what the server calls it; stored: a JSONL file."
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
    longest: Annotated[int, typer.Option(min=1, help="Longest text, in tokens.")] = 128,
    rows: Annotated[Rows, typer.Option(help="Which rows of the Facts files.")] = "train",
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many Facts.")] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only this part of the Facts, such as 2/4.")
    ] = "1/1",
    batch_tokens: Annotated[
        int,
        typer.Option(min=1, rich_help_panel=_OF_HF, help="Tokens of a batch, prompts and texts."),
    ] = 8192,
    int8: Annotated[
        bool, typer.Option("--int8", rich_help_panel=_OF_HF, help="Weights in 8 bits.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="OPENAI_BASE_URL",
            rich_help_panel=_OF_SERVERS,
            help="Such as http://127.0.0.1:8000/v1.",
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, rich_help_panel=_OF_SERVERS, help="Requests in flight.")
    ] = 16,
    timeout: Annotated[
        float, typer.Option(min=0.1, rich_help_panel=_OF_SERVERS, help="Seconds for one answer.")
    ] = 120.0,
    price_prompt: Annotated[
        float, typer.Option(min=0, rich_help_panel=_OF_SERVERS, help="Of a million prompt tokens.")
    ] = 0.0,
    price_text: Annotated[
        float, typer.Option(min=0, rich_help_panel=_OF_SERVERS, help="Of a million written tokens.")
    ] = 0.0,
    budget_tokens: Annotated[
        int | None,
        typer.Option(
            min=1, rich_help_panel=_OF_SERVERS, help="Never use more, in all runs of a shard."
        ),
    ] = None,
    budget_money: Annotated[
        float | None,
        typer.Option(
            min=0, rich_help_panel=_OF_SERVERS, help="The same, in the currency of the prices."
        ),
    ] = None,
    ray: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="In so many parts on the Ray cluster of RAY_ADDRESS; the folders, and for openai "
            "the key, must be there on every node. Each part has an equal share of a budget.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what is left and what it costs; ask nothing.")
    ] = False,
) -> None:
    """Let an Oracle write a text for each of the Facts, and keep every one, true or not.

    What is there is not written again, so that a run that was killed, or is to have more samples,
    goes on with what is missing. Ctrl-C ends it after what is in flight; twice, at once.

    Example: OPENAI_API_KEY=… prism write data/facts data/texts --oracle openai --model gpt-4o-mini
    --price-prompt 0.15 --price-text 0.6 --budget-money 5
    """
    if samples > 1 and not temperature and oracle in ("hf", "openai"):
        raise typer.BadParameter("greedy samples are all the same: give --temperature, such as 0.8")
    if budget_money is not None and not (price_prompt or price_text):
        raise typer.BadParameter("--budget-money needs --price-prompt and --price-text")
    if ray is not None and shard != "1/1":
        raise typer.BadParameter("--ray makes parts of its own: leave --shard out")
    order = Order(facts, texts, samples, rows, limit, _part(shard))
    chosen: Oracle
    match oracle:
        case "hf":
            chosen = HfOracle(
                model or FLAN_T5_XXL, kind=prompt, examples=examples, temperature=temperature,
                seed=seed, longest_text=longest, batch_tokens=batch_tokens, int8=int8,
            )  # fmt: skip
        case "openai":
            prices, parts = Prices(price_prompt, price_text), ray or 1
            budget = Budget(
                tokens=budget_tokens and budget_tokens // parts,
                money=budget_money and budget_money / parts,
                prices=prices,
            )
            chosen = OpenAIOracle(
                _needed(model, "what the server calls the model"), url=url,
                budget=budget, kind=prompt, examples=examples,
                temperature=temperature, seed=seed, longest_text=longest,
                concurrency=concurrency, timeout_s=timeout,
            )  # fmt: skip
        case "stored":
            chosen = StoredOracle(Path(_needed(model, "the JSONL file of the texts")))
        case "grounded":
            chosen = GroundedOracle()
    if dry_run:
        tell_cost(order, chosen, longest)
    elif not (fill(order, chosen) if ray is None else fill_on_cluster(order, chosen, ray)):
        raise typer.Exit(1)


def _part(text: str) -> Part:
    try:
        return Part.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"--shard {error}") from None


def _needed(model: str | None, what: str) -> str:
    if model is None:
        raise typer.BadParameter(f"this Oracle needs --model: {what}")
    return model
