"""`evenflow log`: the verbs, put together."""

import typer

from evenflow.cli.commands.log.quarantine import quarantine
from evenflow.cli.commands.log.repair import repair

app = typer.Typer(help="Look after the log: what cannot be read, what was lost.")
app.command(epilog="Example: evenflow log quarantine 4711 --reason 'put there by hand'")(quarantine)
app.command(epilog="Example: evenflow log repair --yes")(repair)
