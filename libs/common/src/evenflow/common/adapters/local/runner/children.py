"""The command as a child of its runner: signals to its group, its end, the end of its leftovers."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

LEFTOVER_SECONDS: Final = 5.0


def reap(pid: int) -> int | None:
    """Collect ended children; the wait status of `pid` when it is among them.

    The group is killed before its leader is collected: until then its number cannot be given away.
    """
    while (ended := _ended_child()) is not None:
        if ended == pid:
            signal_group(pid, signal.SIGKILL)
        _, status = os.waitpid(ended, 0)
        if ended == pid:
            return status
    return None


def signal_group(pid: int, *signums: int) -> None:
    """Send signals to a process group; one that is gone needs none."""
    for signum in signums:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signum)


def end_descendants() -> None:
    """Kill what left the group but is still ours (we are its reaper) until none is alive."""
    give_up_at = time.monotonic() + LEFTOVER_SECONDS
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with suppress(ChildProcessError):
        while time.monotonic() < give_up_at:
            reaped, _ = os.waitpid(-1, os.WNOHANG)
            if reaped:
                continue
            with suppress(OSError):
                for pid in children.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.001)


def signal_message(code: int) -> str:
    """Return which signal ended a command, by its exit code; empty when none did."""
    if code >= 0:
        return ""
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _ended_child() -> int | None:
    """Return a child that has ended and is not collected yet."""
    with suppress(ChildProcessError):
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return None if ended is None else ended.si_pid
    return None
