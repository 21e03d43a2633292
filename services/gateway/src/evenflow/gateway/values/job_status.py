"""What REST calls the states of a job. Pure."""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.jobs.job import JobState

STATUS_OF: Final[Mapping[str, str]] = {
    JobState.SUBMITTED: "pending",
    JobState.PENDING: "queued",
    JobState.PLACED: "queued",
    JobState.STARTING: "queued",
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.TIMEOUT: "timeout",
    JobState.REJECTED: "failed",
}
STATUSES: Final = tuple(dict.fromkeys(STATUS_OF.values()))
