"""What the engine measures."""

import time
from collections.abc import Iterable
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import FOR_OTHERS
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.jobs.lost_time import lost_within_hour
from evenflow.common.domain.resources import MILLI, units_per_base
from evenflow.common.runtime.metrics import Metrics
from evenflow.policy_engine.core.state.engine_state import EngineState

# Steps of a quarter, so that percentiles of two times can be compared: 50 µs to half a second.
CYCLE_BUCKETS: Final = (*(round(0.00005 * 1.25**step, 7) for step in range(42)), 1, 2.5, 5, 10)
_QUEUES_EVERY_SECONDS: Final = 5.0  # a gauge a queue and resource: not after every cycle


class EngineMetrics:
    """The cycle and what it decides (OBS-02)."""

    def __init__(self, metrics: Metrics) -> None:
        """Register."""
        self.cycle_seconds = metrics.histogram(
            "cycle_duration_seconds",
            "Time one cycle took in the core; high: look at the order.",
            buckets=CYCLE_BUCKETS,
        )
        self.publish_seconds = metrics.histogram(
            "decision_publish_seconds", "Time from a decision to its acknowledgement by the broker."
        )
        self.decisions = metrics.counter(
            "decisions_total", "What was decided, by action and reason.", ("action", "reason")
        )
        self.preemptions = metrics.counter(
            "preemptions_total",
            "Jobs that were stopped for others: reclaimed, preempted or consolidated.",
            ("reason",),
        )
        for reason in FOR_OTHERS:
            self.preemptions.labels(reason.value)  # a rate is seen from the first one on
        self.lost_gpu = metrics.gauge(
            "preemption_lost_gpu_seconds",
            "GPU-seconds that jobs which were stopped for others had used, in the last hour.",
        )
        self.pending = metrics.gauge("pending_jobs", "Jobs that wait.")
        self.live = metrics.gauge("live_jobs", "Jobs that are placed, starting or running.")
        self.unknown_policies = metrics.gauge(
            "unknown_policy_queues",
            "Queues that name a policy which is not installed, and follow the shard's meanwhile.",
        )
        self.failed_policies = metrics.gauge(
            "failed_policies",
            "Installed policies that raised or said nonsense; their queues go by fifo meanwhile.",
        )
        self.external_calls = metrics.counter(
            "cycle_external_calls_total",
            "Calls outside that were tried in a cycle, and refused; above 0: look at the plug-ins.",
        )
        by_queue = ("queue", "resource")
        self.fair_share = metrics.gauge(
            "queue_fair_share",
            "What a queue may hold, in base units; beside queue_allocated it shows who lacks.",
            by_queue,
        )
        self.allocated = metrics.gauge(
            "queue_allocated", "What a queue's live jobs hold, in base units.", by_queue
        )
        self.usage = metrics.gauge(
            "queue_historical_usage",
            "Decayed usage over decayed capacity, 0..1, as cycles use it; none: unavailable.",
            by_queue,
        )
        self.waiting = metrics.gauge("queue_pending_jobs", "Jobs that wait.", ("queue",))
        self.running = metrics.gauge("queue_live_jobs", "Jobs that hold something.", ("queue",))
        self.past_target = metrics.gauge(
            "queue_jobs_past_target", "Jobs that wait longer than their queue's target.", ("queue",)
        )
        self.deadlines_missed = metrics.counter(
            "deadlines_missed_total", "Jobs that had not ended at their deadline.", ("queue",)
        )
        self._queues_at = -_QUEUES_EVERY_SECONDS
        self.is_leader = metrics.gauge("leader", "1 on the engine that decides.")

    def decided(self, decision: cycle.Decided) -> None:
        """Count one decision."""
        self.decisions.labels("place", "").inc(len(decision.placements))
        if decision.growths:
            self.decisions.labels("grow", "").inc(len(decision.growths))
        for eviction in decision.evictions:
            self.decisions.labels("evict", eviction.reason.value).inc()
            if eviction.reason in FOR_OTHERS:
                self.preemptions.labels(eviction.reason.value).inc()
        for change in decision.reasons:
            self.decisions.labels("wait", change.reason.code.value).inc()

    def missed(self, queues: Iterable[str]) -> None:
        """Count deadlines that passed, by the queues of their jobs."""
        for queue in queues:
            self.deadlines_missed.labels(queue).inc()

    def called_outside(self, _event: str) -> None:
        """Count a call that a cycle was kept from."""
        self.external_calls.inc()

    def look(self, engine: EngineState, now: Instant) -> None:
        """Show how much waits and lives, and how queues stand."""
        state = engine.shard
        live = sum(held.jobs for path, held in state.ledger.queues.items() if "/" not in path)
        self.live.set(live)
        self.lost_gpu.set(lost_within_hour(state.lost_time, now) / MILLI)
        self.pending.set(len(state.jobs) - live)
        if time.monotonic() - self._queues_at >= _QUEUES_EVERY_SECONDS:
            self._look_at_queues(engine)
            self._queues_at = time.monotonic()

    def _look_at_queues(self, engine: EngineState) -> None:
        """Show each queue; those that were deleted disappear (USG-23)."""
        gauges = (
            self.fair_share,
            self.allocated,
            self.usage,
            self.waiting,
            self.running,
            self.past_target,
        )
        for gauge in gauges:
            gauge.clear()
        usage = engine.usage
        for path in engine.shard.queues:
            held = engine.shard.ledger.held(path)
            for name, amount in held.resources.items():
                self.allocated.labels(path, name).set(amount / units_per_base(name))
            for name, share in engine.shares.of(path).items():
                self.fair_share.labels(path, name).set(share / units_per_base(name))
                if usage is not None:
                    self.usage.labels(path, name).set(usage.queues.ratio_of(path, name))
            self.waiting.labels(path).set(engine.shard.count(path).pending)
            self.running.labels(path).set(held.jobs)
            if late := engine.waiting.targets.late_in(path):
                self.past_target.labels(path).set(late)
