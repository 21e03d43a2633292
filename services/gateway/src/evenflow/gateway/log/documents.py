"""What REST says about the log."""

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from typing_extensions import TypedDict

from evenflow.common.adapters.log.cursors import Cursor
from evenflow.common.adapters.log.cuts import Cut
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.retention.plan import FULL_RATIO, Base, Extent, plan_cut
from evenflow.common.domain.retention.readers import is_dead
from evenflow.common.runtime.settings.sections.process import LogStoreSettings
from evenflow.gateway.values.instants import iso, iso_or_none

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY_SECONDS: Final = 86_400
_LEAST_SECONDS: Final = 60  # of history, before a growth a day is more than a guess


class ReaderDocument(TypedDict):
    """A reader: up to where it needs the log no more, and when it last said so."""

    name: str
    sequence: int
    lag: int
    written_at: str | None
    age_seconds: float | None
    is_dead: bool


class ReaderList(TypedDict):
    """All readers that hold the log."""

    readers: list[ReaderDocument]


class CutDocument(TypedDict):
    """A cut: what went, and what did not let more go."""

    at: str
    first_sequence: int
    last_sequence: int
    facts: int
    freed_bytes: int
    held_by: str
    by: str


class CutList(TypedDict):
    """The newest cuts, newest first."""

    cuts: list[CutDocument]


class NextCut(TypedDict):
    """What the next cut would take as things are, and what holds it."""

    to_sequence: int
    held_by: str


class LogDocument(TypedDict):
    """The log as a whole."""

    log_id: str
    size_bytes: int
    limit_bytes: int
    fullness: float
    is_full: bool
    first_sequence: int
    last_sequence: int
    facts: int
    first_at: str | None
    last_at: str | None
    growth_bytes_a_day: int | None
    keep_seconds: float
    bases: list[int]
    next_cut: NextCut
    dead_readers: list[str]
    advice: str


def reader_list(
    cursors: Mapping[str, Cursor], extent: Extent, settings: LogStoreSettings
) -> ReaderList:
    """Return the readers, those that hold most first."""
    now = time.time_ns() // 1000
    after = settings.dead_after // _MICROSECOND
    readers = [
        ReaderDocument(
            name=name,
            sequence=cursor.sequence,
            lag=max(0, extent.last - cursor.sequence),
            written_at=iso(cursor.written_at) if cursor.written_at else None,
            age_seconds=max(0, now - cursor.written_at) / SECOND if cursor.written_at else None,
            is_dead=is_dead(cursor.written_at, now, after),
        )
        for name, cursor in cursors.items()
    ]
    return ReaderList(readers=sorted(readers, key=lambda each: (each["sequence"], each["name"])))


def cut_list(cuts: Iterable[Cut]) -> CutList:
    """Return cuts, newest first."""
    found = [
        CutDocument(
            at=iso(cut.at),
            first_sequence=cut.first,
            last_sequence=cut.to,
            facts=cut.to - cut.first + 1,
            freed_bytes=cut.freed_bytes,
            held_by=cut.held_by,
            by=cut.by,
        )
        for cut in cuts
    ]
    return CutList(cuts=found[::-1])


def log_document(
    log_id: str,
    extent: Extent,
    bases: list[Base],
    cursors: Mapping[str, Cursor],
    settings: LogStoreSettings,
) -> LogDocument:
    """Return how the log is, and what to do about it if anything."""
    plan = plan_cut(
        extent,
        bases,
        {name: cursor.sequence for name, cursor in cursors.items()},
        now=time.time_ns() // 1000,
        keep_us=settings.keep // _MICROSECOND,
    )
    readers = reader_list(cursors, extent, settings)["readers"]
    dead = [each["name"] for each in readers if each["is_dead"]]
    return LogDocument(
        log_id=log_id,
        size_bytes=extent.size_bytes,
        limit_bytes=extent.limit_bytes,
        fullness=round(extent.fullness, 4),
        is_full=extent.is_full,
        first_sequence=extent.first,
        last_sequence=extent.last,
        facts=max(0, extent.last - extent.first + 1),
        first_at=iso_or_none(extent.first_at or None),
        last_at=iso_or_none(extent.last_at or None),
        growth_bytes_a_day=_growth(extent),
        keep_seconds=settings.keep.total_seconds(),
        bases=[base.sequence for base in bases],
        next_cut=NextCut(to_sequence=plan.to, held_by=plan.held_by),
        dead_readers=dead,
        advice=_advice(extent, plan.held_by, dead),
    )


def _growth(extent: Extent) -> int | None:
    seconds = (extent.last_at - extent.first_at) / SECOND
    return round(extent.size_bytes / seconds * _DAY_SECONDS) if seconds >= _LEAST_SECONDS else None


def _advice(extent: Extent, held_by: str, dead: list[str]) -> str:
    """Say what to do now; nothing when there is nothing to do."""
    said = []
    if dead:
        said.append(
            f"dead readers hold the log: {', '.join(dead)}; start them again, or let them go with "
            "`evenflow log drop-reader NAME`"
        )
    if extent.fullness >= FULL_RATIO:
        said.append(
            f"the log is {extent.fullness:.0%} full, and {held_by} does not let more go; raise "
            "log_store.max_bytes if the disk has room"
        )
    return "; ".join(said)
