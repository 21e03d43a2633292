"""`evenflow status`: the five services, the scheduler, and what is not as it should be."""

from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from evenflow.cli.display.console import out, show_json, status_text
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import NOTHING, ago, count, instant
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect

EXAMPLE: Final = "evenflow status --json"

_COLUMNS = (
    Column("SERVICE"),
    Column("STATE"),
    Column("ROLE", rank=2),
    Column("PID", align="right"),
    Column("VERSION", rank=4),
    Column("SEEN", rank=3, align="right"),
    Column("LOG", rank=5, align="right"),
    Column("WHY", rank=1, can_shrink=True),
)


def status(*, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show how the whole system is."""
    with connect(url) as client:
        document = client.status()
        where = client.url
    if as_json:
        show_json(document)
        return
    scheduler, clock = document["scheduler"], document["clock"]
    faster = f", clock x{clock['rate']}" if clock["rate"] != 1 else ""
    place = f"  ({document['cluster']}, shard {document['shard']}{faster})"
    out().print(
        Text.assemble(("Evenflow ", "bold"), f"{where} is ", status_text(document["state"]), place),
        soft_wrap=True,
    )
    out().print(
        f"{count(scheduler['running_jobs'], 'job')} running, {scheduler['pending_jobs']:,} "
        f"waiting; {count(scheduler['nodes'], 'node')}, {count(scheduler['queues'], 'queue')}; "
        f"{scheduler['policy']}, last cycle "
        f"{ago(scheduler['last_cycle_at'], instant(clock['now']))}; "
        f"log at {document['sequence']:,}",
        soft_wrap=True,
    )
    out().print(_usage(document["usage"]), soft_wrap=True)
    for name in ("bus", "redis"):
        if not document[name]["connected"]:
            out().print(Text(f"{name} is not connected", style="red"))
    if document.get("usage", {}).get("degraded"):
        out().print(Text("usage history is unavailable: it counts for nothing", style="yellow"))
    for warning in document.get("warnings", ()):
        out().print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)
    for name, restart in document.get("restarts", {}).items():
        times = "once" if restart["count"] == 1 else f"{restart['count']:,} times"
        words = f"{name} was started again {times}, at last because it {restart['reason']}"
        out().print(Text(words, style="yellow"))
    out().print()
    print_table(_COLUMNS, [_row(name, each) for name, each in document["services"].items()])


def _usage(usage: dict[str, Any]) -> Text:
    age = usage["snapshot_age_seconds"]
    old = "no snapshot yet" if age is None else f"the snapshot is {age:,.0f} s old"
    if usage["degraded"]:
        words = f"usage history is unavailable ({old}): everybody counts as if nothing was used"
        return Text(words, style="yellow")
    return Text(f"usage history is {usage.get('freshness', 'fresh')}: {old}")


def _row(name: str, service: dict[str, Any]) -> list[Cell]:
    # Heartbeats are on the wall clock, whatever the shard's clock says.
    return [
        name,
        status_text(service["state"]),
        service.get("role") or "",
        str(service["pid"] or NOTHING),
        service["version"] or NOTHING,
        ago(service["last_seen"], datetime.now(UTC)),
        f"{service['cursor']:,}" if service.get("cursor") is not None else NOTHING,
        "; ".join(f"{what}: {why}" for what, why in (service.get("reasons") or {}).items()),
    ]
