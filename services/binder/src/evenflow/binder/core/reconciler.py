"""Compare the jobs that changed with what was asked of the cluster for them: what is missing?"""

from collections.abc import Iterable

from evenflow.binder.core.desired import Command, Task, stop_outcome, tasks_on
from evenflow.binder.core.run_table import RunTable
from evenflow.common.domain.state.shard_state import ShardState


class Reconciler:
    """Looks at whole jobs, never at single facts: whatever led to a state, it wants the same.

    So facts may be folded in any portions, and a cancel can not be overtaken by the placement that
    it cancels.
    """

    def __init__(self, cluster: str) -> None:
        """Act for the nodes of `cluster`."""
        self.runs = RunTable()
        self._cluster = cluster
        self._changed: dict[str, int] = {}  # job to the first entry that changed it

    def take_over(self, state: ShardState, known_cursor: int = 0) -> list[Task]:
        """Enter everything that whoever acted before may have started, and return it.

        `known_cursor`: every decision up to there was reported. Call it once, before all else.
        """
        found: list[Task] = []
        for job in state.jobs.values():
            tasks = tuple(tasks_on(state, job, self._cluster))
            if tasks:
                decided = max(job.accepted_sequence, known_cursor + 1)
                self.runs.adopt(tasks, decided)
                self._changed.setdefault(job.spec.id, decided)
                found += tasks
        return found

    def mark_changed(self, sequence: int, job_ids: Iterable[str]) -> None:
        """Note jobs that an entry of the log changed."""
        for job_id in job_ids:
            self._changed.setdefault(job_id, sequence)

    def commands(self, state: ShardState) -> list[Command]:
        """Return what the jobs changed since the last call want of the cluster, each thing once."""
        if not self._changed:
            return []
        changed, self._changed = self._changed, {}
        commands: list[Command] = []
        for job_id, sequence in changed.items():
            job = state.jobs.get(job_id)
            if job is None:
                commands += self.runs.reconcile(job_id, (), None, sequence)
            else:
                tasks = tuple(tasks_on(state, job, self._cluster))
                commands += self.runs.reconcile(job_id, tasks, stop_outcome(job), sequence)
        return commands
