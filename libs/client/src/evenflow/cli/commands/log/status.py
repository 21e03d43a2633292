"""`evenflow log status`: how full the log is, and what holds the next cut."""

from evenflow.cli.display.console import show, show_fields, show_json, warn
from evenflow.cli.display.words import rough, size
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client.models.log import LogStatus


def status(*, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show how full the log is, how fast it grows, and what holds the next cut."""
    with connect(url) as client:
        found = client.log_status()
    if as_json:
        show_json(found)
        return
    _show(found)
    if found["advice"]:
        warn(found["advice"])


def _show(found: LogStatus) -> None:
    limit = found["limit_bytes"]
    used = size(found["size_bytes"])
    growth = found["growth_bytes_a_day"]
    next_cut = found["next_cut"]
    upto = next_cut["to_sequence"]
    show_fields(
        ("size", f"{used} of {size(limit)}, {found['fullness']:.1%}" if limit else used),
        ("takes", "only what must be taken: it is full" if found["is_full"] else "everything"),
        ("facts", f"{found['facts']:,}, {found['first_sequence']} to {found['last_sequence']}"),
        ("first", found["first_at"]),
        ("last", found["last_at"]),
        ("growth", f"{size(growth)} a day" if growth is not None else "not known yet"),
        ("history", f"{rough(found['keep_seconds'])} are wanted (log_store.keep)"),
        ("bases", ", ".join(map(str, found["bases"])) or "none yet"),
        ("next cut", f"up to {upto}" if upto else "nothing"),
        ("held by", next_cut["held_by"]),
    )
    if not found["bases"]:
        show("nothing is cut before there are two bases; the engine that leads takes them", "dim")
