"""What the engine measures."""

from math import nan

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.state import ShardState
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.usage_mirror import MirroredUsage


class EngineMetrics:
    """The cycle and what it decides (OBS-02)."""

    def __init__(self, metrics: Metrics) -> None:
        """Register."""
        self.cycle_seconds = metrics.histogram(
            "cycle_duration_seconds", "Time one cycle took in the core; high: look at the order."
        )
        self.publish_seconds = metrics.histogram(
            "decision_publish_seconds", "Time from a decision to its acknowledgement by the broker."
        )
        self.decisions = metrics.counter(
            "decisions_total", "What was decided, by action and reason.", ("action", "reason")
        )
        self.pending = metrics.gauge("pending_jobs", "Jobs that wait.")
        self.live = metrics.gauge("live_jobs", "Jobs that are placed, starting or running.")
        self.usage_age = metrics.gauge(
            "usage_snapshot_age_seconds",
            "Age of the usage snapshot in memory, on the shard's clock; NaN: none yet.",
        )
        self.usage_age.set(nan)
        self.unknown_policies = metrics.gauge(
            "unknown_policy_queues",
            "Queues that name a policy which is not installed, and follow the shard's meanwhile.",
        )
        self.is_leader = metrics.gauge("leader", "1 on the engine that decides.")

    def decided(self, decision: cycle.Decided) -> None:
        """Count one decision."""
        self.decisions.labels("place", "").inc(len(decision.placements))
        for eviction in decision.evictions:
            self.decisions.labels("evict", eviction.reason.value).inc()
        for change in decision.reasons:
            self.decisions.labels("wait", change.reason.code.value).inc()

    def look(self, state: ShardState, usage: MirroredUsage | None, now: Instant) -> None:
        """Show how much waits and lives, and how old the history is."""
        live = sum(held.jobs for path, held in state.ledger.queues.items() if "/" not in path)
        self.live.set(live)
        self.pending.set(len(state.jobs) - live)
        if usage is not None:
            self.usage_age.set(usage.snapshot.age_us(now) / SECOND)
