"""The directory of one run: its files, who may write them, and what they say together.

Standard library only: the zygote and its runners import this without site-packages.

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

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

LOCK: Final = "lock"
ORDER: Final = "order.json"
STOP: Final = "stop.json"
STARTED: Final = "started.json"
EXIT: Final = "exit.json"
REPORTED: Final = "reported"
LISTENERS: Final = ".listeners"

Record = dict[str, Any]  # what one of the JSON files holds
_BURIAL_SECONDS: Final = 10.0


class Process(NamedTuple):
    """A process named so that a reused pid is not mistaken for it."""

    pid: int
    ticks: int  # start time in clock ticks since boot; 0 where the system does not tell
    boot: str


class Look(NamedTuple):
    """What a run's directory says: `over` has `exit`, `running` has `started`, `waiting` none."""

    phase: str
    started: Record | None = None
    exit: Record | None = None


def wall_us() -> int:
    """Return the wall time in whole microseconds."""
    return time.time_ns() // 1000


@cache
def boot_id() -> str:
    """Return what tells this boot of the machine from others; empty where unknown."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def process(pid: int) -> Process:
    """Return the identity of a live process of ours."""
    stat = _stat(pid)
    return Process(pid, int(stat[19]) if stat else 0, boot_id())


def is_same_process(known: Process) -> bool:
    """Whether that very process is still there (a zombie counts)."""
    if known.boot != boot_id():
        return False
    if known.ticks:
        stat = _stat(known.pid)
        return stat is not None and int(stat[19]) == known.ticks
    try:
        os.kill(known.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def read(path: Path) -> Record | None:
    """Return a JSON file's object; None when there is none. A torn one is empty: it does exist."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def write(path: Path, value: Record) -> None:
    """Write a JSON file so that readers see all of it or none."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    _write_new(draft, value)
    draft.rename(path)


def write_once(path: Path, value: Record) -> None:
    """Like `write`, but the first writer wins and later ones change nothing."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    _write_new(draft, value)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


@contextmanager
def locked(directory: Path) -> Iterator[int | None]:
    """Hold the run's lock; gives None at once when somebody else has it."""
    fd = take_lock(directory)
    try:
        yield fd
    finally:
        if fd is not None:
            os.close(fd)


def take_lock(directory: Path) -> int | None:
    """Return a descriptor that holds the run's lock until it is closed; None when it is taken."""
    fd = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def runner_of(directory: Path) -> Process | None:
    """Return the runner that wrote itself into the lock file last."""
    with suppress(OSError, ValueError):
        return Process(**json.loads((directory / LOCK).read_bytes()))
    return None


def look(directory: Path) -> Look:
    """Say where the run stands, and settle what a dead runner left behind (see the module)."""
    if (end := read(directory / EXIT)) is not None:
        return Look("over", read(directory / STARTED), end)
    started = read(directory / STARTED)
    if started is None:
        if (directory / STOP).exists():
            return ask_to_stop(directory, "stopped")  # the outcome in the file is the older wish
        return Look("waiting")
    with locked(directory) as fd:
        if fd is None:
            return Look("running", started)
        return Look("over", started, settle(directory))


def ask_to_stop(directory: Path, outcome: str) -> Look:
    """Record the wish; end the run here and now when no runner holds it, else wake its runner."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (end := read(directory / EXIT)) is not None:
        return Look("over", read(directory / STARTED), end)
    write_once(directory / STOP, {"outcome": outcome, "asked_at": wall_us()})
    with locked(directory) as fd:
        if fd is not None:
            return Look("over", read(directory / STARTED), settle(directory))
    # The runner wrote its pid before it looked for stop.json, so it has seen the file or is found
    # here. It also looks once a second: a signal lost between two processes costs no more than
    # that.
    runner = runner_of(directory)
    if runner is not None and is_same_process(runner):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(runner.pid, signal.SIGTERM)
    return Look("running", read(directory / STARTED))


def declare_lost(directory: Path) -> Look:
    """End a run that is known to have started but left nothing here: it must not start again."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(directory) as fd:
        if fd is None:
            return Look("running", read(directory / STARTED))
        if (end := read(directory / EXIT)) is None:
            if (directory / STARTED).exists():
                end = settle(directory)
            else:
                end = ending("lost", "nothing is left of it on this machine")
                write(directory / EXIT, end)
        return Look("over", read(directory / STARTED), end)


def settle(directory: Path) -> Record:
    """Return how a run ended whose runner is gone, and write it down. The caller holds the lock.

    The command's processes are dead when this returns.
    """
    if (end := read(directory / EXIT)) is not None:
        return end
    started = read(directory / STARTED)
    if started is not None:
        _bury(started)
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
) -> Record:
    """Return what exit.json holds; instants are wall microseconds."""
    return {
        "outcome": outcome,
        "exit_code": exit_code,
        "message": message,
        "retryable": retryable,
        "started_at": started_at,
        "ended_at": wall_us(),
    }


def _bury(started: Record) -> None:
    """Kill what is left of the command, found by its session, whose number is its pid."""
    if not {"pid", "ticks", "boot"} <= started.keys():
        return
    leader = Process(started["pid"], started["ticks"], started["boot"])
    if leader.boot != boot_id():
        return
    if not leader.ticks:  # no /proc: the group is all we know
        if is_same_process(leader):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(leader.pid, signal.SIGKILL)
        return
    give_up_at = time.monotonic() + _BURIAL_SECONDS
    while (members := _members(leader, started.get("token", ""))) and time.monotonic() < give_up_at:
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _members(leader: Process, token: str) -> list[int]:
    """Live processes of the command's session.

    Once the leader is gone its number may have been given away, so the others must carry the run's
    token in their environment: a member that wiped its environment and outlived its leader is left
    alone rather than guessed at.
    """
    is_leader_there = is_same_process(leader)
    mark = f"EVENFLOW_RUN={token}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        stat = _stat(int(entry.name))
        if stat is None or int(stat[3]) != leader.pid or stat[0] in "ZX":
            continue
        if not is_leader_there:
            try:
                if mark not in (entry / "environ").read_bytes().split(b"\0"):
                    continue
            except OSError:
                continue
        found.append(int(entry.name))
    return found


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the third on: state, ppid, group, session, ... start 19."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _write_new(path: Path, value: Record) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(fd, json.dumps(value).encode())
    finally:
        os.close(fd)
