"""The directory of one run: its files, who may write them, and what they say together.

Standard library only: the fork server and its runners import this without site-packages.

| file         | written by                      | means                                       |
|--------------|---------------------------------|---------------------------------------------|
| lock         | a runner, held (flock) for life | while locked, the run is alive; has its pid |
| order.json   | the runner, under the lock      | what was asked                              |
| stop.json    | who asks the run to end, once   | the outcome that was asked for              |
| started.json | the runner, before the exec     | the command may have had effects            |
| exit.json    | who holds the lock, once        | how it ended; nothing of it is alive        |
| reported     | the executor                    | its end is in the log: it may be swept      |

`exit.json` is the tombstone: a token that has one never starts. `started.json` without `exit.json`
under a free lock means that the runner died: the run is lost. Nobody may take the lock of a run
that has not started just to look at it, because a runner that finds the lock taken leaves.
"""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from evenflow.common.adapters.local.runner.process import Process, is_same_process, kill_leftovers
from evenflow.common.adapters.local.runner.run_files import (
    EXIT,
    LOCK,
    STARTED,
    STOP,
    Record,
    locked,
    read,
    wall_us,
    write,
    write_once,
)

_MESSAGE_LENGTH: Final = 500  # so that news of it stay below PIPE_BUF, whatever they are escaped to


class RunStatus(NamedTuple):
    """What a run's directory says: `over` has `exit`, `running` has `started`, `waiting` none."""

    phase: str
    started: Record | None = None
    exit: Record | None = None


def runner_of(directory: Path) -> Process | None:
    """Return the runner that wrote itself into the lock file last."""
    with suppress(OSError, ValueError):
        return Process(**json.loads((directory / LOCK).read_bytes()))
    return None


def status_of(directory: Path) -> RunStatus:
    """Say where the run stands, and settle what a dead runner left behind (see the module)."""
    if (end := read(directory / EXIT)) is not None:
        return RunStatus("over", read(directory / STARTED), end)
    started = read(directory / STARTED)
    if started is None:
        if (directory / STOP).exists():
            return ask_to_stop(directory, "stopped")  # the outcome in the file is the older wish
        return RunStatus("waiting")
    with locked(directory) as fd:
        if fd is None:
            return RunStatus("running", started)
        return RunStatus("over", started, settle(directory))


def adopt(directory: Path, *, has_started: bool) -> RunStatus:
    """Say where a run of an earlier executor stands; one that left nothing here is lost.

    `has_started`: its start is known, so that it must not begin again.
    """
    status = status_of(directory)
    return declare_lost(directory) if has_started and status.phase == "waiting" else status


def ask_to_stop(directory: Path, outcome: str) -> RunStatus:
    """Record the wish; end the run here and now when no runner holds it, else wake its runner."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (end := read(directory / EXIT)) is not None:
        return RunStatus("over", read(directory / STARTED), end)
    write_once(directory / STOP, {"outcome": outcome, "asked_at": wall_us()})
    with locked(directory) as fd:
        if fd is not None:
            return RunStatus("over", read(directory / STARTED), settle(directory))
    # The runner wrote its pid before it looked for stop.json, so it has seen the file or is found
    # here. It also looks once a second: a signal lost between two processes costs no more than
    # that.
    runner = runner_of(directory)
    if runner is not None and is_same_process(runner):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(runner.pid, signal.SIGTERM)
    return RunStatus("running", read(directory / STARTED))


def declare_lost(directory: Path) -> RunStatus:
    """End a run that is known to have started but left nothing here: it must not start again."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(directory) as fd:
        if fd is None:
            return RunStatus("running", read(directory / STARTED))
        if (end := read(directory / EXIT)) is None:
            if (directory / STARTED).exists():
                end = settle(directory)
            else:
                end = ending("lost", "nothing is left of it on this machine")
                write(directory / EXIT, end)
        return RunStatus("over", read(directory / STARTED), end)


def settle(directory: Path) -> Record:
    """Return how a run ended whose runner is gone, and write it down. The caller holds the lock.

    The command's processes are dead when this returns.
    """
    if (end := read(directory / EXIT)) is not None:
        return end
    started = read(directory / STARTED)
    if started is not None:
        if {"pid", "ticks", "boot"} <= started.keys():  # else it never came to a process
            leader = Process(started["pid"], started["ticks"], started["boot"])
            kill_leftovers(leader, started.get("token", ""))
        end = ending("lost", "its runner died", started_at=started.get("started_at"))
    else:
        stop = read(directory / STOP) or {}
        end = ending(stop.get("outcome", "stopped"), "stopped before it started")
    write(directory / EXIT, end)
    return end


def ending(
    outcome: str,
    message: str = "",
    *,
    exit_code: int | None = None,
    started_at: int | None = None,
    retryable: bool = False,
    node_fault: bool = False,
) -> Record:
    """Return what exit.json holds; instants are wall microseconds."""
    return {
        "outcome": outcome,
        "exit_code": exit_code,
        "message": message[:_MESSAGE_LENGTH],
        "retryable": retryable,
        "node_fault": node_fault,
        "started_at": started_at,
        "ended_at": wall_us(),
    }


def cannot_start(reason: str) -> Record:
    """Return the ending of a run for which this machine has no process or no file now."""
    return ending("refused", f"cannot start here: {reason}", retryable=True, node_fault=True)
