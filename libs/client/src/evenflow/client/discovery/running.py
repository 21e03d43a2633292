"""Which systems run on this machine: one small file each, in the user's data directory."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evenflow.client.discovery.processes import identity


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
    nats_api_prefix: str = ""

    def token(self) -> str:
        """Return the token of its file; raises OSError when it cannot be read."""
        return Path(self.token_file).read_text(encoding="utf-8").strip()


def user_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where Evenflow keeps a user's data (XDG)."""
    base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "evenflow"


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
