"""`evenflow down`: stop a system that `evenflow up` runs on this machine."""

import os
import signal
import time
from contextlib import suppress
from typing import Annotated, Final

import typer

from evenflow.cli.display.console import show
from evenflow.cli.display.problems import FAILED, Misuse
from evenflow.client.discovery.processes import identity
from evenflow.client.discovery.running import RunningSystem, running_systems

EXAMPLE: Final = "evenflow down"

_LOOK_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 40.0  # jobs get ten seconds to end, then services and servers drain


def down(
    *,
    name: Annotated[str | None, typer.Option(help="Name of the system, where several run.")] = None,
) -> None:
    """Stop the system that runs here, as Ctrl-C would: its jobs are stopped and wait again."""
    systems = [each for each in running_systems() if name in (None, each.name)]
    if not systems:
        show(f"no system {name!r} runs here" if name else "no system runs here")
        return
    if len(systems) > 1:
        names = ", ".join(each.name for each in systems)
        raise Misuse(f"several systems run here: say which with --name ({names})")
    _stop(systems[0])


def _stop(system: RunningSystem) -> None:
    with suppress(ProcessLookupError):
        os.kill(system.pid, signal.SIGTERM)
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while identity(system.pid) == system.identity:
        if time.monotonic() > give_up_at:
            show(f"system {system.name} (pid {system.pid}) still stops; look at its logs")
            raise typer.Exit(FAILED)
        time.sleep(_LOOK_SECONDS)
    show(f"system {system.name} has stopped")
