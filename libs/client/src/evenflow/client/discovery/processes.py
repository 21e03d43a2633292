"""Tell a process from a later one that got its pid."""

import subprocess
from pathlib import Path
from typing import Final

_STAT_START_TIME: Final = 19  # of the fields after the command's name in /proc/<pid>/stat


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
