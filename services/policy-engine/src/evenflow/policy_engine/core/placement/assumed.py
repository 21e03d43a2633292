"""What a cycle means to do: decided, and not yet told by the log."""

from dataclasses import dataclass, field

from evenflow.common.domain.fold.folded import Folded
from evenflow.policy_engine.core.placement.live_jobs import Tasks


@dataclass(slots=True)
class Meant:
    """Tasks of jobs that are placed, and further tasks of those that grow."""

    placements: dict[str, Tasks] = field(default_factory=dict)
    growths: dict[str, Tasks] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is still to be told."""
        return bool(self.placements or self.growths)

    def stands_in(self, folded: Folded) -> bool:
        """Whether a fold tells all that is meant, placements alone, and just as they were meant."""
        meant, jobs = self.placements, folded.jobs
        if not meant or self.growths or len(meant) > len(jobs):
            return False
        for job_id, tasks in meant.items():
            job = jobs.get(job_id)
            if job is None or not job.is_live or job.placement != tasks:
                return False
        return True
