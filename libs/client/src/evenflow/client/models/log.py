"""The log itself, as REST shows it."""

from typing import Any

from typing_extensions import TypedDict

LogStatus = dict[str, Any]
"""Size, limit, first and last sequence with their times, growth a day, what holds the next cut."""

LogReaderPlace = dict[str, Any]
"""A reader of the log: name, sequence, lag, when it last told its place, whether it is dead."""

LogCut = dict[str, Any]
"""A cut: when, from which sequence to which, bytes freed, what did not let more go, who cut."""


class Quarantined(TypedDict):
    """Readers pass over `sequence`, as the fact at `said_at` tells them."""

    sequence: int
    said_at: int


class Gap(TypedDict):
    """Sequences that are gone, and what is still known of them."""

    first: int
    last: int
    known: str


class Repair(TypedDict):
    """What the log has lost; `said_at` is the fact that lets all services go on, or None."""

    first: int
    last: int
    gaps: list[Gap]
    cut_after: int | None
    ahead: list[str]
    said_at: int | None
