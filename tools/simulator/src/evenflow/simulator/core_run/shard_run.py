"""One shard from facts to facts in virtual time: the loop of the services without the services.

What happens at one instant is folded first, ends before submissions; then cycles run until one
decides nothing, each decision folded before the next, as the engine does. What a decision places
runs at once, and what it stops has stopped.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from evenflow.common.domain.clock import DAY, HOUR, Instant
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, quotas, runs
from evenflow.common.domain.facts import settings as settings_facts
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.budget import next_budget_turn
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.cycle import CORE_VERSION, is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import OURS, Plugins
from evenflow.simulator.core_run.event_queue import Cancel, EventKind, EventQueue, RunEnd
from evenflow.simulator.core_run.hourly_recorder import HourlyRecorder
from evenflow.simulator.core_run.job_recorder import JobRecorder
from evenflow.simulator.core_run.meter import Meter, UsagePolling
from evenflow.simulator.core_run.outcome import RunOutcome
from evenflow.simulator.core_run.reports import by_cluster, ended, running

Progress = Callable[[int, int], None]
"""Jobs that have ended, and all that were put in."""
ACTOR: Final = "simulator"
_EVERY_HOUR: Final = UsagePolling()
_PATIENCE_US: Final = 32 * DAY  # so long any period of a budget may last, and no longer


class ShardRun:
    """A cluster, its queues and its rules; jobs are put in, then `run` tells what became of them.

    Queues are whole definitions, parents before children; all that is given must stand. Nothing may
    be put in before `begin`; what is, comes at `begin`. Without `polling` there is no usage, as
    when its services are down. `is_recorded` keeps a digest of all decisions, to compare runs by.
    """

    def __init__(
        self,
        *,
        queues_defined: Iterable[Queue],
        nodes: Iterable[Node],
        settings: SchedulerSettings,
        quotas_set: Iterable[Quota] = (),
        begin: Instant = 0,
        polling: UsagePolling | None = _EVERY_HOUR,
        plugins: Plugins = OURS,
        is_recorded: bool = False,
        record_every_us: int = HOUR,
    ) -> None:
        """Fold what is there before the first job; every `record_every_us` a row is recorded."""
        self._record_every_us: Final = record_every_us
        self.state: Final = ShardState()
        self.engine: Final = EngineState(self.state, plugins)
        self._begin: Final = begin
        self._events: Final = EventQueue()
        self._meter: Final = None if polling is None else Meter(self.state, polling)
        self._recorder: Final = JobRecorder()
        self._run_us: Final[dict[str, int]] = {}
        self._digest = hashlib.sha256() if is_recorded else None
        self._usage_sequence = 0
        self._now = self._moved_at = begin
        self._tell(leader.Decided(ACTOR, CORE_VERSION), begin)
        self._tell(settings_facts.Set(settings), begin)
        self._tell(queues.Defined(tuple(queues_defined)), begin, must_stand=True)
        if given := tuple(quotas_set):
            self._tell(quotas.Set(given), begin, must_stand=True)
        for name, some in by_cluster(nodes).items():
            self._tell(cluster.Observed(name, tuple(some)), begin, must_stand=True)

    def submit(self, at: Instant, spec: JobSpec, run_us: int) -> None:
        """Let a job come at an instant; it would run so long, and is stopped at its limit."""
        self._run_us[spec.id] = run_us
        self._events.put(max(at, self._begin), EventKind.SUBMISSION, spec)

    def cancel(self, at: Instant, job_id: str, user: str) -> None:
        """Let somebody withdraw a job; nothing happens when it has ended by then."""
        self._events.put(max(at, self._begin), EventKind.CANCEL, Cancel(job_id, user))

    def tell(self, at: Instant, fact: Fact) -> None:
        """Let any other fact be told: of queues, quotas, nodes, settings, changed jobs."""
        self._events.put(max(at, self._begin), EventKind.FACT, fact)

    def run(self, progress: Progress | None = None) -> RunOutcome:
        """Go on until nothing more happens; jobs that wait then could never start."""
        first = self._events.next_at() or self._begin
        hourly = HourlyRecorder(self.engine, first, self._record_every_us)
        if self._meter is not None:
            self._meter.begin(first)
        while (now := self._next_instant()) is not None:
            while hourly.due <= now:
                hourly.record()
            self._now = now
            if self._events.next_at() == now:
                self._moved_at = now
                self._happen(now)
            if self._meter is not None and self._meter.due <= now:
                self._tell(self._meter.poll(), now)
                self._usage_sequence = self.state.sequence
            self._decide(now)
            if progress is not None:
                progress(self._recorder.ended, len(self._run_us))
        outcome = self._recorder.outcome
        outcome.hourly = hourly.series
        if self._digest is not None:
            outcome.decided = self._digest.hexdigest()
        return outcome

    def _next_instant(self) -> Instant | None:
        """Return when something happens, a delayed job is due, a budget turns, or usage is told."""
        due = [self._events.next_at(), self.engine.next_wake()]
        if self.state.budgets and (due[0] is not None or self._now - self._moved_at < _PATIENCE_US):
            due.append(next_budget_turn(self.state, self._now))
        if all(at is None for at in due):
            return None
        if self._meter is not None:
            due.append(self._meter.due)
        return min(at for at in due if at is not None)

    def _happen(self, now: Instant) -> None:
        """Fold what happens now, ends first."""
        found = self._events.take(now)
        ends = [report for end in found.ends if (report := self._end_of(end, now)) is not None]
        self._recorder.outcome.events += len(ends) + len(found.facts)
        self._recorder.outcome.events += len(found.submissions) + len(found.cancels)
        self._report(ends, now)
        for fact in found.facts:
            self._recorder.follow(self._tell(fact, now), now)
        if found.submissions:
            specs = tuple(found.submissions)
            self._recorder.submitted(self._tell(jobs.Submitted(specs), now), now)
        if found.cancels:
            requests = tuple(jobs.CancelRequest(job_id, user) for job_id, user in found.cancels)
            folded = self._tell(jobs.CancelRequested(requests), now)
            self._recorder.follow(folded, now)
            live = [job for job in folded.jobs.values() if job.is_live]
            self._report([ended(job, Outcome.CANCELLED, now) for job in live], now)

    def _end_of(self, end: RunEnd, now: Instant) -> runs.RunReport | None:
        job = self.state.jobs.get(end.job_id)
        if job is None or not job.is_live or job.attempt != end.attempt:
            return None  # that attempt was stopped before
        limit = job.spec.time_limit_us
        is_cut = limit is not None and self._run_us[end.job_id] > limit
        return ended(job, Outcome.TIMEOUT if is_cut else Outcome.SUCCEEDED, now)

    def _report(self, reports: list[runs.RunReport], now: Instant) -> None:
        if reports:
            self._recorder.follow(self._tell(runs.Reported(tuple(reports)), now), now)

    def _decide(self, now: Instant) -> None:
        """Run cycles until one decides nothing."""
        if self._meter is not None and self._meter.is_news and len(self.engine.waiting):
            self.engine.use(self._meter.snapshot(), self._usage_sequence)
        while True:
            decision = run_cycle(self.engine, self.state.settings, now)
            self._recorder.outcome.cycles += 1
            if is_empty(decision):
                return
            if self._digest is not None:
                self._digest.update(repr(decision).encode())
            self._carry_out(decision, now)

    def _carry_out(self, decision: cycle.Decided, now: Instant) -> None:
        """Fold a decision; start what was placed, stop what was evicted."""
        folded = self._tell(decision, now, must_stand=True)
        self._recorder.follow(folded, now)
        started = []
        for placement in decision.placements:
            job = folded.jobs[placement.job_id]
            started.append(running(job, now))
            limit, run_us = job.spec.time_limit_us, self._run_us[placement.job_id]
            end = now + (run_us if limit is None else min(run_us, limit))
            self._events.put(end, EventKind.END, RunEnd(placement.job_id, job.attempt))
        self._recorder.started(decision.placements, now)
        started += [running(folded.jobs[growth.job_id], now) for growth in decision.growths]
        if started:
            self._moved_at = now
            self._tell(runs.Reported(tuple(started)), now)
        self._recorder.outcome.evictions += len(decision.evictions)
        stopped = [folded.jobs[eviction.job_id] for eviction in decision.evictions]
        self._report([ended(job, Outcome.STOPPED, now) for job in stopped], now)

    def _tell(self, fact: Fact, at: Instant, *, must_stand: bool = False) -> Folded:
        """Fold a fact and follow it. One that is void changes nothing.

        Raises:
            BrokenInvariant: it, or a record of it, is void and must not be.
        """
        entry = Entry(self.state.sequence + 1, "", at, ACTOR, fact)
        outcome = apply(self.state, entry)
        if not isinstance(outcome, Folded):
            if must_stand:
                raise BrokenInvariant(f"{type(fact).__qualname__} is void: {outcome.reason}")
            return Folded(self.state)
        if must_stand and outcome.voids:
            void = outcome.voids[0]
            raise BrokenInvariant(f"{void.key} is void: {void.reason}", repr(type(fact)))
        self.engine.note(outcome)
        if self._meter is not None:
            self._meter.follow(entry, outcome)
        return outcome
