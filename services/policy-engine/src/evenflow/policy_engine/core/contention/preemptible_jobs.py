"""Jobs that may be stopped, as victims are looked for: by queue, and by priority in a scope."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from sortedcontainers import SortedList

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job, JobState

CLUSTER: Final = "cluster"
_Started = tuple[Instant, str]
"""When a job started, and its id."""


class _Known(NamedTuple):
    leaf: str
    priority: int
    started: _Started


class PreemptibleJobs:
    """Preemptible jobs that run and were not told to stop, and live ones that were."""

    def __init__(self, scope: str) -> None:
        """Nothing runs. `scope` says how far priority reaches: a project, or the cluster."""
        self.stopping: Final[dict[str, None]] = {}  # in no order
        self.changed: Final[dict[str, None]] = {}  # scopes where other priorities run
        self._is_whole: Final = scope == CLUSTER
        self._known: Final[dict[str, _Known]] = {}
        self._of_leaf: Final[dict[str, SortedList[_Started]]] = {}
        self._of_scope: Final[dict[str, dict[int, SortedList[_Started]]]] = {}

    def __bool__(self) -> bool:
        """Whether anybody may be stopped."""
        return bool(self._known)

    def scope_of(self, leaf: str) -> str:
        """Return how far jobs of a leaf look for victims by priority."""
        return "" if self._is_whole else leaf.partition("/")[0]

    def note(self, job: Job, *, is_here: bool) -> None:
        """Follow a job; `is_here`: it has not ended."""
        spec, job_id = job.spec, job.spec.id
        if is_here and job.must_stop and job.is_live:
            self.stopping[job_id] = None
        else:
            self.stopping.pop(job_id, None)
        known = self._known.get(job_id)
        is_running = is_here and job.state is JobState.RUNNING and spec.preemptible
        if known is None and not is_running:
            return
        now = None
        if is_running and not job.must_stop and job.started_at is not None:
            now = _Known(spec.queue, spec.priority, (job.started_at, job_id))
        if now != known:
            if known is not None:
                self._forget(job_id, known)
            if now is not None:
                self._take(job_id, now)

    def least_priority(self, scope: str) -> int | None:
        """Return the lowest priority that runs in a scope; None when nothing does."""
        return min(self._of_scope.get(scope, ()), default=None)

    def by_priority(self, scope: str, below: int, latest: Instant) -> Iterator[str]:
        """Yield jobs of lower priority: lowest first, then those that started last.

        `latest`: they have run since then at least.
        """
        by_priority = self._of_scope.get(scope, {})
        for priority in sorted(by_priority):
            if priority >= below:
                return
            yield from _newest_first(by_priority[priority], latest)

    def newest_first(self, leaf: str, latest: Instant) -> Iterator[str]:
        """Yield the jobs of a leaf that have run since `latest` at least, the newest first."""
        return _newest_first(self._of_leaf.get(leaf), latest)

    def has(self, job_id: str) -> bool:
        """Whether a job may be stopped."""
        return job_id in self._known

    def _take(self, job_id: str, known: _Known) -> None:
        self._known[job_id] = known
        of_leaf = self._of_leaf.get(known.leaf)
        if of_leaf is None:
            of_leaf = self._of_leaf[known.leaf] = SortedList()
        of_leaf.add(known.started)
        scope = self.scope_of(known.leaf)
        by_priority = self._of_scope.setdefault(scope, {})
        alike = by_priority.get(known.priority)
        if alike is None:
            alike = by_priority[known.priority] = SortedList()
            self.changed[scope] = None
        alike.add(known.started)

    def _forget(self, job_id: str, known: _Known) -> None:
        del self._known[job_id]
        of_leaf = self._of_leaf[known.leaf]
        of_leaf.remove(known.started)
        if not of_leaf:
            del self._of_leaf[known.leaf]
        scope = self.scope_of(known.leaf)
        by_priority = self._of_scope[scope]
        alike = by_priority[known.priority]
        alike.remove(known.started)
        if not alike:
            self.changed[scope] = None
            del by_priority[known.priority]
            if not by_priority:
                del self._of_scope[scope]


def _newest_first(jobs: "SortedList[_Started] | None", latest: Instant) -> Iterator[str]:
    if jobs is not None:
        for _, job_id in jobs.irange(
            maximum=(latest + 1, ""), inclusive=(True, False), reverse=True
        ):
            yield job_id
