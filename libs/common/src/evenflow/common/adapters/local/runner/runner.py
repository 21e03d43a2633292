"""One run, from its directory to its exit code: start the command, watch it, write its end down.

Runs in a process of its own, forked by the fork server, and needs neither that nor an executor.
"""

import json
import os
import signal
import time
from pathlib import Path
from typing import Final, TypedDict

from evenflow.common.adapters.local.runner import command, run_directory, run_files
from evenflow.common.adapters.local.runner.capture import Bounds, Capture
from evenflow.common.adapters.local.runner.children import (
    end_descendants,
    reap,
    signal_group,
    signal_message,
)
from evenflow.common.adapters.local.runner.news import tell
from evenflow.common.adapters.local.runner.process import identify
from evenflow.common.adapters.local.runner.run_directory import cannot_start, ending
from evenflow.common.adapters.local.runner.run_files import Record
from evenflow.common.adapters.local.runner.signals import Signals

CHECK_SECONDS: Final = 1.0  # how often stop.json is looked for when no signal comes
TOGETHER_SECONDS: Final = 0.005
RECORD_SECONDS: Final = 600.0  # how long the end is kept trying to reach a full disk


class Request(TypedDict):
    """What the executor asks the fork server for."""

    token: str
    directory: str  # of the run
    order: Record  # kept in order.json, for people
    argv: list[str]
    env: dict[str, str]
    working_directory: str
    identity: command.Identity | None  # a JSON array on its way; None: what the fork server is
    limit_seconds: float | None
    grace_seconds: float
    data_limit: int | None  # bytes
    cpus: list[int]
    bounds: Bounds  # of its output; a JSON array on its way


def run(request: Request) -> None:
    """Run the command of `request` unless its token is alive, over or stopped; tell which."""
    os.setsid()
    signals = Signals()
    directory = Path(request["directory"])
    token = request["token"]
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        lock = run_files.take_lock(directory)
        if lock is None:
            return  # its runner tells the rest
        # Before looking at stop.json: who writes that file afterwards finds us here and sends a
        # signal.
        os.ftruncate(lock, 0)
        os.pwrite(lock, json.dumps(identify(os.getpid())._asdict()).encode(), 0)
        if any(
            (directory / name).exists()
            for name in (run_files.EXIT, run_files.STARTED, run_files.STOP)
        ):
            tell(directory, {"token": token, "exit": run_directory.settle(directory)})
            return
        run_files.write(directory / run_files.ORDER, request["order"])
        child = command.prepare(request["argv"], request["env"], directory, _limits(request))
    except OSError as error:
        _record(directory, token, cannot_start(str(error)), seconds=0)
        return
    _record(directory, token, _watch(request, directory, child, signals))


def _limits(request: Request) -> command.Limits:
    identity = request["identity"]
    return command.Limits(
        request["working_directory"],
        request["data_limit"],
        request["cpus"],
        None if identity is None else command.Identity(*identity),
    )


def _watch(request: Request, directory: Path, child: command.Child, signals: Signals) -> Record:
    """Let the prepared command go, and return its ending once nothing of it is alive."""
    started_at = run_files.wall_us()
    started = {
        "token": request["token"],
        "runner_pid": os.getpid(),
        "started_at": started_at,
        "cpus": request["cpus"],
        **identify(child.pid)._asdict(),
    }
    try:
        # From here on it may have had effects.
        run_files.write(directory / run_files.STARTED, started)
    except OSError as error:
        child.abandon()
        return cannot_start(str(error))
    failure = child.go()
    if failure is not None:
        os.waitpid(child.pid, 0)
        outcome, code, message, node_fault = failure
        return ending(
            outcome,
            message,
            exit_code=code,
            started_at=None if outcome == "refused" else started_at,
            retryable=outcome == "refused",
            node_fault=node_fault,
        )
    tell(directory, {"token": request["token"], "started": started})
    capture = Capture(child.pipes, child.files, Bounds(*request["bounds"]))
    status, cause = _wait(request, directory, child.pid, signals, capture)
    end_descendants()
    capture.finish()
    code = os.waitstatus_to_exitcode(status)
    outcome, message = cause or ("succeeded" if code == 0 else "failed", signal_message(code))
    return ending(
        outcome, message, exit_code=code if code >= 0 else 128 - code, started_at=started_at
    )


def _wait(
    request: Request, directory: Path, pid: int, signals: Signals, capture: Capture
) -> tuple[int, tuple[str, str] | None]:
    """Return the command's wait status, and why it was stopped when it was us who stopped it."""
    limit = request["limit_seconds"]
    end_by = None if limit is None else time.monotonic() + limit
    cause: tuple[str, str] | None = None
    wake_at = end_by  # the limit, then the end of the grace
    is_trickling = False
    while True:
        patience = CHECK_SECONDS
        if wake_at is not None:
            patience = min(patience, max(0.0, wake_at - time.monotonic()))
        if is_trickling:  # short lines are taken together
            signals.wait(min(patience, TOGETHER_SECONDS))
            patience = 0.0
        ready = signals.wait(patience, capture.pipes())
        is_trickling = not capture.take(ready) and bool(ready)
        status = reap(pid)
        if status is not None:
            return status, cause
        now = time.monotonic()
        if cause is None:
            cause = _cause(directory, signals, limit if end_by and now >= end_by else None)
            if cause is not None:
                signal_group(pid, signal.SIGTERM, signal.SIGCONT)
                wake_at = now + request["grace_seconds"]
        elif wake_at is not None and now >= wake_at:
            signal_group(pid, signal.SIGKILL)
            wake_at = now + CHECK_SECONDS


def _cause(directory: Path, signals: Signals, passed_limit: float | None) -> tuple[str, str] | None:
    """Return (outcome, message) when the command has to end now."""
    stop = run_files.read(directory / run_files.STOP)
    if stop is not None:
        return stop.get("outcome", "stopped"), "stopped on request"
    if signals.is_terminated:
        return "stopped", "its runner was told to end"
    if passed_limit is not None:
        return "timeout", f"stopped at its time limit of {passed_limit:g} s"
    return None


def _record(directory: Path, token: str, end: Record, seconds: float = RECORD_SECONDS) -> None:
    """Write the end down, then tell it; a full disk delays the first, never the second."""
    give_up_at = time.monotonic() + seconds
    is_told = False
    while True:
        try:
            run_files.write(directory / run_files.EXIT, end)
            break
        except OSError:
            if not is_told:
                tell(directory, {"token": token, "exit": end})
                is_told = True
            if time.monotonic() >= give_up_at:
                break
            time.sleep(CHECK_SECONDS)
    if not is_told:
        tell(directory, {"token": token, "exit": end})
