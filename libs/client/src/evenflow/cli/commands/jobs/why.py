"""`evenflow why`: the reason of a job's state, in words and numbers."""

from collections.abc import Mapping
from typing import Final

from rich.text import Text

from evenflow.cli.display.console import out, show, show_json, status_text
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import NOTHING, amount, instant, percent
from evenflow.cli.following import SHORT_ID
from evenflow.cli.inputs.options import JobArgument, JsonOption, UrlOption, connect
from evenflow.client.models.explanation import Explanation, QueueLevel

EXAMPLE: Final = "evenflow why 019ab3c4-d5e6"

_AHEAD = (
    Column("AHEAD"),
    Column("NAME", can_shrink=True),
    Column("USER", rank=2),
    Column("BECAUSE", can_shrink=True, least=20),
)
_LEVELS = (
    Column("QUEUE", can_shrink=True),
    Column("RESOURCE"),
    Column("SHARE", align="right"),
    Column("HELD", align="right"),
    Column("WANTED", rank=2, align="right"),
    Column("USED", rank=3, align="right"),
    Column("FULL", align="right"),
    Column("WITH IT", align="right"),
    Column("GOES FIRST", rank=1, can_shrink=True),
)


def why(job_id: JobArgument, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Say why a job is where it is."""
    with connect(url) as client:
        answer = client.why(job_id)
    if as_json:
        show_json(answer)
        return
    out().print(Text.assemble(status_text(answer["status"]), ": ", answer["text"]), soft_wrap=True)
    if not answer["authoritative"]:
        show("no engine answered: this is what the log alone tells", "yellow")
    _show_order(answer)
    _show_levels(answer)
    _show_start(answer)


def _show_order(answer: Explanation) -> None:
    if answer["position"] is not None:
        _head(f"place {answer['position']} in {answer['queue']}")
    if not answer["first"]:
        return
    if answer["position"] is None:
        _head(f"ahead in {answer['queue']}")
    rows: list[tuple[Cell, ...]] = [
        (each["id"][:SHORT_ID], each["name"], each["user_id"], each["because"])
        for each in answer["first"]
    ]
    print_table(_AHEAD, rows)
    if answer["ahead"] > len(rows):
        show(f"and {answer['ahead'] - len(rows)} more", "dim")


def _show_levels(answer: Explanation) -> None:
    if not answer["levels"]:
        for share in answer["shares"]:
            show(
                f"  {share['queue']} holds {percent(share['held_ratio'])} of the cluster; "
                f"by weight {percent(share['weight_ratio'])}"
            )
        return
    _head("shares, level by level")
    rows: list[tuple[Cell, ...]] = []
    for level in answer["levels"]:
        rows += _level(level)
    print_table(_LEVELS, rows)


def _level(level: QueueLevel) -> list[tuple[Cell, ...]]:
    """Return a row for each resource that the queue holds or asks for; the first says the rest."""
    names = sorted({*level["held"], *level["request"]}) or sorted(level["fair_share"]) or [NOTHING]
    ahead = level["ahead"]
    whole = (
        percent(level["usage_ratio"]),
        *(
            NOTHING if ratio is None else percent(ratio)
            for ratio in (level["saturation_before"], level["saturation_after"])
        ),
        NOTHING if ahead is None else f"{ahead['queue']} ({ahead['because']})",
    )
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        amounts = (_of(level[key], name) for key in ("fair_share", "held", "request"))
        rest = ("",) * len(whole) if rows else whole
        rows.append(("" if rows else level["queue"], name, *amounts, *rest))
    return rows


def _of(amounts: Mapping[str, int], name: str) -> str:
    return amount(name, amounts[name]) if name in amounts else NOTHING


def _show_start(answer: Explanation) -> None:
    start = answer["predicted_start"]
    if start is not None:
        at = instant(start["at"]).strftime("%Y-%m-%d %H:%M:%S UTC")
        _head("start")
        show("now" if start["basis"] == "now" else f"{at} at the earliest, by the {start['basis']}")
        if start["basis"].startswith("ends"):
            show("room is counted in sum; other queues may go first", "dim")
    elif answer["not_predicted"]:
        _head("start")
        show(f"not known: {answer['not_predicted']}")


def _head(text: str) -> None:
    show("")
    show(text, "bold")
