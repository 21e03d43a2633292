"""Room that is kept for a job while others stop in its favour."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from evenflow.common.domain.decisions.decisions import TaskPlacement


@dataclass(slots=True)
class Claim:
    """Where an attempt of a job starts once everybody in `stopping` has ended.

    It holds no quota and no amounts in the ledger: those still belong to who stops.
    """

    attempt: int
    tasks: tuple[TaskPlacement, ...]
    stopping: dict[str, None] = field(default_factory=dict)  # ids of jobs


def note_stopped(claims: Iterable[Claim], job_id: str) -> None:
    """A job that was stopped for others has ended its attempt."""
    for claim in claims:
        claim.stopping.pop(job_id, None)
