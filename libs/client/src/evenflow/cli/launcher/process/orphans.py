"""Children noted for a successor, and the orphans that a killed supervisor left: they are ended."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from evenflow.client.discovery.processes import identity

_LINGER_SECONDS: Final = 5.0  # services of a dead supervisor end by themselves within this time


@dataclass(frozen=True, slots=True)
class Note:
    """What is noted of one child: the process, how often it was started again, why at last."""

    pid: int
    restarts: int = 0
    reason: str = ""


def note_children(path: Path, children: Mapping[str, Note]) -> None:
    """Note the children, for a successor and for the status page."""
    known = {
        name: {**asdict(note), "identity": identity(note.pid)} for name, note in children.items()
    }
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(known), encoding="utf-8")
    draft.replace(path)


def orphans(path: Path) -> dict[str, int]:
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


def end_orphans(path: Path) -> list[str]:
    """End what a killed predecessor left: SIGTERM, then SIGKILL. Returns their names."""
    left = orphans(path)
    for pid in left.values():
        _send(pid, signal.SIGTERM)
    deadline = time.monotonic() + _LINGER_SECONDS
    while (alive := orphans(path)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in alive.values():
        _send(pid, signal.SIGKILL)
    while alive and orphans(path) and time.monotonic() < deadline + 1:
        time.sleep(0.02)
    path.unlink(missing_ok=True)
    return sorted(left)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
