"""Why a job is where it is, as `GET /api/v1/jobs/{id}/why` says it.

Amounts under a resource's name are integers: thousandths of cores and cards, bytes.
"""

from typing import Any, TypedDict


class JobAhead(TypedDict):
    """A job of the same queue that goes first, and why."""

    id: str
    name: str
    user_id: str
    priority: int
    queue_position: int
    because: str


class QueueAhead(TypedDict):
    """The sibling queue that goes first, and why."""

    queue: str
    because: str


class QueueShare(TypedDict):
    """What a queue holds of the cluster and what its weight promises, 0..1."""

    queue: str
    held_ratio: float
    weight_ratio: float


class QueueLevel(TypedDict):
    """One queue from the project down. Saturation is held over fair share; None without a share.

    Before and after: without this job and with it.
    """

    queue: str
    fair_share: dict[str, int]
    held: dict[str, int]
    request: dict[str, int]
    usage_ratio: float
    saturation_before: float | None
    saturation_after: float | None
    ahead: QueueAhead | None


class Short(TypedDict):
    """The resource of which most is missing; no largest where a limit or quota is used up."""

    resource: str
    wanted: int
    free: int
    largest_free_on_a_node: int | None


class PredictedStart(TypedDict):
    """When a job may start at the earliest, and what that rests on."""

    at: str
    basis: str


class Deadline(TypedDict):
    """When a job is to be finished, when it must start for that, and whether it is planned to."""

    at: str
    start_by: str
    planned_end: str | None
    is_met: bool | None


class Explanation(TypedDict):
    """Why a job is where it is. Not `authoritative`: no engine answered, so much is missing."""

    job_id: str
    status: str
    phase: str
    code: str | None
    detail: dict[str, Any]
    text: str
    queue: str
    position: int | None
    ahead: int
    first: list[JobAhead]
    shares: list[QueueShare]
    authoritative: bool
    levels: list[QueueLevel]
    short: Short | None
    predicted_start: PredictedStart | None
    not_predicted: str | None
    deadline: Deadline | None
