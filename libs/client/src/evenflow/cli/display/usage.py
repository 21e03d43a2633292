"""Usage as tables with bars: what counts now, and hours of the past with their cost."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from evenflow.cli.display.bars import bar
from evenflow.cli.display.console import show
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import instant, rough
from evenflow.client.models.usage import UsageHistory

Table = tuple[list[Column], list[list[Cell]]]
"""Columns and rows."""

_FIRST: Final = ("gpu", "cpu", "memory")
_TITLES: Final = {"gpu": "GPU-HOURS", "cpu": "CPU-HOURS", "memory": "GIB-HOURS"}
_STYLES: Final = {"fresh": "green", "stale": "yellow", "unavailable": "red"}
_MEANS: Final = {
    "fresh": "",
    "stale": ": polls were missed, it still counts",
    "unavailable": ": history counts for nothing, everybody is equal",
}


def show_now(document: Mapping[str, Any]) -> None:
    """Print everybody's decayed usage."""
    _show_head(document)
    groups = (("QUEUE", document["queues"]), ("USER", document["users"]))
    for title, figures in groups:
        if figures:
            show("")
            print_table(*figures_table(title, figures))


def show_queue(document: Mapping[str, Any]) -> None:
    """Print one queue's decayed usage, and its users'."""
    _show_head(document)
    show("")
    print_table(*figures_table("QUEUE", {document["queue"]: document["usage"]}))
    if document["users"]:
        show("")
        print_table(*figures_table("USER", document["users"]))


def _show_head(document: Mapping[str, Any]) -> None:
    freshness, snapshot = document["freshness"], document["snapshot"]
    line = Text.assemble(
        "usage is ", (freshness, _STYLES.get(freshness, "")), _MEANS.get(freshness, "")
    )
    if snapshot is None:
        show(line.append("; there is no snapshot yet"))
        return
    window = snapshot.get("window") or {}
    size = window.get("size_seconds")
    half_life = snapshot.get("half_life_seconds")
    most = rough(document["max_staleness_seconds"])
    parts = [
        f"{rough(document['age_seconds'])} old (at most {most})",
        f"window {window.get('type', '?')}" + (f" {rough(size)}" if size else ""),
        f"half-life {rough(half_life)}" if half_life else "no decay",
        f"from {snapshot.get('backend', '?')}",
    ]
    show(line.append("; " + ", ".join(parts)))
    if document["told_by"] != "policy-engine":
        show("the policy engine did not answer: this is what the log says", style="yellow")


def figures_table(title: str, figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Table:
    """Return decayed usage by name as a table, who used the most first."""
    resources = _ordered(name for each in figures.values() for name in each)
    columns = [Column(title, can_shrink=True)]
    for rank, name in enumerate(resources):
        columns += [
            Column(_TITLES.get(name, f"{name} h"), rank=2 * rank + 2 if rank else 0, align="right"),
            Column("PART", rank=2 * rank + 3 if rank else 2, align="right"),
        ]
        if not rank:
            columns.append(Column("", rank=1))
    first = resources[0] if resources else ""
    most = max((_part(each, first) for each in figures.values()), default=0.0)
    rows: list[list[Cell]] = []
    for name, each in sorted(figures.items(), key=lambda item: (-_part(item[1], first), item[0])):
        row: list[Cell] = [name]
        for rank, resource in enumerate(resources):
            figure = each.get(resource, {})
            row += [_number(figure.get("raw_hours", 0.0)), f"{100 * _part(each, resource):.1f} %"]
            if not rank:
                row.append(bar(_part(each, first), most))
        rows.append(row)
    return columns, rows


def show_history(document: UsageHistory) -> None:
    """Print hours and their cost."""
    since, until = instant(document["since"]), instant(document["until"])
    show(f"exactly held from {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC")
    if not document["rows"]:
        show("nothing")
        return
    show("")
    print_table(*history_table(document))


def history_table(document: UsageHistory) -> Table:
    """Return hours by time and group as a table, with their sum."""
    resources, has_cost = _ordered(document["total"]), bool(document["prices"])
    groups = document["group_by"]
    columns = [Column("FROM")] if document["by"] else []
    columns += [Column(group.upper(), can_shrink=True) for group in groups]
    for rank, name in enumerate(resources):
        columns.append(
            Column(_TITLES.get(name, f"{name} h"), rank=rank and rank + 1, align="right")
        )
        if not rank:
            columns.append(Column("", rank=1))
    columns += [Column("COST", align="right")] if has_cost else []
    rows: list[Any] = list(document["rows"])
    most = max(row["hours"].get(resources[0], 0.0) for row in rows)
    cells = [
        [
            *([_when(row["start"], document["by"])] if document["by"] else []),
            *(row[group] for group in groups),
            *_hours(row["hours"], resources, most),
            *([f"{row['cost']:,.2f}"] if has_cost else []),
        ]
        for row in rows
    ]
    names = len(columns) - len(resources) - 1 - has_cost
    if names:
        total: list[Cell] = [Text("total", style="bold"), *[""] * (names - 1)]
        total += _hours(document["total"], resources, 0.0)
        cells.append([*total, *([f"{document['cost']:,.2f}"] if has_cost else [])])
    return columns, cells


def _hours(hours: Mapping[str, float], resources: Sequence[str], most: float) -> list[Cell]:
    cells: list[Cell] = []
    for rank, name in enumerate(resources):
        cells.append(_number(hours.get(name, 0.0)))
        if not rank:
            cells.append(bar(hours.get(name, 0.0), most))
    return cells


def _when(start: str, by: str | None) -> str:
    return f"{instant(start):%Y-%m-%d %H:%M}" if by == "hour" else f"{instant(start):%Y-%m-%d}"


def _ordered(names: Iterable[str]) -> list[str]:
    found = dict.fromkeys(names)
    return [name for name in _FIRST if name in found] + sorted(n for n in found if n not in _FIRST)


def _part(figures: Mapping[str, Mapping[str, float]], resource: str) -> float:
    return figures.get(resource, {}).get("normalized", 0.0)


def _number(hours: float) -> str:
    return f"{hours:,.0f}" if hours >= 1000 else f"{hours:,.2f}" if hours >= 1 else f"{hours:.4f}"  # noqa: PLR2004
