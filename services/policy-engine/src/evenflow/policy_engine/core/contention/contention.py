"""Who may have to give way to whom: what preemption looks at, kept up to date between cycles."""

from collections.abc import Callable, Iterable
from typing import Final

from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy, nobody
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.contention.claimed_room import ClaimedRoom
from evenflow.policy_engine.core.contention.preemptible_jobs import PreemptibleJobs
from evenflow.policy_engine.core.contention.preempting_leaves import ANY_PRIORITY, PreemptingLeaves
from evenflow.policy_engine.core.contention.starved_leaves import StarvedLeaves
from evenflow.policy_engine.core.division.fair_shares import FairShares
from evenflow.policy_engine.core.gates.commitments import Commitments
from evenflow.policy_engine.core.ordering.policies import PRIORITY
from evenflow.policy_engine.core.placement import Rooms
from evenflow.policy_engine.core.placement.assumed import Assumed
from evenflow.policy_engine.core.waiting.waiting import Waiting


class Contention:
    """Victims by queue and priority, the heads that may claim their room, and what is claimed."""

    def __init__(
        self,
        shard: ShardState,
        rooms: Rooms,
        shares: FairShares,
        commitments: Commitments,
        waiting: Waiting,
        *,
        policy_of: Callable[[str], Policy],
        weighed: Callable[[], None],
        touch: Callable[[str], None],
    ) -> None:
        """Index a state whose rooms, queues and waiting jobs are indexed already; nothing runs.

        `policy_of` tells the policy of a queue, `weighed` is called whenever what a queue lacks is
        compared, `touch` with each node of which more or less is claimed.
        """
        settings = shard.settings
        self._shard: Final = shard
        self._waiting: Final = waiting
        self._policy_of: Final = policy_of
        self.preemptible: Final = PreemptibleJobs(settings.preemption_scope)
        self.starved: Final = StarvedLeaves(shares, commitments, weighed)
        self.preempting: Final = PreemptingLeaves(self.preemptible, settings.preemption_threshold)
        self.claimed: Final = ClaimedRoom(shard, rooms, touch)
        self._has_preempting: Final[dict[str, bool]] = {}

    def add(self, live: Iterable[Job]) -> None:
        """Take in jobs that are live."""
        for job in live:
            self.preemptible.note(job, is_here=True)

    def note(self, folded: Folded, assumed: Assumed) -> None:
        """Follow what one fold did to jobs and claims, after all else has followed it."""
        jobs = self._shard.jobs
        if folded.queues:
            self._has_preempting.clear()
        for job_id, job in folded.jobs.items():
            self.preemptible.note(job, is_here=job_id in jobs)
        self.follow_claims(folded.claims, assumed)

    def follow_claims(self, touched: Iterable[str], assumed: Assumed) -> None:
        """Follow claims; who has lost one is to be told anew why it waits."""
        for job_id in self.claimed.follow(touched, assumed):
            self._waiting.tell_again(job_id)

    def follow(self) -> None:
        """Look at the leaves that have another head, and at what queues hold by now."""
        waiting = self._waiting
        changed_heads = list(waiting.changed_heads)
        waiting.changed_heads.clear()
        for leaf in changed_heads:
            front = waiting.first_job_of(leaf)
            self.starved.note_next_job(leaf, None if front is None else front.group.shape)
            priority = None
            if front is not None:
                priority = self._priority(leaf, front.job_id)
            self.preempting.note_next_job(leaf, priority)
        self.starved.follow()
        self.preempting.follow()

    def has_preempting(self, scope: str) -> bool:
        """Whether the policy of some queue in a scope lets jobs give way to others."""
        found = self._has_preempting.get(scope)
        if found is None:
            shard = self._shard
            found = shard.settings.preempt and any(
                preempts(self._policy_of(path))
                for path in shard.queues
                if self.preemptible.scope_of(path) == scope
            )
            self._has_preempting[scope] = found
        return found

    def _priority(self, leaf: str, job_id: str) -> int | None:
        policy = self._waiting.policy_in(leaf)
        if policy is PRIORITY:
            return self._shard.jobs[job_id].spec.priority
        return ANY_PRIORITY if preempts(policy) else None


def preempts(policy: Policy) -> bool:
    """Whether a policy may let jobs give way to others."""
    return policy.victim is not nobody
