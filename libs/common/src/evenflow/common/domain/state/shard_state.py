"""What the log has told so far. The same in every service; only `fold.apply` changes it."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.clock import Instant, ShardClock
from evenflow.common.domain.decisions.claim import Claim
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.lost_time import LostTime
from evenflow.common.domain.jobs.recent_runs import RecentRuns
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.nodes.rest import Rest
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.common.domain.state.ledger import Ledger
from evenflow.common.domain.state.usage_documents import SnapshotFacts

UsageSinceSnapshot = dict[tuple[str, str], dict[str, int]]
"""(Leaf, user) to resource to amount times microseconds."""
ENDED_KEPT: Final = 50_000
"""How many ended job ids are remembered, so that a submission told again does not run again."""


@dataclass(slots=True)
class QueueCount:
    """Jobs of one queue and all below it. Derived by the fold, so exact after a crash (JOB-06)."""

    pending: int = 0
    total: int = 0  # all ever accepted


@dataclass(slots=True)
class ShardState:
    """A shard at one log sequence. Ended jobs have left it; the SQL view keeps them."""

    sequence: int = 0
    # The last fact that was folded: its sequence and its event id. A log that has been cut and has
    # grown again holds something else there. See runtime/reading.
    last_event: tuple[int, str] = (0, "")
    last_loss: int = 0  # sequence of the last fact folded that told of a loss of the log's end
    epoch: int = 0  # sequence of the last leader.decided
    last_decision: int = 0  # sequence of the last fact that ends in .decided
    clock: ShardClock = field(default_factory=ShardClock)
    settings: SchedulerSettings = field(default_factory=SchedulerSettings)
    settings_sequence: int = 0
    usage_sequence: int = 0
    # The newest snapshots as the log told them: cycles go on deciding by them. See usage_documents.
    usage_facts: SnapshotFacts = field(default_factory=dict)
    usage_until: Instant = 0  # the newest usage snapshot knows usage up to here
    # By bucket; see usage_since_snapshot.py.
    usage_since_snapshot: dict[int, UsageSinceSnapshot] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)  # by path
    queue_paths: dict[str, str] = field(default_factory=dict)  # id to path
    children: dict[str, set[str]] = field(default_factory=dict)  # path to the paths right below it
    quotas: dict[str, Quota] = field(default_factory=dict)  # by path
    # How many quotas have a budget of each period, and the GPU time of ended attempts by path and
    # UTC day, in thousandths of GPUs times microseconds. See budget.py.
    budgets: dict[str, int] = field(default_factory=dict)
    budget_used: dict[str, dict[int, int]] = field(default_factory=dict)
    # By path and limit: the threshold that was told last, in thousandths. See quota_alerts.py.
    quota_levels: dict[str, dict[str, int]] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)  # with what operators say of them
    observed: dict[str, Node] = field(default_factory=dict)  # the same, as their clusters say
    # What operators say, by node and name; None hides what the cluster says. See node_overrides.
    node_labels: dict[str, dict[str, str | None]] = field(default_factory=dict)
    node_taints: dict[str, dict[str, str | None]] = field(default_factory=dict)
    cordoned: set[str] = field(default_factory=set)
    resting: dict[str, Rest] = field(default_factory=dict)  # nodes that refused runs; see rest.py
    reservations: dict[str, Reservation] = field(default_factory=dict)  # by id; not all have begun
    jobs: dict[str, Job] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)  # oldest first, at most ENDED_KEPT
    counts: dict[str, QueueCount] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)  # leaf path to the last position given
    ledger: Ledger = field(default_factory=Ledger)
    claims: dict[str, Claim] = field(default_factory=dict)  # by job; see claim.py
    recent_runs: RecentRuns = field(default_factory=OrderedDict)  # see recent_runs.py
    lost_time: LostTime = field(default_factory=dict)  # by stopping jobs; see lost_time.py

    def is_leaf(self, path: str) -> bool:
        """Whether the queue exists and has none below it."""
        return path in self.queues and not self.children.get(path)

    def queue(self, key: str) -> Queue | None:
        """Return a queue by path or by id."""
        return self.queues.get(self.queue_paths.get(key, key))

    def leaves_of(self, path: str) -> Iterator[Queue]:
        """Yield the leaves at or below a queue, by path."""
        for candidate in sorted(self.queues):
            inside = candidate == path or candidate.startswith(f"{path}/")
            if inside and not self.children.get(candidate):
                yield self.queues[candidate]

    def count(self, path: str) -> QueueCount:
        """Return the counters of a queue; zeros when it never had a job."""
        return self.counts.get(path) or QueueCount()

    def usable_nodes(self) -> Iterator[Node]:
        """Yield the nodes that take new work."""
        return (n for n in self.nodes.values() if n.is_ready and n.name not in self.cordoned)

    def is_resting(self, node: str, now: Instant) -> bool:
        """Whether a node takes nothing for now, because it refused to start runs."""
        rest = self.resting.get(node)
        return rest is not None and now < rest.until
