"""Where a job is, in words. Pure."""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.jobs.job import JobState


def state_in_words(state: str, *, queue: str, nodes: list[str], message: str | None) -> str:
    """Return one sentence on a job that does not wait."""
    where = f" on {', '.join(nodes[:5])}" + (" and others" if len(nodes) > 5 else "")  # noqa: PLR2004
    because = f": {message}" if message else ""
    return _STATE_WORDS[JobState(state)].format(queue=queue, where=where, because=because)


_STATE_WORDS: Final[Mapping[JobState, str]] = {
    JobState.SUBMITTED: "it is in the log and will be taken into its queue in a moment",
    JobState.PENDING: "it waits in {queue}",
    JobState.PLACED: "it was given room{where} and is about to start",
    JobState.STARTING: "its tasks are starting{where}",
    JobState.RUNNING: "it is running{where}",
    JobState.SUCCEEDED: "it succeeded{where}",
    JobState.FAILED: "it failed{because}",
    JobState.CANCELLED: "it was cancelled{because}",
    JobState.TIMEOUT: "it reached its time limit{because}",
    JobState.REJECTED: "it was rejected{because}",
}
