"""Why a job is where it is, as REST says it.

Amounts under a resource's name are integers: thousandths of cores and cards, bytes.
"""

from typing import Any

from typing_extensions import TypedDict

from evenflow.common.contracts.explanation import (
    BecauseAnswer,
    ExplanationAnswer,
    LevelAnswer,
    PredictionAnswer,
)
from evenflow.common.domain.clock import Instant
from evenflow.gateway.jobs.documents import iso, iso_or_none
from evenflow.gateway.view.reads import Row
from evenflow.gateway.why.rules.explanation import (
    ahead_in_words,
    because_in_words,
    no_start_in_words,
    short_in_words,
    start_in_words,
)


class AheadDocument(TypedDict):
    """A job that goes first, and why."""

    id: str
    name: str
    user_id: str
    priority: int
    queue_position: int
    because: str


class ShareDocument(TypedDict):
    """What a queue holds of the cluster and what its weight promises, 0..1."""

    queue: str
    held_ratio: float
    weight_ratio: float


class QueueAheadDocument(TypedDict):
    """The sibling queue that goes first, and why."""

    queue: str
    because: str


class LevelDocument(TypedDict):
    """One queue from the project down: saturation is held over fair share, null without a share.

    Before and after: without this job and with it.
    """

    queue: str
    fair_share: dict[str, int]
    held: dict[str, int]
    request: dict[str, int]
    usage_ratio: float
    saturation_before: float | None
    saturation_after: float | None
    ahead: QueueAheadDocument | None


class ShortDocument(TypedDict):
    """The resource of which most is missing; no largest where a limit or quota is used up."""

    resource: str
    wanted: int
    free: int
    largest_free_on_a_node: int | None


class StartDocument(TypedDict):
    """When a job may start at the earliest, and what that rests on."""

    at: str
    basis: str


class DeadlineDocument(TypedDict):
    """When a job is to be finished, when it must start for that, and whether it is planned to.

    `is_met` is null when nobody knows when it starts; afterwards it says what came of it.
    """

    at: str
    start_by: str
    planned_end: str | None
    is_met: bool | None


class WhyDocument(TypedDict):
    """Why a job is where it is. `code`, `detail` and `position` (from 1) only while it waits.

    `authoritative` is false when no engine answered: then the order is told by priority and place
    alone, and `levels`, `short` and `predicted_start` are empty. `not_predicted` says why nobody
    knows when a waiting job starts.
    """

    job_id: str
    status: str
    phase: str
    code: str | None
    detail: dict[str, Any]
    text: str
    queue: str
    position: int | None
    ahead: int
    first: list[AheadDocument]
    shares: list[ShareDocument]
    authoritative: bool
    levels: list[LevelDocument]
    short: ShortDocument | None
    predicted_start: StartDocument | None
    not_predicted: str | None
    deadline: DeadlineDocument | None


def ahead_documents(answer: ExplanationAnswer) -> list[AheadDocument]:
    """Return who goes first as the engine says."""
    return [
        AheadDocument(
            id=each.id,
            name=each.name,
            user_id=each.user,
            priority=each.priority,
            queue_position=each.position,
            because=_because(each.because),
        )
        for each in answer.first
    ]


def ahead_document(row: Row, because: str) -> AheadDocument:
    """Return a job that goes first as the view knows it."""
    return AheadDocument(
        id=row["id"],
        name=row["name"],
        user_id=row["user"],
        priority=row["priority"],
        queue_position=row["position"],
        because=because,
    )


def level_document(level: LevelAnswer) -> LevelDocument:
    """Return one queue of a job."""
    ahead = level.ahead
    return LevelDocument(
        queue=level.path,
        fair_share=level.fair_share,
        held=level.held,
        request=level.request,
        usage_ratio=level.usage_ratio,
        saturation_before=level.saturation_before,
        saturation_after=level.saturation_after,
        ahead=None
        if ahead is None
        else QueueAheadDocument(queue=ahead.path, because=_because(ahead.because)),
    )


def short_document(answer: ExplanationAnswer) -> ShortDocument | None:
    """Return what is short; None when nothing is."""
    short = answer.short
    if short is None:
        return None
    return ShortDocument(
        resource=short.resource,
        wanted=short.wanted,
        free=short.free,
        largest_free_on_a_node=short.largest,
    )


def start_document(prediction: PredictionAnswer | None) -> StartDocument | None:
    """Return when it may start; None when nobody knows."""
    if prediction is None or prediction.at is None or prediction.basis is None:
        return None
    return StartDocument(at=iso(prediction.at), basis=prediction.basis)


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


def explanation_in_words(answer: ExplanationAnswer) -> tuple[str, str]:
    """Return what goes on behind the reason, and the sentence on when it may start."""
    more = ""
    if answer.first:
        first = answer.first[0]
        more += "; " + ahead_in_words(first.name, first.user, _because(first.because))
    if (short := answer.short) is not None:
        more += "; " + short_in_words(
            short.resource, short.wanted, short.free, short.per_task, short.largest
        )
    prediction = answer.prediction
    if prediction is None:
        return more, ""
    if prediction.at is None or prediction.basis is None:
        return more, no_start_in_words(prediction.unknown)
    return more, start_in_words(prediction.at, prediction.basis)


def _because(because: BecauseAnswer) -> str:
    return because_in_words(because.basis, because.theirs, because.mine)
