"""`evenflow quota`: what a project or queue may hold at once, and use in a day, week or month."""

from typing import Annotated, Any

import typer
from rich.text import Text

from evenflow.cli.display.console import out, show, show_json
from evenflow.cli.display.problems import Misuse
from evenflow.cli.display.table import Cell, Column, print_table
from evenflow.cli.display.words import instant, limit_word
from evenflow.cli.inputs.limits import whole_or_none
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client.models.queues import Quota

app = typer.Typer(no_args_is_help=True, help="Show and set what a project may hold and use.")

Project = Annotated[str, typer.Argument(metavar="PROJECT", help="A project, or a queue's path.")]
Amount = Annotated[str | None, typer.Option(metavar="AMOUNT|none")]
Count = Annotated[str | None, typer.Option(metavar="N|none")]
_COLUMNS = (
    Column("OF"),
    Column("QUOTA", align="right"),
    Column("USED", align="right"),
    Column("LEFT", align="right"),
    Column("USED %", rank=1, align="right"),
)
_TYPES = ("training", "inference", "workflow")


@app.command("show", epilog="Example: evenflow quota show vision")
def show_one(project: Project, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show the quota of a project and what is used of it."""
    with connect(url) as client:
        quota = client.quota(project)
    show_json(quota) if as_json else _show(quota)


@app.command("set", epilog="Example: evenflow quota set vision --gpu 4 --jobs 20 --memory none")
def change(
    project: Project,
    *,
    cpu: Amount = None,
    memory: Amount = None,
    gpu: Amount = None,
    jobs: Count = None,
    training: Count = None,
    inference: Count = None,
    workflow: Count = None,
    gpu_hours: Annotated[
        str | None,
        typer.Option(metavar="HOURS|none", help="Budget of each period; `none`: no budget."),
    ] = None,
    period: Annotated[
        str | None, typer.Option(metavar="day|week|month", help="Of the budget, in UTC.")
    ] = None,
    enforce: Annotated[
        bool | None, typer.Option("--enforce/--count-only", help="Hold to it, or only count.")
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set limits of a project; what is not named stays, `none` means unlimited."""
    fields: dict[str, Any] = {
        f"{name}_quota": None if value == "none" else value
        for name, value in (("cpu", cpu), ("memory", memory), ("gpu", gpu))
        if value is not None
    }
    for name, option, text in (
        ("max_concurrent_jobs", "--jobs", jobs),
        ("max_training_jobs", "--training", training),
        ("max_inference_jobs", "--inference", inference),
        ("max_workflow_jobs", "--workflow", workflow),
    ):
        if text is not None:
            fields[name] = whole_or_none(text, option)
    if gpu_hours is not None:
        fields["gpu_hours_budget"] = None if gpu_hours == "none" else gpu_hours
    if period is not None:
        fields["budget_period"] = period
    if enforce is not None:
        fields["enforce_quota"] = enforce
    if not fields:
        raise Misuse("say what shall change, as --gpu 4")
    with connect(url) as client:
        quota = client.set_quota(project, fields)
    show_json(quota) if as_json else _show(quota)


def _show(quota: Quota) -> None:
    held_to = "" if quota["enforce_quota"] else " (counted, not enforced)"
    out().print(Text.assemble((quota["project_id"], "bold"), held_to))
    rows = [
        _row("cpu", quota["cpu_quota"], quota["used_cpu"], " cores"),
        _row("memory", quota["memory_quota"], quota["used_memory"], " GiB"),
        _row("gpu", quota["gpu_quota"], quota["used_gpu"], ""),
        _row("jobs", quota["max_concurrent_jobs"], quota["current_jobs"], ""),
    ]
    rows += [
        _row(f"{name} jobs", quota[f"max_{name}_jobs"], quota[f"current_{name}_jobs"], "")
        for name in _TYPES
        if quota[f"max_{name}_jobs"] is not None
    ]
    rows += [
        _row(name, other["quota"], other["used"], "")
        for name, other in quota.get("resources", {}).items()
    ]
    if quota["gpu_hours_budget"] is not None:
        budget, used = quota["gpu_hours_budget"], quota["used_gpu_hours"]
        rows.append(_row(f"gpu-hours this {quota['budget_period']}", budget, used, ""))
    print_table(_COLUMNS, rows)
    if quota["gpu_hours_budget"] is not None:
        turn = instant(quota["budget_period_end"])
        show(f"the next {quota['budget_period']} begins {turn:%Y-%m-%d %H:%M} UTC", "dim")


def _row(name: str, most: float | None, used: float, unit: str) -> list[Cell]:
    if most is None:
        return [name, limit_word(None), f"{used:g}{unit}", "", ""]
    percent = f"{100 * used / most:.0f} %" if most else ""
    style = "red" if used >= most else "yellow" if used >= 0.9 * most else ""
    left = max(0.0, most - used)
    return [name, f"{most:g}{unit}", f"{used:g}{unit}", f"{left:g}{unit}", Text(percent, style)]
