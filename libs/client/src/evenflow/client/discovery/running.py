"""Which systems run on this machine: one small file each, in the user's data directory."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from evenflow.cli.launcher.layout.datadir import write_private
from evenflow.cli.launcher.process.orphans import identity


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A running `evenflow up` and how to reach it."""

    name: str
    pid: int
    identity: str  # of the process, so that a recycled pid is not taken for it
    started_at: str  # ISO 8601, UTC
    url: str
    nats_url: str
    redis_url: str
    data_dir: str
    token_file: str
    nats_user: str
    nats_password_file: str
    redis_password_file: str
    version: str


def user_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where Evenflow keeps a user's data (XDG)."""
    base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "evenflow"


def announce(system: RunningSystem, directory: Path) -> Path:
    """Write the state file of a system that is ready; returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{system.name}.json"
    write_private(path, json.dumps(asdict(system), indent=1))
    return path


def running_systems(directory: Path | None = None) -> list[RunningSystem]:
    """Return the systems that run now, newest first; files of dead ones are skipped."""
    found = []
    for path in (directory or user_data_dir() / "running").glob("*.json"):
        try:
            system = RunningSystem(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue  # half written by an older version, or just removed
        if identity(system.pid) == system.identity:
            found.append(system)
    return sorted(found, key=lambda system: system.started_at, reverse=True)


def system_name(wanted: str | None, data_dir: Path | None, taken: set[str]) -> str:
    """Return a name: the wanted one, else one after the data directory that nobody has."""
    if wanted:
        return wanted
    plain = re.sub(r"[^a-z0-9]+", "-", data_dir.name.lower()).strip("-") if data_dir else ""
    base = plain[:40] or "default"
    numbers = (f"{base}-{number}" for number in range(2, 1_000_000))
    return base if base not in taken else next(name for name in numbers if name not in taken)
