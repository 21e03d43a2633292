"""By which policy each leaf orders its jobs, and what policies are told of users and the shard."""

from collections.abc import Mapping
from typing import Final

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.plugins.policy import PARTS, Policy, Ranking, Standing
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.resources import units_per_base
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.usage.snapshot import UsageSnapshot
from evenflow.policy_engine.core.division.usage_history import UsageHistory
from evenflow.policy_engine.core.ordering.policies import FIFO
from evenflow.policy_engine.core.placement.live_jobs import LiveJobs


class LeafPolicies:
    """Policies by leaf. A policy that is not known here counts as none was named."""

    def __init__(self, shard: ShardState, known: Mapping[str, Policy]) -> None:
        """`known` are those that are installed, by name."""
        self._shard: Final = shard
        self._known: Final = known

    def of(self, leaf: str) -> Policy:
        """Return a leaf's policy: its own, or the nearest above it, at last the shard's.

        The last resort is `fifo`: only the order inside that queue is at stake, while holding its
        jobs back would stop work. `unknown` tells of it.
        """
        for path in reversed(lineage(leaf)):
            if found := self._known.get(self._shard.queues[path].policy or ""):
                return found
        return self._known.get(self._shard.settings.policy) or FIFO

    def unknown(self) -> dict[str, str]:
        """Return the queues that name a policy which is not known here, by path."""
        return {
            path: queue.policy
            for path, queue in sorted(self._shard.queues.items())
            if queue.policy and queue.policy not in self._known
        }


def ranking_of(settings: SchedulerSettings, usage: UsageSnapshot | None) -> Ranking:
    """Return what ranks may look at: what stays until the next usage snapshot."""
    if usage is None:
        return Ranking(settings, 0)
    capacity = {name: int(amount * units_per_base(name)) for name, amount in usage.capacity.items()}
    return Ranking(settings, usage.generated_at, capacity)


class Standings:
    """How users stand, as policies of users are told."""

    def __init__(self, history: UsageHistory, live: LiveJobs, capacity: Mapping[str, int]) -> None:
        """All are looked at anew each time."""
        self._history: Final = history
        self._live: Final = live
        self._capacity: Final = capacity

    def of(self, leaf: str, user: str, users: int) -> Standing:
        """Return how a user stands in a leaf, where jobs of so many users wait."""
        history = self._history
        allocated = 0
        for name, amount in self._live.held_by(user).items():
            if (total := self._capacity.get(name, 0)) > 0:
                allocated = max(allocated, amount * PARTS // total)
        return Standing(
            user, history.usage(("", user)), history.usage((leaf, user)), allocated, users
        )
