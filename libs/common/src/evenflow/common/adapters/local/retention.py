"""Which run directories may go, and their removal."""

import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from evenflow.common.adapters.local.output import STREAMS
from evenflow.common.adapters.local.runner import run_files
from evenflow.common.adapters.local.settings import LocalSettings

_AT_ONCE: Final = 2_000  # removals a sweep; the rest waits for the next
_TRASH: Final = ".trash"


def mark_reported(runs: Path, tokens: list[str]) -> None:
    """Note that the ends of these runs are in the log."""
    for token in tokens:
        with suppress(OSError):  # never started here, or swept already
            (runs / token / run_files.REPORTED).touch(mode=0o600)


def sweep(runs: Path, settings: LocalSettings, now_us: int) -> int:
    """Remove directories of reported, ended runs that are too old, many or large; returns how many.

    Bounded in work; live and unreported runs stay whatever their age.
    """
    ended = sorted(_ended(runs))  # oldest first
    old_before = now_us - _us(settings.retention)
    settled_before = now_us - _us(settings.settle)
    surplus = max(len(ended) - settings.retention_count, _too_large(runs, ended, settings))
    removed = 0
    for rank, (ended_at, name) in enumerate(ended):
        if removed >= _AT_ONCE or not (ended_at < old_before or rank < surplus):
            break
        if ended_at >= settled_before:
            break
        _remove(runs, name)
        removed += 1
    for leftover in runs.glob(f"{_TRASH}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    return removed


def _too_large(runs: Path, ended: list[tuple[int, str]], settings: LocalSettings) -> int:
    """Return how many of the oldest must go until the others keep within the total."""
    left = settings.output_total
    for rank in range(len(ended), 0, -1):
        for stream in STREAMS:
            with suppress(OSError):
                left -= (runs / ended[rank - 1][1] / stream).stat().st_size
        if left < 0:
            return rank
    return 0


def _ended(runs: Path) -> list[tuple[int, str]]:
    """(time of the end by its file, name) of runs whose end is in the log."""
    found = []
    for entry in runs.iterdir():
        if entry.name.startswith(".") or not (entry / run_files.REPORTED).exists():
            continue
        with suppress(OSError):
            found.append(((entry / run_files.EXIT).stat().st_mtime_ns // 1000, entry.name))
    return found


def _remove(runs: Path, name: str) -> None:
    # Moved first: nobody may see a directory that has lost its tombstone and still looks startable.
    trash = runs / f"{_TRASH}-{name}"
    with suppress(OSError):
        (runs / name).rename(trash)
    shutil.rmtree(trash, ignore_errors=True)


def _us(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
