"""The commands that look into Redis: prism models, and prism dead-letters list, replay, drop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from service.cli.console import console

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from service.redis.dead_letters import DeadLetter, DeadLetters
    from service.redis.served import Announced

T = TypeVar("T")
app = typer.Typer()
letters_app = typer.Typer(
    no_args_is_help=True, help="Jobs that could not be done (Redis is PRISM_REDIS_URL)."
)
app.add_typer(letters_app, name="dead-letters")
IdArgument = Annotated[
    list[str] | None, typer.Argument(help="Ids, from prism dead-letters list; all if none.")
]


@app.command()
def models() -> None:
    """Show which models workers write with, and which of them is served (in PRISM_REDIS_URL).

    That is the one of the highest PRISM_PRIORITY; of equal ones the newest.
    """
    from service.redis.served import ALIVE_S, chosen  # noqa: PLC0415

    known, now = _with_redis(_announced)
    alive = [one for one in known if now - one.seen <= ALIVE_S]
    served = chosen(alive)
    table = Table("model", "fingerprint", "priority", "first seen", "last seen", "served")
    for one in sorted(known, key=lambda one: (one.priority, one.since), reverse=True):
        why = "yes" if one is served else "no"
        if served is None or one not in alive:
            why = "no, no worker of it was heard of for 10 s"
        elif one is not served:
            why = "no, of lower priority" if one.priority < served.priority else "no, older"
        table.add_row(
            escape(one.model), one.fingerprint[:12], str(one.priority), _ago(now - one.since),
            _ago(now - one.seen), why,
        )  # fmt: skip
    console.print(table)


async def _announced(redis: "Redis") -> "tuple[list[Announced], float]":
    from service.redis.served import Announcements  # noqa: PLC0415
    from service.redis.trust import open_trust  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    announcements = Announcements(redis, open_trust(Settings()))
    return await announcements.all(), await announcements.now()


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} s ago"


@letters_app.command("list")
def list_letters() -> None:
    """Show every dead letter: what it is about, and why it could not be done."""
    found = _with_letters(lambda letters: letters.list())
    table = Table("id", "model", "item", "reason")
    for letter in found:
        table.add_row(
            letter.id, escape(letter.fingerprint[:12]), escape(letter.item_id),
            escape(letter.reason),
        )  # fmt: skip
    console.print(table)


@letters_app.command()
def replay(ids: IdArgument = None) -> None:
    """Queue them anew, for the model that is served now, behind jobs that somebody waits for."""
    queued, unreadable = _with_redis(lambda redis: _replay(redis, ids))
    console.print(f"{queued} jobs queued anew")
    if unreadable:
        console.print(
            f"{unreadable} cannot be read, so they stay: prism dead-letters drop removes them"
        )


@letters_app.command()
def drop(ids: IdArgument = None) -> None:
    """Remove them for good."""

    async def drop_each(letters: "DeadLetters") -> int:
        found = await _found(letters, ids)
        for letter in found:
            await letters.drop(letter)
        return len(found)

    console.print(f"{_with_letters(drop_each)} dead letters dropped")


async def _found(letters: "DeadLetters", ids: list[str] | None) -> "list[DeadLetter]":
    known = {letter.id: letter for letter in await letters.list()}
    unknown = [id_ for id_ in ids or [] if id_ not in known]
    if unknown:
        raise typer.BadParameter(f"no dead letter {', '.join(unknown)}")
    return [known[id_] for id_ in ids or known]


async def _replay(redis: "Redis", ids: list[str] | None) -> tuple[int, int]:
    from service.cache import cache_key  # noqa: PLC0415
    from service.jobs import Job  # noqa: PLC0415
    from service.redis.dead_letters import DeadLetters  # noqa: PLC0415
    from service.redis.queue import requeue  # noqa: PLC0415
    from service.redis.served import ALIVE_S, chosen  # noqa: PLC0415

    letters = DeadLetters(redis)
    found = await _found(letters, ids)
    known, now = await _announced(redis)
    served = chosen([one for one in known if now - one.seen <= ALIVE_S])
    if served is None:
        console.print("error: no worker is running, so nobody would do them: start prism worker")
        raise typer.Exit(1)
    queued = 0
    for letter in found:
        if letter.facts is not None:
            # Under the key of now, as the model that could not do it may be another.
            key = cache_key(bytes.fromhex(served.fingerprint), letter.facts)
            await letters.drop(letter)
            await requeue(redis, served.fingerprint, Job(key, letter.facts, 0.0, 0.0))
            queued += 1
    return queued, len(found) - queued


def _with_letters(ask: "Callable[[DeadLetters], Awaitable[T]]") -> T:
    from service.redis.dead_letters import DeadLetters  # noqa: PLC0415

    return _with_redis(lambda redis: ask(DeadLetters(redis)))


def _with_redis(ask: "Callable[[Redis], Awaitable[T]]") -> T:
    # Imported here, so that the other commands need no Redis client.
    from redis.exceptions import RedisError  # noqa: PLC0415

    from service.redis.connection import connect  # noqa: PLC0415
    from service.settings import Settings  # noqa: PLC0415

    async def run() -> T:
        redis = connect(Settings())
        try:
            return await ask(redis)
        finally:
            await redis.aclose()

    try:
        return asyncio.run(run())
    except RedisError as error:
        console.print(f"error: Redis does not answer: {error}", markup=False)
        raise typer.Exit(1) from None
