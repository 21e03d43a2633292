"""The indexes that a cycle decides by, and how a job moves between them."""

from dataclasses import dataclass

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason
from evenflow.common.domain.jobs.job import Job, JobState
from evenflow.common.domain.plugins.policy import Policy, Standing
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.usage.snapshot import UsageSnapshot
from evenflow.policy_engine.core.availability.outlooks import Outlooks
from evenflow.policy_engine.core.contention.contention import Contention
from evenflow.policy_engine.core.division.demand import Demand
from evenflow.policy_engine.core.division.fair_shares import FairShares
from evenflow.policy_engine.core.division.usage_history import UsageHistory
from evenflow.policy_engine.core.estimates.planning import Planning
from evenflow.policy_engine.core.gates.commitments import Commitments
from evenflow.policy_engine.core.gates.gates import scope_of
from evenflow.policy_engine.core.ordering.leaf_policies import LeafPolicies, Standings, ranking_of
from evenflow.policy_engine.core.ordering.queue_keys import QueueKeys
from evenflow.policy_engine.core.ordering.turns import Key
from evenflow.policy_engine.core.placement import Rooms
from evenflow.policy_engine.core.placement.assumed import Assumed
from evenflow.policy_engine.core.placement.live_jobs import LiveJobs
from evenflow.policy_engine.core.reservations import ReservedRoom
from evenflow.policy_engine.core.state.plugins import OURS, Plugins
from evenflow.policy_engine.core.waiting.delayed_jobs import DelayedJobs
from evenflow.policy_engine.core.waiting.waiting import Waiting


@dataclass(slots=True)
class Effort:
    """What all cycles have looked at: it should follow what changed, not what waits."""

    shapes_tried: int = 0
    queues_touched: int = 0
    rooms_probed: int = 0  # how often it was tried whether a job fits without others
    queues_weighed: int = 0  # how often what a queue lacks was compared with what is wanted

    def count_weighed(self) -> None:
        """What a queue lacks was compared once."""
        self.queues_weighed += 1


class Indexes:
    """The shard's state by room, by what is held and used, and by whose turn is next.

    Parked jobs were found to fit nowhere as things are; they are looked at again when nodes,
    queues, quotas or settings change.
    """

    def __init__(self, shard: ShardState, plugins: Plugins = OURS) -> None:
        """Index a state that was loaded or is empty."""
        self.shard = shard
        self.plugins = plugins
        self.effort = Effort()
        self.usage: UsageSnapshot | None = None
        self.usage_sequence = 0
        self._woken_at: Instant = 0
        self.rebuild()

    def rebuild(self) -> None:
        """Index everything anew: after a load, and when settings changed."""
        shard = self.shard
        self.rooms = Rooms(shard.settings)
        self.commitments = Commitments(shard)
        self.assumed = Assumed()
        self.live = LiveJobs()
        self.planning = Planning(shard, self.plugins.estimators)
        self.outlooks = Outlooks(shard, self.rooms, self.live, self.planning)
        self.reserved = ReservedRoom(shard, self.outlooks.planned_ends, self.live)
        self.shares = FairShares(shard, self.rooms.capacity)
        self.history = UsageHistory(shard)
        self.keys = QueueKeys(shard, self.shares, self.history)
        self._policies = LeafPolicies(shard, self.plugins.policies)
        self._standings = Standings(self.history, self.live, self.rooms.capacity)
        self.waiting = Waiting(
            shard,
            policy_of=self._policies.of,
            scope_of=self.scope_of,
            key_of=self.key_of,
            standing_of=self._standings.of,
        )
        self.waiting.rerank(ranking_of(shard.settings, self.usage))
        self.parked: dict[str, dict[str, PendingReason]] = {}  # by project, then by job
        self.untold_parked: dict[str, None] = {}  # parked jobs that may not have been told why
        self.loosened: dict[str, None] = {}  # levels that hold less than at the last cycle
        self.tightened: dict[str, None] = {}  # that hold more; until jobs were told of it
        self._delayed = DelayedJobs()
        self._demand = Demand(self.rooms, self.shares)
        self.lost_nodes: dict[str, None] = {}  # nodes that are gone or not ready
        self._resting: set[str] = set()  # nodes that are here and closed
        for node in sorted(shard.usable_nodes(), key=lambda node: node.name):
            self.rooms.put(node, None)
            self._let_rest(node.name)
        self.shares.use(self.usage)
        live = [job for job in shard.jobs.values() if job.is_live]
        self.history.use(self.usage, live)
        for job in live:
            self.rooms.take(job.spec, job.placement)
            self.live.count(job, job.placement)
        for job in shard.jobs.values():
            self._demand.ask(job)
            if job.state is JobState.PENDING:
                self._wait(job)
        for name in self.live.nodes():
            self._look_for_loss(name)
        self.contention = Contention(
            shard,
            self.rooms,
            self.shares,
            self.commitments,
            self.waiting,
            policy_of=self.policy_of,
            weighed=self.effort.count_weighed,
            touch=self._touch_node,
        )
        self.contention.add(live)
        self.refresh_shares()

    def wake(self, now: Instant) -> None:
        """Let delayed jobs wait once their time has come, and late ones before others."""
        for job_id in self._delayed.take_due(now):
            self._enqueue(self.shard.jobs[job_id])
        self.waiting.promote(now)

    def next_wake(self) -> Instant | None:
        """Return when the next delayed job is due or late, or the next node has rested."""
        rest_ends = [
            rest.until for name in sorted(self._resting) if (rest := self.shard.resting.get(name))
        ]
        dues = (self._delayed.next(), self.waiting.targets.next(), *rest_ends)
        return min((due for due in dues if due is not None), default=None)

    def park(self, job: Job, reason: PendingReason) -> None:
        """Leave a job out of the order until something changes that may help it."""
        self.waiting.park(job)
        self.parked.setdefault(job.spec.project, {})[job.spec.id] = reason
        self.untold_parked[job.spec.id] = None

    def live_jobs_on(self, node: str) -> list[str]:
        """Return the ids of live jobs with a task on the node, in order."""
        return self.live.on_node(node)

    def scope_of(self, leaf: str) -> str:
        """Return the deepest level whose limits hold for the jobs of a leaf; empty: none does."""
        return scope_of(self.shard, leaf, self.plugins.quotas.name)

    def rekey(self, leaf: str) -> None:
        """What a leaf and those above it hold or have used has changed."""
        levels = lineage(leaf)
        self.effort.queues_touched += len(levels)
        changed = self.contention.starved.changed
        for level in levels:
            changed[level] = None
        self.waiting.rekey_along(levels, self.keys.along(levels, self.commitments.along(levels)))

    def refresh_shares(self) -> None:
        """Divide anew where that is due, and let turns follow."""
        changed = self.contention.starved.changed
        for path in self.shares.refresh():
            changed[path] = None
            self.waiting.rekey(path, self.key_of(path))

    def key_of(self, path: str) -> Key:
        """Return the key by which a queue waits for its turn."""
        return self.keys.of(path, self.commitments.resources(path))

    def standing_of(self, leaf: str, user: str) -> Standing:
        """Return how a user stands in a leaf, as its policy is told."""
        return self._standings.of(leaf, user, max(1, self.waiting.leaf_users(leaf)))

    def policy_of(self, leaf: str) -> Policy:
        """Return the policy by which a leaf orders its jobs."""
        return self._policies.of(leaf)

    def unknown_policies(self) -> dict[str, str]:
        """Return the queues that name a policy which is not known here, by path."""
        return self._policies.unknown()

    def _wait(self, job: Job) -> None:
        if job.not_before:
            self._delayed.add(job.spec.id, job.not_before)
        else:
            self._enqueue(job)

    def _enqueue(self, job: Job) -> None:
        self.waiting.add(job, self.rooms.shape_of(job.spec))

    def _forget(self, job: Job) -> None:
        """Take a job out of its place."""
        job_id = job.spec.id
        if self.assumed.growths.pop(job_id, None) is not None:
            self.commitments.forget(job_id)
        tasks = self.live.forget(job)
        if tasks is not None:
            self.rooms.release(job.spec, tasks)
            self.history.settle(job.spec)
            self.loosened.update(dict.fromkeys(lineage(job.spec.queue)))
            self._moved(job)
        self.waiting.remove(job_id)
        self._delayed.discard(job_id)
        parked = self.parked.get(job.spec.project)
        if parked and parked.pop(job_id, None) is not None:
            self.waiting.unpark(job)
        self.untold_parked.pop(job_id, None)

    def _moved(self, job: Job) -> None:
        spec = job.spec
        self.rekey(spec.queue)
        if self.waiting.is_of_users:
            self.waiting.reorder_user(spec.user)

    def _unpark(self, project: str) -> None:
        for job_id in sorted(self.parked.pop(project, ())):
            self.untold_parked.pop(job_id, None)
            self._enqueue(self.shard.jobs[job_id])
            self.waiting.unpark(self.shard.jobs[job_id])

    def _let_rest(self, name: str) -> None:
        """Close a node that refused to start runs a moment ago; `wake` opens it again."""
        if self.shard.is_resting(name, self._woken_at):
            self._resting.add(name)
            self.rooms.close(name)

    def _touch_node(self, name: str) -> None:
        """A node came, left, or holds more or less for claims."""
        self.outlooks.touch(name)
        self.reserved.touch(name)

    def _look_for_loss(self, name: str) -> None:
        node = self.shard.nodes.get(name)
        if node is None or not node.is_ready:
            self.lost_nodes[name] = None
        else:
            self.lost_nodes.pop(name, None)
