"""How a job stands to its deadline, by what is planned. Pure."""

from evenflow.common.domain.clock import Instant
from evenflow.gateway.values.instants import iso, iso_or_none
from evenflow.gateway.view.reads import Row
from evenflow.gateway.why.documents import DeadlineDocument


def planned_end(row: Row, start: Instant | None, expected_us: int) -> Instant | None:
    """Return when a job ended, or is planned to; `start` is predicted, None when nobody knows."""
    if row["finished_at"] is not None:
        return int(row["finished_at"])
    begin = row["started_at"] or start
    return None if begin is None else int(begin) + planned_us(row, expected_us)


def planned_us(row: Row, expected_us: int) -> int:
    """Return how long a job is planned to run: its limit, else its estimate, else as expected."""
    return int(row["time_limit_us"] or row["estimated_duration_us"] or expected_us)


def deadline_document(row: Row, end: Instant | None, expected_us: int) -> DeadlineDocument | None:
    """Return how a job stands to its deadline; None when it has none."""
    at = row["deadline_at"]
    if at is None:
        return None
    return DeadlineDocument(
        at=iso(at),
        start_by=iso(at - planned_us(row, expected_us)),
        planned_end=iso_or_none(end),
        is_met=None if end is None else end <= at,
    )
