"""`evenflow provision`: the streams and buckets of a shard, and the broker's accounts as files."""

import asyncio
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from evenflow.cli.display.console import out, show, show_json
from evenflow.cli.inputs.options import JsonOption
from evenflow.cli.launcher.broker_files import printed, write_files
from evenflow.cli.launcher.provisioning import provisioner_access
from evenflow.common.adapters.log.shard_log import provision_shard
from evenflow.common.adapters.nats.connection import shown_url
from evenflow.common.adapters.nats.streams import Made
from evenflow.common.domain.errors import EvenflowError, InvalidValue
from evenflow.common.runtime.settings import InvalidSettings, Settings, load

EXAMPLE: Final = "evenflow provision --config evenflow.yaml --dry-run"


def provision(
    *,
    config: Annotated[Path | None, typer.Option(help="Settings (evenflow.yaml).")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")
    ] = False,
    as_files: Annotated[
        bool, typer.Option("--print", help="Print accounts and permissions for the broker.")
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="With --print: write them there, passwords and all."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make or change the streams and buckets of a shard; doing it again changes nothing.

    `evenflow up` does it by itself. Elsewhere an init job does, with the broker's login
    `provisioner`, before services start and after each upgrade.
    """
    if directory is not None and not as_files:
        raise InvalidValue("--dir", str(directory), "says where --print writes: give both")
    try:
        settings = load(config, environ=os.environ)
    except InvalidSettings as error:
        raise EvenflowError(str(error)) from error
    if as_files:
        _print_files(settings, directory)
        return
    access = provisioner_access(settings)
    done = asyncio.run(provision_shard(access, dry_run=dry_run))
    if as_json:
        show_json([asdict(made) for made in done])
        return
    for made in done:
        show(_told(made, is_plan=dry_run))
    would = "nothing was changed" if dry_run else "is provisioned"
    show(f"shard {access.shard} at {shown_url(access.url)}: {would}")


def _told(made: Made, *, is_plan: bool) -> str:
    outcome = f"would be {made.outcome}" if is_plan and made.outcome != "kept" else made.outcome
    return f"{made.stream}: {outcome} {', '.join(made.changed)}".rstrip()


def _print_files(settings: Settings, directory: Path | None) -> None:
    shard = settings.shard.name
    if directory is None:
        out().file.write(printed(shard))
        return
    try:
        written = write_files(shard, settings.nats.url, directory)
    except OSError as error:
        raise InvalidValue(
            "--dir", str(directory), f"cannot be written: {error.strerror}"
        ) from error
    for path in written:
        show(str(path))
