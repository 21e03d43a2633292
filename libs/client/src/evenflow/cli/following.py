"""Waiting for jobs in a terminal: their states as they move, their output as it comes."""

import sys
import threading
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from evenflow.cli.display.console import err, status_text
from evenflow.cli.display.words import lasting, seconds_between
from evenflow.client import Client
from evenflow.client.models.jobs import Job
from evenflow.client.transport.waiting import ENDED
from evenflow.common.domain.errors import EvenflowError

SHORT_ID: Final = 18
"""Characters of an id that no other job shares: the moment it was made, finer than any other."""

_EXIT_TIMEOUT: Final = 124  # as timeout(1) says it
_EXIT_CANCELLED: Final = 130
_EXIT_FAILED: Final = 1


def follow(client: Client, job_ids: Sequence[str], *, with_output: bool, quiet: bool) -> list[Job]:
    """Return the jobs once ended, in their order; tell each state on stderr unless `quiet`."""
    return [_follow_one(client, each, with_output=with_output, quiet=quiet) for each in job_ids]


def _follow_one(client: Client, job_id: str, *, with_output: bool, quiet: bool) -> Job:
    tails: list[threading.Thread] = []

    def on_change(now: Job) -> None:
        if not quiet:
            err().print(state_line(now), soft_wrap=True)
        if with_output and not tails and _has_begun(now):
            tails.extend(_tails(client, now))

    try:
        return client.wait(job_id, on_change=on_change)
    finally:
        for tail in tails:
            tail.join()


def _has_begun(job: Job) -> bool:
    return job["started_at"] is not None or job["status"] == "running"


def _tails(client: Client, job: Job) -> list[threading.Thread]:
    """Start printing both streams of every task; each thread ends with its task's output."""
    threads = [
        threading.Thread(
            target=_copy, args=(client, job, task, stream), daemon=True, name=f"{stream}-{task}"
        )
        for task in range(job["tasks"])
        for stream in ("stdout", "stderr")
    ]
    for thread in threads:
        thread.start()
    return threads


def _copy(client: Client, job: Job, task: int, stream: str) -> None:
    target = sys.stdout if stream == "stdout" else sys.stderr
    try:
        for piece in client.logs(job["id"], stream=stream, task=task, follow=True):
            target.buffer.write(piece.data)
            target.buffer.flush()
    except EvenflowError as error:
        err().print(Text(f"the {stream} of task {task} cannot be shown: {error}", style="yellow"))


def state_line(job: Job) -> Text:
    """Return a job's state in one line: why it waits, where it runs, how it ended."""
    line = Text.assemble((job["id"][:SHORT_ID], "dim"), "  ", status_text(job["status"]))
    if job["status"] == "running":
        line.append(f" on {', '.join(job['nodes'])}")
    elif job["status"] in ENDED:
        line.append(_ending(job))
    elif job["phase"] in {"placed", "starting"}:
        line.append(f": {job['phase']} on {', '.join(job['nodes'])}")
    elif job["blocked_reason"]:
        line.append(f": waits, {job['blocked_reason'].replace('_', ' ')}")
    if job["attempt"] > 1:
        line.append(f" (attempt {job['attempt']})")
    return line


def _ending(job: Job) -> str:
    ran = lasting(seconds_between(job["started_at"], job["finished_at"]))
    code = "" if job["exit_code"] is None else f", exit code {job['exit_code']}"
    message = f": {job['error_message']}" if job["error_message"] else ""
    return f" after {ran}{code}{message}" if job["started_at"] else f"{code}{message}"


def exit_code_of(jobs: Sequence[Job]) -> int:
    """Return the exit code that stands for the jobs: the first one that is not 0.

    A job's own exit code, 124 when it was stopped at its limit, 130 when it was cancelled.
    """
    return next((code for job in jobs if (code := _exit_code(job))), 0)


def _exit_code(job: Job) -> int:
    match job["status"]:
        case "succeeded":
            return 0
        case "timeout":
            return _EXIT_TIMEOUT
        case "cancelled":
            return _EXIT_CANCELLED
    return job["exit_code"] or _EXIT_FAILED
