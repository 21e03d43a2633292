"""Why a job is where it is, as REST says it.

Amounts under a resource's name are integers: thousandths of cores and cards, bytes.
"""

from typing import Any

from typing_extensions import TypedDict

from evenflow.gateway.jobs.documents import AttemptDocument, JobDocument
from evenflow.gateway.view.reads import Row


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


class JobDetails(JobDocument):
    """A job with its queue, its place in it, and all its attempts."""

    queue_name: str
    ahead: int | None
    attempts: list[AttemptDocument]
    progress: float | None


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
