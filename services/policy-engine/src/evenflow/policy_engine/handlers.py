"""Deciding for real: one leader, one cycle after the other, each decision under the fence.

The loop is publish, acknowledgement, fold to that sequence, next cycle: the engine's own state
moves by what the log holds, never by what it meant to say. Whoever is refused by the fence is not
the leader any more.
"""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

from evenflow.common.adapters.async_tasks import end_tasks
from evenflow.common.adapters.failpoint import failpoint
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.contracts.subjects import decisions_of
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.errors import LogFull, RevisionConflict, TemporarilyUnavailable
from evenflow.common.domain.facts import cycle, jobs, leader, settings
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.state.budget import next_budget_turn
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.usage.snapshot import Freshness, freshness, staleness_us
from evenflow.common.ports.clock import Clock
from evenflow.common.ports.lease import LeaseHolder
from evenflow.common.ports.log import FactLog, Fence, Origin
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.process.context import ServiceContext
from evenflow.common.runtime.usage_mirror import UsageMirror
from evenflow.policy_engine.answers.usage_in_use import UsageDesk
from evenflow.policy_engine.answers.why import ExplainDesk
from evenflow.policy_engine.config import scheduler_settings
from evenflow.policy_engine.core.cycle import CORE_VERSION, is_empty, run_cycle
from evenflow.policy_engine.core.explain.explain import explain
from evenflow.policy_engine.core.explain.explanation import Explanation
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.policy_engine.deadlines import Deadlines
from evenflow.policy_engine.first_usage import await_first_usage, prime_mirror
from evenflow.policy_engine.guard import guarded
from evenflow.policy_engine.metrics import EngineMetrics
from evenflow.policy_engine.plugin_warnings import PluginWarnings

_VERDICT_SECONDS = 2.0  # for the broker's answer to what was under way when the lease was lost
_MICROSECOND = timedelta(microseconds=1)
_RENEWAL_SECONDS = 10.0
_PAUSE_SECONDS = 1.0  # after the log refused a decision for want of room


class Engine:
    """Follows the log, and while it holds the lease decides."""

    def __init__(
        self,
        ctx: ServiceContext,
        log: ShardLog,
        clock: Clock,
        mirror: UsageMirror,
        plugins: Plugins,
        *,
        desk: ExplainDesk,
        usage_desk: UsageDesk,
    ) -> None:
        """`clock` is the wall's; the shard's comes from the log. Desks are open while it leads."""
        self._ctx = ctx
        self._log = log
        self._clock = clock
        self._mirror = mirror
        self._plugins = plugins
        self._desk = desk
        self._usage_desk = usage_desk
        self._wanted = scheduler_settings(ctx.settings)
        self._max_staleness_us = ctx.settings.usage.max_staleness // _MICROSECOND
        self._metrics = EngineMetrics(ctx.metrics)
        self._plugin_warnings = PluginWarnings(ctx, self._metrics)
        self._deadlines = Deadlines()
        self._writer: FactLog = log.writer(self._now)
        self._origin = Origin(actor=f"policy-engine/{ctx.health.instance}")
        self._changed = asyncio.Event()
        self._renewals: list[asyncio.Future[None]] = []
        self.follower = Follower(
            ctx, log.open_reader, log.log_id, on_folded=self._note, on_batch=self._wake
        )
        self._state = EngineState(self.follower.state, plugins)

    async def serve(self) -> None:
        """Load, follow, stand by, lead; until cancelled."""
        await self.follower.load(self._log.checkpoints.newest)
        self._state = EngineState(self.follower.state, self._plugins)
        await prime_mirror(self._ctx, self._log, self._mirror, self.follower.state.usage_facts)
        self._ctx.spawn(self.follower.run(), "fold")
        await self.follower.catch_up()
        self._ctx.health.role = "standby"
        self._ctx.health.started()
        await await_first_usage(self._ctx, self._mirror)
        health = self._ctx.health
        lease = self._log.lease("policy-engine", health.instance, on_trouble=health.note_lease)
        while True:
            await lease.acquire()
            leading = asyncio.create_task(self._lead(lease))
            lost = asyncio.create_task(lease.wait_lost())
            try:
                await asyncio.wait({leading, lost}, return_when=asyncio.FIRST_COMPLETED)
                self._changed.set()
                # A decision under way may reach the broker in any case: better to hear its verdict.
                await asyncio.wait({leading}, timeout=_VERDICT_SECONDS)
            finally:
                self._step_down()
                await end_tasks((leading, lost))
            if not leading.cancelled():
                leading.result()
            await lease.release()

    async def _lead(self, lease: LeaseHolder) -> None:
        """Take over, then decide until the lease is lost or the fence refuses."""
        under = decisions_of(self._ctx.settings.shard.name)
        try:
            await self.follower.catch_up()
            fence = Fence(under, self._shard.last_decision)
            barrier = leader.Decided(self._ctx.health.instance, CORE_VERSION)
            await self._publish(barrier, fence)
            await self._settle()
            self._state.rebuild()  # a full pass: nothing is taken over from standing by
            self._end_renewals()
            self._deadlines.begin(self._shard.jobs.values(), self._now())
            self._ctx.health.role = "leader"
            self._metrics.is_leader.set(1)
            self._ctx.log.info("leading", epoch=self._shard.epoch)
            self._plugin_warnings.warn_of_unknown(self._state)
            async with (
                self._desk.answering(self.explain),
                self._usage_desk.answering(lambda: self._shard.clock),
            ):
                while lease.is_held:
                    await self._settle()
                    await self._renew(fence)
                    if not await self._decide(fence) and lease.is_held:
                        await self._wait_for_change()
        except TemporarilyUnavailable as error:
            self._ctx.log.warning("leading_interrupted", reason=str(error))
            await asyncio.sleep(error.retry_after_seconds)
        except RevisionConflict as error:
            self._ctx.log.warning("stepped_down", reason=str(error), epoch=self._shard.epoch)

    def position(self) -> int | None:
        """Return up to where the log is folded; None while another engine leads."""
        return self._shard.sequence if self._ctx.health.role == "leader" else None

    def decide_by(self, wanted: SchedulerSettings) -> None:
        """Decide by other settings from the next cycle on."""
        self._wanted = wanted
        self._changed.set()

    async def explain(self, job_id: str) -> Explanation | None:
        """Explain a job as things are now; None when it is not known or has ended."""
        async with self.follower.folding:
            return await asyncio.to_thread(self._explain, job_id, self._now())

    def _explain(self, job_id: str, now: Instant) -> Explanation | None:
        with guarded(self._metrics.called_outside):  # it asks installed policies, too
            return explain(self._state, job_id, now)

    async def renew(self) -> None:
        """Say again that this engine leads, and return once it is folded.

        Retention asks for it: what the fence is held against is never cut.

        Raises:
            TemporarilyUnavailable: it does not lead, or not in time.
        """
        if self._ctx.health.role != "leader":
            raise TemporarilyUnavailable("this engine does not lead")
        renewed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._renewals.append(renewed)
        self._changed.set()
        try:
            await asyncio.wait_for(renewed, _RENEWAL_SECONDS)
        except TimeoutError as error:
            raise TemporarilyUnavailable("the claim to lead was not renewed in time") from error

    async def _renew(self, fence: Fence) -> None:
        if not self._renewals:
            return
        await self._publish(leader.Decided(self._ctx.health.instance, CORE_VERSION), fence)
        self._state.rebuild()  # as whoever decides this past again does
        self._end_renewals()

    def _end_renewals(self) -> None:
        renewals, self._renewals = self._renewals, []
        for renewed in renewals:
            if not renewed.done():
                renewed.set_result(None)

    async def _settle(self) -> None:
        """Make the log say what this engine was configured to decide by."""
        if self._wanted != self._shard.settings:
            sequence = await self._writer.append(settings.Set(self._wanted), self._origin)
            await self.follower.reach(sequence)

    async def _decide(self, fence: Fence) -> bool:
        """Run one cycle; whether it decided anything."""
        began = time.perf_counter()
        async with self.follower.folding:
            self._changed.clear()
            if self.follower.reading.standstill:
                return False  # what comes next in the log is not known: nothing is decided past it
            decision = await asyncio.to_thread(self._cycle, self._now())
        self._plugin_warnings.warn_of_failed(self._state)
        self._metrics.cycle_seconds.observe(time.perf_counter() - began)
        self._metrics.missed(self._deadlines.take_missed(decision.now))
        if is_empty(decision):
            self._metrics.look(self._state, self._now())
            return False
        try:
            await self._publish(decision, fence)
        except LogFull as error:
            self._ctx.health.fail("log", str(error))
            self._state.rebuild()  # what this cycle parked was never said
            await asyncio.sleep(_PAUSE_SECONDS)
            return True
        self._ctx.health.clear("log")
        self._metrics.decided(decision)
        self._ctx.log.info(
            "cycle_decided",
            saw=decision.saw_sequence,
            placed=len(decision.placements),
            evicted=len(decision.evictions),
            explained=len(decision.reasons),
            duration_seconds=round(time.perf_counter() - began, 4),
        )
        return True

    def _cycle(self, now: Instant) -> cycle.Decided:
        """Run one cycle on what is in memory; in a thread of its own, which calls nobody."""
        known = self._mirror.current
        snapshot = known.snapshot if known is not None else None
        most = staleness_us(self._max_staleness_us, self._shard.clock)
        with guarded(self._metrics.called_outside):
            if known is None or freshness(snapshot, now, most) is Freshness.UNAVAILABLE:
                self._state.use(None, 0)
            else:
                self._state.use(snapshot, known.fact_sequence)
            return run_cycle(self._state, self._shard.settings, now)

    async def _publish(self, fact: Fact, fence: Fence) -> None:
        """Publish a decision and wait until it is folded here."""
        began = time.perf_counter()
        sequence = await self._writer.append_fenced(fact, fence, self._origin)
        self._metrics.publish_seconds.observe(time.perf_counter() - began)
        await self.follower.reach(sequence)
        failpoint("engine.folded")

    async def _wait_for_change(self) -> None:
        """Wait for a fact, for the next delayed job's time, or for the interval."""
        seconds = self._ctx.settings.scheduler.interval.total_seconds()
        now = self._now()
        for due in (
            self._state.next_wake(),
            self._state.reserved.next_change(now),
            next_budget_turn(self._shard, now),
        ):
            if due is not None:
                seconds = min(seconds, self._shard.clock.wall_seconds(max(0, due - now)))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    @property
    def _shard(self) -> ShardState:
        return self.follower.state

    def _now(self) -> Instant:
        return self._shard.clock.shard_time(self._clock.now())

    def _note(self, entry: Entry, outcome: Folded | Void) -> None:
        self._mirror.on_entry(entry)
        if isinstance(outcome, Folded):
            self._state.note(outcome)
            if isinstance(entry.fact, jobs.Submitted):
                self._deadlines.accept(outcome.jobs.values())
            else:
                self._deadlines.forget_ended(outcome.jobs.values())
            if outcome.queues and self._ctx.health.role == "leader":
                self._plugin_warnings.warn_of_unknown(self._state)

    async def _wake(self) -> None:
        self._changed.set()

    def _step_down(self) -> None:
        self._ctx.health.role = "standby"
        self._metrics.is_leader.set(0)
