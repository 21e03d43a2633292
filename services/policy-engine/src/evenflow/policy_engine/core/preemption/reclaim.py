"""Whom queues above their fair share stop for one below it, by the queues that part the two.

Where the ways to two leaves part, one queue is below its share for all that the job asks for, the
other above it for some of that, and stays so after each loss: what was moved is not moved back.
Below that the queue that is furthest above its share gives first, and keeps what it deserves.
"""

from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING, Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.resources import Resources
from evenflow.policy_engine.core.contention.fairness import excess, keeps_deserved, keeps_share
from evenflow.policy_engine.core.division.fair_shares import ROOT
from evenflow.policy_engine.core.preemption.trial import Trial

if TYPE_CHECKING:
    from evenflow.policy_engine.core.state.engine_state import EngineState


class ReclaimVictims:
    """The siblings of a queue below its share, furthest above theirs first."""

    def __init__(self, state: "EngineState", trial: Trial, level: str, latest: Instant) -> None:
        """`level` is the queue that lacks; victims have run since `latest` at least."""
        self._state: Final = state
        self._trial: Final = trial
        self._latest: Final = latest
        request = trial.beneficiary.job_class.whole
        self._names: Final = [name for name, amount in sorted(request.items()) if amount]
        siblings = state.shares.below(level.rpartition("/")[0] or ROOT)
        self._heap = [
            (-over, queue.path)
            for queue in siblings
            if queue.path != level and (over := self._excess(queue.path)) > 1
        ]
        heapify(self._heap)

    def next_victim(self) -> Job | None:
        """Return the next victim."""
        while self._heap:
            over, path = self._heap[0]
            now = -self._excess(path)
            if now > over:  # it has given since
                heapreplace(self._heap, (now, path))
                continue
            job = self._newest(path, path)
            if job is not None:
                return job
            heappop(self._heap)
        return None

    def _excess(self, path: str) -> float:
        held = self._state.commitments.resources(path)
        return excess(self._state.shares.of(path), held, self._names)

    def _newest(self, giver: str, path: str) -> Job | None:
        """Return the newest job that may go, of the queue below `path` that is furthest above."""
        below = self._state.shares.below(path)
        if not below:
            return self._newest_of_leaf(giver, path)
        over = sorted((-self._excess(queue.path), queue.path) for queue in below)
        for each, child in over:
            if each < -1 and (job := self._newest(giver, child)) is not None:
                return job
        return None

    def _newest_of_leaf(self, giver: str, leaf: str) -> Job | None:
        jobs = self._state.shard.jobs
        for job_id in self._state.contention.preemptible.newest_first(leaf, self._latest):
            job = jobs[job_id]
            if self._trial.may_stop(job) and not self._is_above(job):
                loss = whole_request(job.spec, len(job.placement))
                if self._is_bearable(giver, leaf, loss):
                    return job
        return None

    def _is_bearable(self, giver: str, leaf: str, loss: Resources) -> bool:
        state, held = self._state, self._state.commitments.resources
        if not keeps_share(state.shares.of(giver), held(giver), loss, self._names):
            return False
        return all(
            keeps_deserved(state.shard.queues[path].deserved, held(path), loss)
            for path in lineage(leaf)
            if path == giver or path.startswith(f"{giver}/")
        )

    def _is_above(self, job: Job) -> bool:
        """Whether a job goes first by priority, where some policy preempts by that.

        Shares and priorities would take turns in undoing each other.
        """
        contention, beneficiary = self._state.contention, self._trial.beneficiary.job.spec
        scope = contention.preemptible.scope_of(job.spec.queue)
        return (
            job.spec.priority > beneficiary.priority
            and scope == contention.preemptible.scope_of(beneficiary.queue)
            and contention.has_preempting(scope)
        )
