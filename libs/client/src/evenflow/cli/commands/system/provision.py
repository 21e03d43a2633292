"""`evenflow provision`: the streams of a shard, and the accounts of a NATS that others run."""

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from evenflow.cli.display.console import say, show, show_json
from evenflow.cli.display.problems import Misuse
from evenflow.cli.inputs.options import JsonOption
from evenflow.cli.launcher.broker_files import write_broker_files
from evenflow.cli.launcher.provisioning import provisioner_access
from evenflow.common.adapters.log.shard_log import provision_shard
from evenflow.common.adapters.nats.accounts.server_files import accounts_text
from evenflow.common.runtime.settings import load

EXAMPLE: Final = "evenflow provision --print --dir broker"
_WORDS: Final = {"made": "would be made", "changed": "would be changed", "kept": "is right"}


def provision(
    *,
    config: Annotated[Path | None, typer.Option(help="Settings (evenflow.yaml).")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and do nothing.")
    ] = False,
    print_files: Annotated[
        bool, typer.Option("--print", help="Print a server's accounts; touch no broker.")
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", help="With --print: write files, with passwords, into this one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make or change the streams and buckets of a shard, as the login `provisioner`."""
    if directory and not print_files:
        raise Misuse("--dir says where --print writes: give both, or neither")
    if print_files and (dry_run or as_json):
        raise Misuse("--print touches no broker: leave out --dry-run and --json")
    settings = load(config)
    if print_files and directory:
        for path in write_broker_files(directory, settings):
            show(str(path))
        say(f"secrets are in {directory}: hand each login its own files, and nobody else's")
        return
    if print_files:
        sys.stdout.write(accounts_text(settings.shard.name))
        return
    access = provisioner_access(settings)
    done = asyncio.run(provision_shard(access, dry_run=dry_run))
    if as_json:
        show_json({"shard": access.shard, "dry_run": dry_run, "streams": [asdict(m) for m in done]})
        return
    for made in done:
        outcome = _WORDS[made.outcome] if dry_run else made.outcome
        fields = f" ({', '.join(made.changed)})" if made.changed else ""
        show(f"{made.stream}: {outcome}{fields}")
