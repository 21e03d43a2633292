"""How much of the disk of the runs is left to others: the log, the view, the services."""

import os
from pathlib import Path
from typing import Final

from evenflow.common.adapters.local.runner.capture import Bounds, free_bytes
from evenflow.common.adapters.local.settings import LocalSettings

_MOST_PART: Final = 20  # one in so many
_STREAMS: Final = 4  # that many full ones find room
_LEAST_BYTES: Final = 1 << 20


def reserve_of(place: Path, wanted: int) -> int:
    """Return how many bytes must stay free there: `wanted`, or 5 % of a small disk."""
    disk = os.statvfs(place)
    return min(wanted, disk.f_blocks * disk.f_frsize // _MOST_PART)


def bounds_of(place: Path, settings: LocalSettings) -> Bounds:
    """Return the bounds of a run's output that starts now.

    A stream gets at most a part of what is free, and output stops before starts must: one job's
    output keeps no other job from running.
    """
    reserve = 2 * reserve_of(place, settings.disk_reserve)
    part = max(_LEAST_BYTES, (free_bytes(str(place)) - reserve) // _STREAMS)
    return Bounds(min(settings.output_limit, part), reserve)


def shortage(place: Path, wanted: int) -> str | None:
    """Return why nothing may start that writes there; None when there is room."""
    reserve, free = reserve_of(place, wanted), free_bytes(str(place))
    if free >= reserve:
        return None
    return f"{free} bytes of the disk of {place} are free, and {reserve} must stay so"
