"""What a cycle has decided and the log has not told yet: assumed, as kube-scheduler calls it."""

from dataclasses import dataclass, field

from evenflow.common.domain.fold.folded import Folded
from evenflow.policy_engine.core.placement.live_jobs import Tasks


@dataclass(slots=True)
class Assumed:
    """Tasks of jobs that are placed, and further tasks of those that grow."""

    placements: dict[str, Tasks] = field(default_factory=dict)
    growths: dict[str, Tasks] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is still to be told."""
        return bool(self.placements or self.growths)

    def stands_in(self, folded: Folded) -> bool:
        """Whether a fold tells all that is assumed, placements alone, just as they were meant."""
        assumed, jobs = self.placements, folded.jobs
        if not assumed or self.growths or len(assumed) > len(jobs):
            return False
        for job_id, tasks in assumed.items():
            job = jobs.get(job_id)
            if job is None or not job.is_live or job.placement != tasks:
                return False
        return True
