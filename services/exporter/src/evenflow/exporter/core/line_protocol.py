"""Counters and capacity as InfluxDB's line protocol. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.exporter.core.totals import Key

USAGE: Final = "evenflow_usage"
CAPACITY: Final = "evenflow_capacity"

_HIDING: Final = re.compile(r"\\+(?=[,= ]|$)")


def usage_lines(totals: Iterable[tuple[Key, float]], at: Instant) -> Iterator[str]:
    """Yield a line for each counter; the instant is in microseconds."""
    for (queue, project, user, resource), total in totals:
        tags = {"queue": queue, "project": project, "user": user, "resource": resource}
        yield _line(USAGE, tags, "total", total, at)


def capacity_lines(capacity: Mapping[str, float], at: Instant) -> Iterator[str]:
    """Yield a line for each resource."""
    for resource, amount in capacity.items():
        yield _line(CAPACITY, {"resource": resource}, "amount", amount, at)


def _line(measurement: str, tags: Mapping[str, str], field: str, value: float, at: Instant) -> str:
    told = "".join(f",{name}={_escaped(text)}" for name, text in tags.items() if text)
    return f"{measurement}{told} {field}={value!r} {at}"


def _escaped(text: str) -> str:
    # A line ends where it ends. A backslash before a separator would hide it, and there is no way
    # to escape one: it becomes a slash.
    plain = _HIDING.sub("/", text.replace("\r", " ").replace("\n", " "))
    return plain.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")
