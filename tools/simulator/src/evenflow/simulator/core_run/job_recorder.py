"""Writes down what the fold makes of each job: when it came, started and ended, how often."""

from collections.abc import Iterable

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import Placement
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.simulator.core_run.outcome import Attempt, JobOutcome, RunOutcome


class JobRecorder:
    """An outcome in the making."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self.outcome = RunOutcome()
        self.ended = 0

    def submitted(self, folded: Folded, now: Instant) -> None:
        """Note jobs that were accepted, and those that were not."""
        for job_id, job in folded.jobs.items():
            self.outcome.jobs[job_id] = JobOutcome(job.spec, now)
        for spec, reason in folded.refused:
            self.outcome.refused[spec.id] = reason
        self.ended += len(folded.refused)

    def started(self, placements: Iterable[Placement], now: Instant) -> None:
        """Note that attempts begin."""
        for placement in placements:
            self.outcome.jobs[placement.job_id].attempts.append(Attempt(now))

    def follow(self, folded: Folded, now: Instant) -> None:
        """Note attempts and jobs that are over."""
        jobs = self.outcome.jobs
        for attempt in folded.attempts_ended:
            jobs[attempt.spec.id].attempts[-1].end = now
        for job_id, job in folded.jobs.items():
            found = jobs[job_id]
            if job.state in TERMINAL and found.ended_at is None:
                found.ended_at = now
                self.ended += 1
            found.state = job.state
