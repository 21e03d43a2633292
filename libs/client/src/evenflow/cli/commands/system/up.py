"""`evenflow up`: the whole system on this machine."""

from pathlib import Path
from typing import Annotated, Final

import typer

from evenflow.cli.launcher.layout.plan import Options
from evenflow.cli.launcher.supervisor import up as run_up

EXAMPLE: Final = "evenflow up --cluster simulated:100x8 --speed 60"


def up(
    *,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything is kept; one system each.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="local, or simulated:100x8 (100 nodes of 8 GPUs).")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the gateway; 8600 if free.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings (evenflow.yaml).")] = None,
    speed: Annotated[
        int | None, typer.Option(min=1, help="Seconds a second; simulated clusters only.")
    ] = None,
    keep_jobs: Annotated[
        bool, typer.Option("--keep-jobs", help="Leave jobs running at the stop; adopt them later.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the system, where several run.")] = None,
) -> None:
    """Start everything on this machine; Ctrl-C stops it."""
    options = Options(
        data_dir=data_dir,
        cluster=cluster,
        port=port,
        config=config,
        speed=speed,
        keep_jobs=keep_jobs,
        name=name,
    )
    raise typer.Exit(run_up(options))
