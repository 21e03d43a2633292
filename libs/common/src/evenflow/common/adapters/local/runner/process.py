"""Processes, named so that a reused pid is never mistaken, and the end of what one left behind.

Standard library only, like all of this room.
"""

import os
import signal
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

_KILL_SECONDS: Final = 10.0


class Process(NamedTuple):
    """A process named so that a reused pid is not mistaken for it."""

    pid: int
    ticks: int  # start time in clock ticks since boot; 0 where the system does not tell
    boot: str


@cache
def boot_id() -> str:
    """Return what tells this boot of the machine from others; empty where unknown."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def identify(pid: int) -> Process:
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


def kill_leftovers(leader: Process, token: str) -> None:
    """Kill what is left of a command, found by its session, whose number is its leader's pid.

    Nothing of it is alive when this returns, except what `_members` has to leave alone.
    """
    if leader.boot != boot_id():
        return
    if not leader.ticks:  # no /proc: the group is all we know
        if is_same_process(leader):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(leader.pid, signal.SIGKILL)
        return
    give_up_at = time.monotonic() + _KILL_SECONDS
    while (members := _members(leader, token)) and time.monotonic() < give_up_at:
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
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)  # a runner's first file object costs 0.3 ms
    except OSError:
        return None
    try:
        text = os.read(fd, 4096)
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)
    return text.rpartition(b")")[2].decode().split()
