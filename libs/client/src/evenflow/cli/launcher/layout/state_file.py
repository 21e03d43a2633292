"""The file by which others find a system that runs: its name, and how it is written."""

import json
import re
from dataclasses import asdict
from pathlib import Path

from evenflow.cli.launcher.layout.datadir import write_private
from evenflow.client.discovery.running import RunningSystem


def announce(system: RunningSystem, directory: Path) -> Path:
    """Write the state file of a system that answers; returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{system.name}.json"
    write_private(path, json.dumps(asdict(system), indent=1))
    return path


def system_name(wanted: str | None, data_dir: Path | None, taken: set[str]) -> str:
    """Return a name: the wanted one, else one after the data directory that nobody has."""
    if wanted:
        return wanted
    plain = re.sub(r"[^a-z0-9]+", "-", data_dir.name.lower()).strip("-") if data_dir else ""
    base = plain[:40] or "default"
    numbers = (f"{base}-{number}" for number in range(2, 1_000_000))
    return base if base not in taken else next(name for name in numbers if name not in taken)
