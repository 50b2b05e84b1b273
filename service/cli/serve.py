"""The commands that serve: everything in one process, or each role as a process of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from service.cli.console import DataOption, ModelOption, SnapshotOption, bad_parameter, console
from service.cli.ready import why_not

if TYPE_CHECKING:
    from fastapi import FastAPI

    from service.settings import Settings

app = typer.Typer()
HostOption = Annotated[
    str, typer.Option(envvar="PRISM_HOST", help="Address; 127.0.0.1 is this machine only.")
]
PortOption = Annotated[
    int, typer.Option(envvar="PRISM_PORT", min=0, max=65535, help="Port; 0 for any free one.")
]
_LOCAL = "127.0.0.1"


@app.command()
def serve(
    data: DataOption = Path("data/demo"),
    snapshot: SnapshotOption = Path("data/ranker"),
    model: ModelOption = "small",
    host: HostOption = _LOCAL,
    port: PortOption = 8000,
) -> None:
    """Serve recommendations with explanations, everything in this one process."""
    # Imported here, so that importing data and training need no web framework.
    from service.deployments.embedded import embedded_app  # noqa: PLC0415

    _serve(
        "Prism", embedded_app, takes_keys=True,
        data=data, snapshot=snapshot, model=model, host=host, port=port,
    )  # fmt: skip


@app.command()
def gateway(host: HostOption = _LOCAL, port: PortOption = 8000) -> None:
    """Serve the API; asks the ranker (PRISM_RANKER_URL), and workers over Redis (PRISM_REDIS_URL).

    It has no data and no model of its own. While the ranker, Redis or all workers are gone it
    answers with what it knows.
    """
    from service.deployments.distributed import gateway_app  # noqa: PLC0415

    _serve("The gateway", gateway_app, takes_keys=True, host=host, port=port)


@app.command()
def ranker(
    data: DataOption = Path("data/demo"),
    snapshot: SnapshotOption = Path("data/ranker"),
    host: HostOption = _LOCAL,
    port: PortOption = 8001,
) -> None:
    """Rank for the gateway; owns the data, and swaps to a new snapshot when there is one."""
    from service.deployments.distributed import ranker_app  # noqa: PLC0415

    _serve("The ranker", ranker_app, data=data, snapshot=snapshot, host=host, port=port)


@app.command()
def worker(
    model: ModelOption = "small", host: HostOption = _LOCAL, port: PortOption = 8002
) -> None:
    """Write explanations: takes jobs from Redis (PRISM_REDIS_URL); start as many as you need.

    The port is for /healthz, /readyz and /metrics.
    """
    from service.deployments.distributed import worker_app  # noqa: PLC0415

    _serve("The worker", worker_app, model=model, host=host, port=port)


@app.command()
def ready(port: PortOption = 8000) -> None:
    """Exit with 0 if a server on this machine can serve: for health checks."""
    if (reason := why_not(port)) is not None:
        console.print(f"not ready: {reason}", markup=False)
        raise typer.Exit(1)


def _serve(
    what: str, compose: "Callable[[Settings], FastAPI]", *, takes_keys: bool = False, **given: Any
) -> None:
    from service.http import security, server  # noqa: PLC0415
    from service.logs import configure_logs  # noqa: PLC0415
    from service.settings import Settings, misspelt  # noqa: PLC0415

    for name, meant in misspelt().items():
        hint = f": did you mean {meant}?" if meant else ""
        console.print(f"warning: {name} is no setting{hint}", markup=False)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise bad_parameter(error, lambda field: f"PRISM_{field}".upper()) from None
    security.check_address(settings, takes_keys=takes_keys)
    configure_logs(settings.log_level)
    try:
        sock = server.listen(settings.host, settings.port)
    except server.ListenError as error:
        console.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    service = compose(settings)
    address, bound = sock.getsockname()[:2]
    console.print(f"{what} serves on http://{address}:{bound} (stop with Ctrl-C)", markup=False)
    server.serve(service, sock, settings.shutdown_s)
