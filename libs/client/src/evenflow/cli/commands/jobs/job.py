"""`evenflow job`: everything about one job."""

from typing import Any, Final

from rich.text import Text

from evenflow.cli.commands.jobs.jobs import ran, wants
from evenflow.cli.display.console import out, show_fields, show_json, status_text
from evenflow.cli.display.table import Column, print_table
from evenflow.cli.display.words import NOTHING, ago, instant, lasting, seconds_between
from evenflow.cli.inputs.options import JobArgument, JsonOption, UrlOption, connect

EXAMPLE: Final = "evenflow job 019ab3c4-d5e6"

_ATTEMPTS = (
    Column("ATTEMPT", align="right"),
    Column("OUTCOME"),
    Column("WHERE", can_shrink=True),
    Column("RAN", align="right"),
    Column("EXIT", align="right"),
    Column("MESSAGE", can_shrink=True),
)


def job(job_id: JobArgument, *, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show a job with its attempts; the beginning of its id is enough."""
    with connect(url) as client:
        details = client.job_details(job_id)
        if as_json:
            show_json(details)
            return
        now = instant(client.status()["clock"]["now"])
    show_fields(*_fields(details, now))
    attempts = details.get("attempts") or []
    if len(attempts) > 1:
        out().print()
        print_table(_ATTEMPTS, [_attempt(each) for each in attempts])


def _fields(job: Any, now: Any) -> list[tuple[str, str | Text | None]]:
    command = job["executor_config"].get("command")
    words = " ".join(command) if isinstance(command, list) else command
    waited = seconds_between(job["submitted_at"], job["started_at"])
    return [
        ("id", job["id"]),
        ("name", job["name"]),
        ("state", _state(job)),
        ("why", _why(job)),
        ("queue", job["queue"]),
        ("position", str(job["queue_position"]) if job["status"] == "queued" else None),
        ("user", job["user_id"]),
        ("priority", str(job["priority"]) if job["priority"] else None),
        ("wants", wants(job)),
        ("placed", _placed(job)),
        ("only on", _only_on(job)),
        ("together", _together(job)),
        ("command", words),
        ("directory", job["executor_config"].get("working_directory")),
        ("where", ", ".join(job["nodes"]) or None),
        ("submitted", ago(job["submitted_at"], now)),
        ("waited", lasting(waited) if waited is not None else None),
        ("ran", ran(job, now) if job["started_at"] else None),
        ("limit", _limit(job)),
        ("deadline", _deadline(job)),
        ("attempt", str(job["attempt"]) if job["attempt"] > 1 else None),
        ("exit code", str(job["exit_code"]) if job["exit_code"] is not None else None),
        ("message", job["error_message"]),
        ("array", job["array_id"]),
        ("tags", ", ".join(job["tags"]) or None),
        ("description", job["description"] or None),
    ]


def _state(job: Any) -> Text:
    text = status_text(job["status"])
    if job["phase"] != job["status"]:
        text.append(f" ({job['phase']})", style="dim")
    if job["cancel_requested"] and job["finished_at"] is None:
        text.append(", being cancelled", style="magenta")
    return text


def _placed(job: Any) -> str | None:
    """Return how many tasks of an elastic gang have a node; the others have all or none."""
    if job["min_tasks"] == job["tasks"] or not job["placed_tasks"]:
        return None
    text = f"{job['placed_tasks']} of {job['tasks']} tasks"
    if len(job["groups"]) == 1:
        return text
    each = (f"{g['name']} {g['placed_tasks']} of {g['tasks']}" for g in job["groups"])
    return f"{text} ({', '.join(each)})"


def _only_on(job: Any) -> str | None:
    """Return which nodes a job may go to."""
    constraints = job["constraints"]
    if constraints is None:
        return None
    parts = [
        f"{label}={'|'.join(values)}" if values else f"{label} of any value"
        for label, values in sorted(constraints["selector"].items())
    ]
    for each in constraints["tolerations"]:
        value = "" if each["value"] is None else f"={each['value']}"
        parts.append(f"tolerates {each['key']}{value}")
    if constraints["clusters"]:
        parts.append(f"first {', then '.join(constraints['clusters'])}")
    return ", ".join(parts) or None


def _together(job: Any) -> str | None:
    """Return how the tasks of a job are to lie to each other."""
    constraints = job["constraints"]
    if constraints is None:
        return None
    parts = []
    if constraints["required_level"]:
        parts.append(f"in one {constraints['required_level']}")
    if constraints["preferred_level"]:
        parts.append(f"in one {constraints['preferred_level']} if it can be")
    if anti := constraints["anti_affinity"]:
        key = f" from all with key {anti['key']}" if anti["key"] else ""
        parts.append(f"each on a {anti['level']} of its own{key}")
    if constraints["strategy"]:
        parts.append(f"strategy {constraints['strategy']}")
    return ", ".join(parts) or None


def _why(job: Any) -> str | None:
    if job["status"] not in {"pending", "queued"} or not job["blocked_reason"]:
        return None
    return f"{job['blocked_reason'].replace('_', ' ')}; `evenflow why {job['id'][:18]}` says more"


def _limit(job: Any) -> str | None:
    seconds = job["time_limit_seconds"]
    return None if seconds is None else lasting(seconds)


def _deadline(job: Any) -> str | None:
    at = job["deadline"]
    return None if at is None else instant(at).strftime("%Y-%m-%d %H:%M:%S UTC")


def _attempt(attempt: Any) -> list[str | Text]:
    nodes = sorted({place["node"] for place in attempt["placement"]})
    return [
        str(attempt["attempt"]),
        status_text(attempt["outcome"] or "running"),
        ", ".join(nodes) or NOTHING,
        lasting(seconds_between(attempt["started_at"], attempt["finished_at"])),
        NOTHING if attempt["exit_code"] is None else str(attempt["exit_code"]),
        attempt["message"] or "",
    ]
