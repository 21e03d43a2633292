"""What queues hold: the ledger, and what a cycle assumed to change of it until the log tells."""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state.ledger import Held
from evenflow.common.domain.state.shard_state import ShardState

_Record = tuple[str, Mapping[str, int], str]  # path, whole amounts, type
_NOTHING: Final[Mapping[str, int]] = {}


class Commitments:
    """`Holdings` over the state: the ledger with records of workloads added and dropped.

    Levels that a record touched are copied from the ledger and kept up to date. When the ledger
    has moved otherwise than by what was recorded the copies are given up, and made anew from the
    records that are still assumed.
    """

    def __init__(self, state: ShardState) -> None:
        """Start from what live jobs hold."""
        self._jobs: Final = state.jobs
        self._ledger: Final = state.ledger
        self._added: dict[str, _Record] = {}
        self._removed: dict[str, _Record] = {}  # of live jobs whose record was dropped
        self._copies: dict[str, Held] = {}  # by level: the ledger with all records
        self._is_stale = False  # the ledger has moved, and there are records

    def held(self, path: str) -> Held:
        """See the interface."""
        if self._is_stale:
            self._copy_anew()
        return self._copies.get(path) or self._ledger.held(path)

    def resources(self, path: str) -> Resources:
        """Return the resources that are held at a queue and below it. Not to be changed."""
        if self._is_stale:
            self._copy_anew()
        held = self._copies.get(path) or self._ledger.queues.get(path)
        return _NOTHING if held is None else held.resources

    def along(self, levels: tuple[str, ...]) -> list[Resources]:
        """Return the resources that are held at each of these levels. Not to be changed."""
        if self._is_stale:
            self._copy_anew()
        copies, queues = self._copies, self._ledger.queues
        return [
            _NOTHING if held is None else held.resources
            for held in [copies.get(path) or queues.get(path) for path in levels]
        ]

    def follow(self) -> None:
        """The ledger has moved."""
        self._copies.clear()
        self._is_stale = bool(self._added or self._removed)

    def confirm(self) -> None:
        """The ledger has moved by all that was recorded, and by nothing else."""
        self._added.clear()
        self._removed.clear()

    def clear(self) -> None:
        """The ledger has moved by all that was recorded, and by more."""
        self.confirm()
        self.follow()

    def has(self, workload_id: str) -> bool:
        """See the interface."""
        return workload_id in self._added or self._is_live(workload_id)

    def add(self, workload_id: str, path: str, resources: Resources, job_type: str) -> None:
        """See the interface."""
        added = self._added
        if workload_id not in added and not self._is_live(workload_id):
            added[workload_id] = record = (path, resources, job_type)
            self._apply(record, 1)

    def remove(self, workload_id: str) -> None:
        """See the interface."""
        if (record := self._added.pop(workload_id, None)) is not None:
            self._apply(record, -1)
        elif self._is_live(workload_id):
            job = self._jobs[workload_id]
            whole = whole_request(job.spec, len(job.placement))
            self._removed[workload_id] = record = (job.spec.queue, whole, job.spec.job_type)
            self._apply(record, -1)

    def forget(self, workload_id: str) -> None:
        """Let the ledger alone tell what a workload holds: it does now, or nothing came of it."""
        if (record := self._added.pop(workload_id, None)) is not None:
            self._apply(record, -1)
        if (record := self._removed.pop(workload_id, None)) is not None:
            self._apply(record, 1)

    def _is_live(self, workload_id: str) -> bool:
        job = self._jobs.get(workload_id)
        return job is not None and job.is_live and workload_id not in self._removed

    def _copy_anew(self) -> None:
        self._is_stale = False
        for record in self._added.values():
            self._apply(record, 1)
        for record in self._removed.values():
            self._apply(record, -1)

    def _apply(self, record: _Record, sign: int) -> None:
        """Bring the copies up to date; while they are stale, the record itself is enough."""
        if self._is_stale:
            return
        path, resources, job_type = record
        copies, pairs = self._copies, resources.items()
        for level in lineage(path):
            held = copies.get(level)
            if held is None:
                held = copies[level] = self._copy(level)
            held.jobs += sign
            amounts, by_type = held.resources, held.by_type
            if sign > 0:  # the rule, and here `_add` for each would be half of the time
                by_type[job_type] = by_type.get(job_type, 0) + 1
                for name, amount in pairs:
                    amounts[name] = amounts.get(name, 0) + amount
            else:
                _add(by_type, job_type, -1)
                for name, amount in resources.items():
                    _add(amounts, name, -amount)

    def _copy(self, level: str) -> Held:
        held = self._ledger.queues.get(level)
        if held is None:
            return Held()
        return Held(dict(held.resources), held.jobs, dict(held.by_type))


def _add(amounts: dict[str, int], name: str, amount: int) -> None:
    rest = amounts.get(name, 0) + amount
    if rest:
        amounts[name] = rest
    else:
        amounts.pop(name, None)
