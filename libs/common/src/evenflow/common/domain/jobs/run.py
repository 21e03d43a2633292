"""One run: one task of one attempt of a job, its token, and how it may end."""

from enum import StrEnum


class Outcome(StrEnum):
    """How one run ended."""

    SUCCEEDED = "succeeded"  # exit code 0
    FAILED = "failed"  # any other exit code, or a signal that we did not send
    CANCELLED = "cancelled"  # stopped because its owner asked
    TIMEOUT = "timeout"  # stopped at its time limit
    LOST = "lost"  # it started, or may have, and nobody can say how it ended
    REFUSED = "refused"  # it never started; whether trying again may help is said beside it
    STOPPED = "stopped"  # stopped by us (eviction, shutdown); the job goes back to its queue


def token_of(job_id: str, task_index: int, attempt: int) -> str:
    """Return the name of a run on its cluster; fits a DNS label because job ids are UUIDs."""
    return f"{job_id}-{task_index}-{attempt}"


def parse_token(token: str) -> tuple[str, int, int]:
    """Return (job id, task index, attempt) of a token made by `token_of`.

    Raises:
        ValueError: not a token.
    """
    job_id, task_index, attempt = token.rsplit("-", 2)
    return job_id, int(task_index), int(attempt)
