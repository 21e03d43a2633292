"""What queues hold while a cycle decides: the ledger, plus what this cycle has placed so far."""

from dataclasses import replace

from evenflow.common.domain.job import JobSpec
from evenflow.common.domain.ledger import Held, Ledger
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.resources import plus, times


class Commitments:
    """A view over the ledger; only the queues that this cycle touches are copied."""

    def __init__(self, ledger: Ledger) -> None:
        """Start from what is held."""
        self._ledger = ledger
        self._changed: dict[str, Held] = {}

    def held(self, path: str) -> Held:
        """Return what is held under a queue now. Not to be changed."""
        return self._changed.get(path) or self._ledger.held(path)

    def add(self, spec: JobSpec) -> None:
        """Count a job that this cycle places."""
        whole = times(spec.resources, spec.tasks)
        for path in lineage(spec.queue):
            before = self.held(path)
            self._changed[path] = replace(
                before,
                resources=plus(before.resources, whole),
                jobs=before.jobs + 1,
                by_type=plus(before.by_type, {spec.job_type: 1}),
            )
