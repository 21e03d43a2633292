"""The commands of `evenflow`, by name: one entry each, so that `--help` loads none of them.

A command is an entry here and a module in `commands/`: a function with its options and `EXAMPLE`,
or a typer app where it has commands of its own.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lives: `target` is `module:name` of a function or a typer app (a group).

    `takes_a_command`: its arguments are somebody else's command line.
    """

    target: str
    help: str
    takes_a_command: bool = False


_HOME: Final = "evenflow.cli.commands"

COMMANDS: Final[dict[str, Command]] = {
    "up": Command(f"{_HOME}.system.up:up", "Start everything on this machine."),
    "down": Command(f"{_HOME}.system.down:down", "Stop the system that runs here."),
    "open": Command(f"{_HOME}.access.open:open_", "Open the page, by a link that works once."),
    "login": Command(f"{_HOME}.access.login:login", "Store your token for a gateway."),
    "logout": Command(f"{_HOME}.access.logout:logout", "Forget your token for a gateway."),
    "whoami": Command(f"{_HOME}.access.whoami:whoami", "Say who you are, and what you may do."),
    "token": Command(f"{_HOME}.access.token:app", "Give, list and revoke tokens."),
    "submit": Command(
        f"{_HOME}.jobs.submit:submit", "Submit a command as a job.", takes_a_command=True
    ),
    "jobs": Command(f"{_HOME}.jobs.jobs:jobs", "List jobs, newest first."),
    "job": Command(f"{_HOME}.jobs.job:job", "Show a job with its attempts."),
    "logs": Command(f"{_HOME}.jobs.logs:logs", "Show what a job wrote."),
    "cancel": Command(f"{_HOME}.jobs.cancel:cancel", "Cancel jobs."),
    "why": Command(f"{_HOME}.jobs.why:why", "Say why a job is where it is."),
    "fairshare": Command(
        f"{_HOME}.queues.fairshare:fairshare", "Divide what a file says as the scheduler would."
    ),
    "queues": Command(f"{_HOME}.queues.queues:queues", "List queues with their jobs and limits."),
    "queue": Command(f"{_HOME}.queues.queue:app", "Create, change, show and delete queues."),
    "usage": Command(
        f"{_HOME}.queues.usage:usage",
        "Show who used how much: what counts now, and exact hours of the past.",
    ),
    "quota": Command(f"{_HOME}.queues.quota:app", "Show and set what a project may hold and use."),
    "reservation": Command(
        f"{_HOME}.queues.reservation:app", "Keep room in advance for the jobs of a queue."
    ),
    "nodes": Command(f"{_HOME}.system.nodes:app", "List machines; cordon, label and taint them."),
    "apply": Command(f"{_HOME}.queues.apply:apply", "Define queues and quotas from a file."),
    "status": Command(f"{_HOME}.system.status:status", "Show how the whole system is."),
    "events": Command(f"{_HOME}.system.events:events", "Print the facts of the log."),
    "provision": Command(
        f"{_HOME}.system.provision:provision",
        "Make the streams of a shard, or print the broker's accounts.",
    ),
    "log": Command(
        f"{_HOME}.log.group:app",
        "Look after the log: how full it is, who reads it, what was lost.",
    ),
    "targets": Command(
        f"{_HOME}.system.targets:targets",
        "List where the services show their metrics, for Prometheus.",
    ),
    "replay-trace": Command(
        f"{_HOME}.system.replay_trace:replay_trace", "Push a workload log through a running system."
    ),
    "simulate": Command(
        "evenflow.simulator.command:simulate",
        "Run a log through the scheduler's cores in virtual time, policies side by side.",
    ),
    "replay": Command(
        "evenflow.simulator.replay.command:replay",
        "Decide the recorded past again, or by other rules.",
    ),
    "demo": Command(
        f"{_HOME}.system.demo:demo", "Run real work through a small fleet and show what happened."
    ),
}
