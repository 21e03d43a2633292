"""How this machine runs jobs; the defaults are what a desktop wants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

GIB: Final = 1 << 30
BASE_ENVIRONMENT: Final = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE",
    "TZ", "TMPDIR",
)  # fmt: skip
"""What a command inherits from the executor; everything else comes from its config."""
FOR_OTHERS: Final = frozenset({"LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ"})
"""What of it a command of another account inherits: the rest is about us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """Knobs of the local executor. Durations are wall time."""

    grace: timedelta = timedelta(seconds=10)  # between SIGTERM and SIGKILL
    # RLIMIT_DATA from the memory request; never for runs with GPUs, whose drivers reserve address
    # space at will.
    enforce_memory: bool = True
    affinity: bool = True  # a run of whole cores is pinned to as many, while there are free ones
    retention: timedelta = timedelta(days=7)  # of directories of ended, reported runs
    # Beyond so many directories the oldest go earlier, yet never before `settle`: a swept token
    # could be started again by a binder that slept that long.
    retention_count: int = 20_000
    settle: timedelta = timedelta(minutes=10)
    output_limit: int = GIB  # bytes of each stream of a run that are kept, besides its last part
    output_total: int = 20 * GIB  # of all ended runs; the oldest go earlier
    # Bytes of the disk that are left to the log and the view, yet never more than 5 % of it.
    disk_reserve: int = GIB
    inherited: tuple[str, ...] = BASE_ENVIRONMENT
    pass_environment: tuple[str, ...] = ()  # further names, which every command inherits
    environment: Mapping[str, str] = field(default_factory=dict)  # added to every command's
    default_directory: Path | None = None  # where a command without one runs; None: the user's home
