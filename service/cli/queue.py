"""The commands for jobs that could not be done: prism dead-letters list, replay, drop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from service.cli.console import console

if TYPE_CHECKING:
    from service.redis.jobs import DeadLetter, DeadLetters

T = TypeVar("T")
app = typer.Typer()
letters_app = typer.Typer(
    no_args_is_help=True, help="Jobs that could not be done (Redis is PRISM_REDIS_URL)."
)
app.add_typer(letters_app, name="dead-letters")
IdArgument = Annotated[
    list[str] | None, typer.Argument(help="Ids, from prism dead-letters list; all if none.")
]


@letters_app.command("list")
def list_letters() -> None:
    """Show every dead letter: what it is about, and why it could not be done."""
    found = _with_letters(lambda letters: letters.list())
    table = Table("id", "model", "item", "reason")
    for letter in found:
        table.add_row(letter.id, letter.fingerprint[:12], letter.item_id, letter.reason)
    console.print(table)


@letters_app.command()
def replay(ids: IdArgument = None) -> None:
    """Queue them anew, behind the jobs that somebody waits for."""
    count = _with_letters(lambda letters: _each(letters, ids, letters.replay))
    console.print(f"{count} jobs queued anew")


@letters_app.command()
def drop(ids: IdArgument = None) -> None:
    """Remove them for good."""
    count = _with_letters(lambda letters: _each(letters, ids, letters.drop))
    console.print(f"{count} dead letters dropped")


async def _each(
    letters: "DeadLetters",
    ids: list[str] | None,
    do: "Callable[[DeadLetter], Awaitable[None]]",
) -> int:
    known = {letter.id: letter for letter in await letters.list()}
    unknown = [id_ for id_ in ids or [] if id_ not in known]
    if unknown:
        raise typer.BadParameter(f"no dead letter {', '.join(unknown)}")
    for id_ in ids or known:
        await do(known[id_])
    return len(ids or known)


def _with_letters(ask: "Callable[[DeadLetters], Awaitable[T]]") -> T:
    # Imported here, so that the other commands need no Redis client.
    from redis.exceptions import RedisError  # noqa: PLC0415

    from service.redis.connection import connect  # noqa: PLC0415
    from service.redis.jobs import DeadLetters  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    async def run() -> T:
        redis = connect(Settings())
        try:
            return await ask(DeadLetters(redis))
        finally:
            await redis.aclose()

    try:
        return asyncio.run(run())
    except RedisError as error:
        console.print(f"error: Redis does not answer: {error}", markup=False)
        raise typer.Exit(1) from None
