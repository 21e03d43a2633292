"""Tell a process from a later one with the same pid, and end those a killed supervisor left."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_STAT_START_TIME: Final = 19  # of the fields after the command's name in /proc/<pid>/stat
_LINGER_SECONDS: Final = 5.0  # services of a dead supervisor end by themselves within this time


def identity(pid: int) -> str | None:
    """Return what no other process shares: when it started, in this boot; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _identity_by_ps(pid)
    except ProcessLookupError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{boot}:{fields[_STAT_START_TIME - 1]}"


def _identity_by_ps(pid: int) -> str | None:
    found = subprocess.run(  # noqa: S603 - a fixed program and a number
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def write_pids(path: Path, pids: Mapping[str, int]) -> None:
    """Note the children, for a successor."""
    known = {name: {"pid": pid, "identity": identity(pid)} for name, pid in pids.items()}
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(known), encoding="utf-8")
    draft.replace(path)


def stale_pids(path: Path) -> dict[str, int]:
    """Return those noted children that still live; a pid that was given away since is not one."""
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: child["pid"]
            for name, child in noted.items()
            if child["identity"] is not None and identity(child["pid"]) == child["identity"]
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # no note, or half of one: then there is nothing we could be sure of


def end_stale(path: Path) -> list[str]:
    """End what a killed predecessor left: SIGTERM, then SIGKILL. Returns their names."""
    left = stale_pids(path)
    for pid in left.values():
        _send(pid, signal.SIGTERM)
    deadline = time.monotonic() + _LINGER_SECONDS
    while (alive := stale_pids(path)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in alive.values():
        _send(pid, signal.SIGKILL)
    while alive and stale_pids(path) and time.monotonic() < deadline + 1:
        time.sleep(0.02)
    path.unlink(missing_ok=True)
    return sorted(left)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
