"""`evenflow log`: the verbs, each a module beside this one."""

import typer

from evenflow.cli.commands.log.cuts import cuts
from evenflow.cli.commands.log.drop_reader import drop_reader
from evenflow.cli.commands.log.export import export
from evenflow.cli.commands.log.quarantine import quarantine
from evenflow.cli.commands.log.readers import readers
from evenflow.cli.commands.log.repair import repair
from evenflow.cli.commands.log.status import status

app = typer.Typer(
    no_args_is_help=True, help="Look after the log: how full it is, who reads it, what was lost."
)
app.command(epilog="Example: evenflow log status")(status)
app.command(epilog="Example: evenflow log readers")(readers)
app.command(epilog="Example: evenflow log cuts --json")(cuts)
app.command(epilog="Example: evenflow log export --from 1000 --output facts.jsonl")(export)
app.command("drop-reader", epilog="Example: evenflow log drop-reader gateway-1f0c2a9e")(drop_reader)
app.command(epilog="Example: evenflow log quarantine 4711 --reason 'put there by hand'")(quarantine)
app.command(epilog="Example: evenflow log repair --yes")(repair)
