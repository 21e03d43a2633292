"""What queues hold while a cycle decides: the ledger, and what this cycle has changed so far."""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.ledger import Held
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.resources import Resources, minus, plus, times
from evenflow.common.domain.state import ShardState

_Record = tuple[str, Mapping[str, int], str]  # path, whole amounts, type


class Commitments:
    """`Holdings` over the state; only the queues that this cycle touches are copied."""

    def __init__(self, state: ShardState) -> None:
        """Start from what live jobs hold."""
        self._jobs: Final = state.jobs
        self._ledger: Final = state.ledger
        self._changed: dict[str, Held] = {}
        self._added: dict[str, _Record] = {}
        self._removed: set[str] = set()  # live jobs whose record this cycle dropped

    def held(self, path: str) -> Held:
        """See the interface."""
        return self._changed.get(path) or self._ledger.held(path)

    def has(self, workload_id: str) -> bool:
        """See the interface."""
        return workload_id in self._added or self._is_live(workload_id)

    def add(self, workload_id: str, path: str, resources: Resources, job_type: str) -> None:
        """See the interface."""
        if self.has(workload_id):
            return
        self._added[workload_id] = (path, resources, job_type)
        one = {job_type: 1}
        for level in lineage(path):
            held = self.held(level)
            self._changed[level] = Held(
                plus(held.resources, resources), held.jobs + 1, plus(held.by_type, one)
            )

    def remove(self, workload_id: str) -> None:
        """See the interface."""
        if (record := self._added.pop(workload_id, None)) is not None:
            self._take(*record)
        elif self._is_live(workload_id):
            self._removed.add(workload_id)
            spec = self._jobs[workload_id].spec
            self._take(spec.queue, times(spec.resources, spec.tasks), spec.job_type)

    def _is_live(self, workload_id: str) -> bool:
        job = self._jobs.get(workload_id)
        return job is not None and job.is_live and workload_id not in self._removed

    def _take(self, path: str, resources: Resources, job_type: str) -> None:
        one = {job_type: 1}
        for level in lineage(path):
            held = self.held(level)
            self._changed[level] = Held(
                minus(held.resources, resources), held.jobs - 1, minus(held.by_type, one)
            )
