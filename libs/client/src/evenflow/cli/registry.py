"""The commands of `evenflow`, by name. A command is one line here and a function in `commands/`."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lives: `target` is `module:name` of a function or a typer app (a group)."""

    target: str
    help: str


COMMANDS: Final[dict[str, Command]] = {
    "up": Command("evenflow.cli.commands.up:up", "Start everything on this machine."),
}
