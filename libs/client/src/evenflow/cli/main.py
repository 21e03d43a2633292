"""The `evenflow` command. Imports a command's module only when that command runs."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from evenflow.cli.registry import COMMANDS, Command
from evenflow.common.domain.errors import EvenflowError


class LazyGroup(TyperGroup):
    """Knows its commands by name and help; the one that runs is loaded."""

    registry: Mapping[str, Command] = COMMANDS

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, in the order they are registered."""
        del ctx
        return list(self.registry)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return enough of a command to list it."""
        del ctx
        if command := self.registry.get(cmd_name):
            return TyperCommand(cmd_name, help=command.help)
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command to run, loaded."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, (_load(name, self.registry[name]) if name else listed), rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what it raises on purpose becomes one clear block and an exit code."""
        try:
            return super().invoke(ctx)
        except EvenflowError as error:
            from evenflow.cli.display.problems import report  # noqa: PLC0415 - seldom needed

            raise typer.Exit(report(error)) from error


def _load(name: str, command: Command) -> Any:
    home, _, attribute = command.target.partition(":")
    module = import_module(home)
    target = getattr(module, attribute)
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    single = typer.Typer(add_completion=False)
    # Behind the first word of somebody else's command line nothing is ours any more.
    settings = {"allow_interspersed_args": False} if command.takes_a_command else {}
    single.command(
        name,
        help=command.help,
        epilog=f"Example: {module.EXAMPLE}",
        context_settings=settings,
    )(target)
    return typer.main.get_command(single)


app = typer.Typer(
    cls=LazyGroup, no_args_is_help=True, help="Share a fleet of machines fairly over time."
)


@app.callback()
def _root() -> None:
    """Share a fleet of machines fairly over time."""


if __name__ == "__main__":
    app()
