"""`evenflow events`: the facts of the log, one line each."""

import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from evenflow.cli.display.console import out
from evenflow.cli.display.words import count
from evenflow.cli.following import SHORT_ID
from evenflow.cli.inputs.options import JsonOption, UrlOption, connect
from evenflow.client.models.facts import FactEvent
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue

EXAMPLE: Final = "evenflow events --follow --kind jobs.submitted"

_PATIENCE_SECONDS = 60.0
_LISTS = ("jobs", "requests", "changes", "queues", "paths", "quotas", "nodes", "runs")


def events(
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes; Ctrl-C ends it.")
    ] = False,
    begin: Annotated[
        int | None, typer.Option("--from", min=1, metavar="SEQ", help="First sequence to print.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only these, as jobs.submitted; may be repeated.")
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the facts of the log: from --from (else the first) to now, with --follow on and on."""
    with connect(url) as client:
        last = client.status()["sequence"]
        # Following without a beginning shows what comes; a dump without one shows all.
        first = begin if begin is not None or follow else client.log_status()["first_sequence"]
        if not follow and (last == 0 or (first or 1) > last):
            return
        wanted = check_kinds(kind or ())
        # A dump ends at the last fact, of whatever kind, so it must see them all.
        kinds = wanted if follow else ()
        stream = client.events(begin=first, kinds=kinds, patience_seconds=_PATIENCE_SECONDS)
        try:
            for event in stream:
                if not wanted or event.kind in wanted:
                    _show(event, as_json=as_json)
                if not follow and event.sequence >= last:
                    return
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def check_kinds(kinds: Sequence[str]) -> Sequence[str]:
    """Return the kinds; raises InvalidValue when one is none, with what was probably meant."""
    from evenflow.common.contracts.subjects import KINDS  # noqa: PLC0415 - only when asked

    for kind in kinds:
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, n=2, cutoff=0.4)
            rule = (
                f"is no kind of fact; did you mean {' or '.join(near)}?"
                if near
                else (f"must be one of {', '.join(KINDS)}")
            )
            raise InvalidValue("--kind", kind, rule)
    return kinds


def _show(event: FactEvent, *, as_json: bool) -> None:
    if as_json:
        line = {"sequence": event.sequence, "kind": event.kind, **event.message}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    message = event.message
    at = datetime.fromtimestamp(message["occurred_at"] / SECOND, UTC)
    out().print(
        Text.assemble(
            (f"{event.sequence:>8}  ", "dim"),
            (f"{at:%H:%M:%S.%f}"[:-3], "dim"),
            f"  {event.kind:22}",
            (f"  {message['actor'].partition('/')[0]:16}", "dim"),
            f"  {summary(event.kind, message['fact'])}",
        ),
        soft_wrap=True,
    )


def summary(kind: str, fact: dict[str, Any]) -> str:
    """Return what a fact says in a few words."""
    if special := _SUMMARIES.get(kind):
        return special(fact)
    for name in _LISTS:
        if name in fact:
            return _few([_name(each) for each in fact[name]])
    return ""


def _decided(fact: dict[str, Any]) -> str:
    parts = [
        count(len(fact[name]), name[:-1])
        for name in ("placements", "evictions", "rejections", "reasons")
        if fact.get(name)
    ]
    return ", ".join(parts) or "nothing to do"


def _observed(fact: dict[str, Any]) -> str:
    gone = f", {len(fact['gone'])} gone" if fact["gone"] else ""
    return f"{fact['cluster']}: {count(len(fact['nodes']), 'node')}{gone}"


def _alert(alert: dict[str, Any]) -> str:
    share = f"{100 * alert['used'] / alert['limit']:.0f} % of {alert['limit_name']}"
    return f"{alert['path']} {'at' if alert['is_raised'] else 'back at'} {share}"


_SUMMARIES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "cycle.decided": _decided,
    "cluster.observed": _observed,
    "leader.decided": lambda fact: f"{fact['instance']} leads",
    "clock.set": lambda fact: f"rate {fact['rate']}",
    "runs.reported": lambda fact: _few(
        [f"{run['job_id'][:SHORT_ID]} {_run(run)}" for run in fact["runs"]]
    ),
    "quotas.alerted": lambda fact: _few([_alert(each) for each in fact["alerts"]]),
    "jobs.submitted": lambda fact: _few(
        [f"{job['id'][:SHORT_ID]} {job['name']} to {job['queue']}" for job in fact["jobs"]]
    ),
}


def _run(run: dict[str, Any]) -> str:
    if run["phase"] != "ended":
        return str(run["phase"])
    code = run.get("exit_code")
    return f"{run['outcome']}" + (f" ({code})" if code else "")


def _name(record: Any) -> str:
    if not isinstance(record, dict):
        return str(record)
    return str(record.get("job_id") or record.get("path") or record.get("name") or "")


def _few(words: list[str]) -> str:
    more = f" and {len(words) - 3} more" if len(words) > 3 else ""  # noqa: PLR2004 - as shown
    return ", ".join(words[:3]) + more
