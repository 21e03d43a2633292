"""The commands of `evenflow`, by name. A command is one line here and a function in `commands/`."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lives: `target` is `module:name` of a function or a typer app (a group).

    `takes_a_command`: its arguments are somebody else's command line.
    """

    target: str
    help: str
    example: str = ""
    takes_a_command: bool = False


_HOME: Final = "evenflow.cli.commands"

COMMANDS: Final[dict[str, Command]] = {
    "up": Command(
        f"{_HOME}.system.up:up",
        "Start everything on this machine.",
        "evenflow up --cluster simulated:100x8 --speed 60",
    ),
    "down": Command(
        f"{_HOME}.system.down:down", "Stop the system that runs here.", "evenflow down"
    ),
    "submit": Command(
        f"{_HOME}.jobs.submit:submit",
        "Submit a command as a job.",
        "evenflow submit --queue vision --cpu 2 --memory 4Gi --wait -- python train.py",
        takes_a_command=True,
    ),
    "jobs": Command(
        f"{_HOME}.jobs.jobs:jobs",
        "List jobs, newest first.",
        "evenflow jobs --queue vision --status running --watch",
    ),
    "job": Command(
        f"{_HOME}.jobs.job:job",
        "Show a job with its attempts.",
        "evenflow job 019ab3c4-d5e6",
    ),
    "logs": Command(
        f"{_HOME}.jobs.logs:logs",
        "Show what a job wrote.",
        "evenflow logs 019ab3c4-d5e6 --follow",
    ),
    "cancel": Command(
        f"{_HOME}.jobs.cancel:cancel",
        "Cancel jobs.",
        "evenflow cancel --queue vision --all-pending",
    ),
    "why": Command(
        f"{_HOME}.jobs.why:why",
        "Say why a job is where it is.",
        "evenflow why 019ab3c4-d5e6",
    ),
    "fairshare": Command(
        f"{_HOME}.queues.fairshare:fairshare",
        "Divide what a file says as the scheduler would.",
        "evenflow fairshare -f case.yaml --k 1.0",
    ),
    "queues": Command(
        f"{_HOME}.queues.queues:queues",
        "List queues with their jobs and limits.",
        "evenflow queues --project vision",
    ),
    "queue": Command(f"{_HOME}.queues.queue:app", "Create, change, show and delete queues."),
    "usage": Command(
        f"{_HOME}.queues.usage:usage",
        "Show who used how much: what counts now, and exact hours of the past.",
        "evenflow usage --project vision --since 7d --by day",
    ),
    "quota": Command(f"{_HOME}.queues.quota:app", "Show and set what a project may hold and use."),
    "reservation": Command(
        f"{_HOME}.queues.reservation:app", "Keep room in advance for the jobs of a queue."
    ),
    "nodes": Command(f"{_HOME}.system.nodes:app", "List machines; cordon, label and taint them."),
    "apply": Command(
        f"{_HOME}.queues.apply:apply",
        "Define queues and quotas from a file.",
        "evenflow apply -f fleet.yaml",
    ),
    "status": Command(
        f"{_HOME}.system.status:status",
        "Show how the whole system is.",
        "evenflow status --json",
    ),
    "events": Command(
        f"{_HOME}.system.events:events",
        "Print the facts of the log.",
        "evenflow events --follow --kind jobs.submitted",
    ),
    "targets": Command(
        f"{_HOME}.system.targets:targets",
        "List where the services show their metrics, for Prometheus.",
        "evenflow targets --file evenflow-targets.json --watch",
    ),
    "replay-trace": Command(
        f"{_HOME}.system.replay_trace:replay_trace",
        "Push a workload log through a running system.",
        "evenflow replay-trace KTH-SP2.swf.gz --limit 2000 --speed 10000",
    ),
    "simulate": Command(
        "evenflow.simulator.command:simulate",
        "Run a log through the scheduler's cores in virtual time, policies side by side.",
        "evenflow simulate --trace log.swf.gz --backfill easy --backfill-order best "
        "--estimate learned",
    ),
    "replay": Command(
        "evenflow.simulator.replay.command:replay",
        "Decide the recorded past again, or by other rules.",
        "evenflow replay --from 1000 --to 5000 --policy new.yaml --html what-if.html",
    ),
    "demo": Command(
        f"{_HOME}.system.demo:demo",
        "Run real work through a small fleet and show what happened.",
        "evenflow demo",
    ),
}
