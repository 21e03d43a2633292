"""Who may have to give way to whom: what preemption looks at, kept up to date between cycles."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy, nobody
from evenflow.policy_engine.core.contention.claimed import Claimed
from evenflow.policy_engine.core.contention.running import Running
from evenflow.policy_engine.core.contention.starved import Starved
from evenflow.policy_engine.core.contention.urgent import ANY, Urgent
from evenflow.policy_engine.core.ordering.policies import PRIORITY

if TYPE_CHECKING:
    from evenflow.policy_engine.core.state.indexes import Indexes


class Contest:
    """Victims by queue and priority, the heads that may claim their room, and what is claimed."""

    def __init__(self, state: "Indexes", live: Iterable[Job]) -> None:
        """Index a state whose rooms, queues and jobs are indexed already."""
        shard = state.shard
        settings = shard.settings
        self._state: Final = state
        self.running: Final = Running(settings.preemption_scope)
        self.starved: Final = Starved(state.shares, state.commitments, self._weighed)
        self.urgent: Final = Urgent(self.running, settings.preemption_threshold)
        self.claimed: Final = Claimed(shard, state.rooms, self._touch)
        self._preempting: Final[dict[str, bool]] = {}
        for job in live:
            self.running.note(job, is_here=True)

    def note(self, folded: Folded) -> None:
        """Follow what one fold did to jobs and claims, after all else has followed it."""
        jobs = self._state.shard.jobs
        if folded.queues:
            self._preempting.clear()
        for job_id, job in folded.jobs.items():
            self.running.note(job, is_here=job_id in jobs)
        self.follow_claims(folded.claims)

    def follow_claims(self, touched: dict[str, None] | None = None) -> None:
        """Follow claims; who has lost one is to be told anew why it waits."""
        for job_id in self.claimed.follow(touched or {}, self._state.meant):
            self._state.waiting.tell_again(job_id)

    def follow(self) -> None:
        """Look at the leaves that have another head, and at what queues hold by now."""
        waiting = self._state.waiting
        stood = list(waiting.stood)
        waiting.stood.clear()
        for leaf in stood:
            front = waiting.front_of(leaf)
            self.starved.stand(leaf, None if front is None else front.group.shape)
            priority = None
            if front is not None:
                priority = self._priority(leaf, front.job_id)
            self.urgent.stand(leaf, priority)
        self.starved.follow()
        self.urgent.follow()

    def has_preempting(self, scope: str) -> bool:
        """Whether the policy of some queue in a scope lets jobs give way to others."""
        found = self._preempting.get(scope)
        if found is None:
            shard = self._state.shard
            found = shard.settings.preempt and any(
                preempts(self._state.policy_of(path))
                for path in shard.queues
                if self.running.scope_of(path) == scope
            )
            self._preempting[scope] = found
        return found

    def _weighed(self) -> None:
        self._state.effort.queues_weighed += 1

    def _touch(self, node: str) -> None:
        self._state.outlooks.touch(node)
        self._state.reserved.touch(node)

    def _priority(self, leaf: str, job_id: str) -> int | None:
        policy = self._state.waiting.policy_in(leaf)
        if policy is PRIORITY:
            return self._state.shard.jobs[job_id].spec.priority
        return ANY if preempts(policy) else None


def preempts(policy: Policy) -> bool:
    """Whether a policy may let jobs give way to others."""
    return policy.victim is not nobody
