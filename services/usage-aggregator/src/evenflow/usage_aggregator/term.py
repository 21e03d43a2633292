"""One term of leadership: fetch what is new, and publish a snapshot to Redis and the log a poll."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant, ShardClock
from evenflow.common.domain.errors import InvalidValue, TemporarilyUnavailable
from evenflow.common.domain.facts.usage import SnapshotTaken, UsageSample
from evenflow.common.domain.usage.snapshot import (
    UsageSnapshot,
    parse_snapshot,
    staleness_us,
    unchanged_us,
)
from evenflow.common.ports.clock import Clock
from evenflow.common.ports.log import FactLog, Fence, Origin
from evenflow.common.ports.snapshots import Kept, Snapshots, StateForgotten
from evenflow.common.ports.usage_backends import TimeKept, UsageStore
from evenflow.common.runtime.pacing import until_next_poll
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.usage_aggregator.core.ledger import Ledger, Verdict
from evenflow.usage_aggregator.core.ledger_codec import Source
from evenflow.usage_aggregator.core.snapshot import TakenSnapshot, take_snapshot
from evenflow.usage_aggregator.core.telling import Telling
from evenflow.usage_aggregator.core.window import Window
from evenflow.usage_aggregator.ledger_store import LedgerStore, StateDamaged
from evenflow.usage_aggregator.metrics import AggregatorMetrics

FUTURE_SECONDS: Final = 5  # wall; a sample that ends further ahead is not believed (USG-14)

_ORIGIN: Final = Origin(actor="usage-aggregator")
_LIVES: Final = 10  # times the staleness: what is stale must still be readable (USG-18)
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # wall, after failures in a row
_KEEP_SAMPLES: Final = 500  # of a long fetch, between two times that it is kept
_JUMP_SECONDS: Final = 30  # wall; a clock that went back by more is told (FAIL-09)


@dataclass(frozen=True, slots=True)
class TermSettings:
    """The settings of a term, on the shard's clock."""

    half_life_us: int
    poll_us: int
    max_staleness_us: int
    window: Window


@dataclass(frozen=True, slots=True)
class TermPorts:
    """What a term reads and writes."""

    log_id: str
    store: UsageStore
    backend: str  # name of the store's kind
    time_kept: TimeKept
    snapshots: Snapshots
    writer: FactLog
    clock: Callable[[], Awaitable[ShardClock]]  # the shard's, as the log says now
    last_number: Callable[[], Awaitable[int]]  # that a snapshot in the log has
    fence: Callable[[], Awaitable[Fence]]  # over the facts of all aggregators
    # First sequence of the log; raises LogFull when the log takes no snapshot.
    begin_of_log: Callable[[], Awaitable[int]]


class Term:
    """From taking the lease to losing it. Redis and the store of usage may come and go.

    Its state lies beside the snapshot and is written with it, so a successor goes on where it ends.
    Without a usable state everything that still counts is fetched from the store of usage again.
    """

    def __init__(
        self,
        ctx: ServiceContext,
        ports: TermPorts,
        settings: TermSettings,
        wall: Clock,
        metrics: AggregatorMetrics,
    ) -> None:
        """Nothing is read before `serve`."""
        self._ctx = ctx
        self._ports = ports
        self._settings = settings
        self._wall = wall
        self._metrics = metrics
        self._clock = ShardClock()
        self._sequence = 0
        self._fence = Fence("")
        self._latest: Instant = 0  # no snapshot goes back behind another
        source = Source(ports.log_id, ports.backend)
        self._ledger_store = LedgerStore(
            ports.snapshots, source, settings.half_life_us, settings.window
        )
        self.mark: str | None = None
        self.ledger = Ledger(settings.half_life_us, settings.window)
        self._taken: TakenSnapshot | None = None
        self._telling = Telling()
        self._parsed: UsageSnapshot | None = None

    @property
    def snapshot(self) -> UsageSnapshot | None:
        """The newest one of this term; read only when somebody wants to see it."""
        taken = self._taken
        if taken is not None and (self._parsed is None or self._parsed.sequence != taken.sequence):
            self._parsed = parse_snapshot(taken.document)
        return self._parsed

    async def serve(self) -> None:
        """Work until cancelled.

        Raises:
            RevisionConflict: another aggregator leads.
            UnreadableMessage: a sample breaks its contract; it is never stepped over.
        """
        await self._with_retries(self.restore)
        while True:
            try:
                await self._with_retries(self.poll)
            except (StateForgotten, StateDamaged) as error:
                self._ctx.log.warning("usage_state_lost", reason=str(error))
                await self._with_retries(self.begin_anew)
                continue
            await until_next_poll(self._settings.poll_us, self._read_clock)

    async def _read_clock(self) -> ShardClock:
        with suppress(TemporarilyUnavailable):
            self._clock = await self._ports.clock()
        return self._clock

    async def begin_anew(self) -> None:
        """Trust nothing that is kept: fetch everything that still counts again; as `restore`."""
        await self._claim()
        self.ledger, self.mark = Ledger(self._settings.half_life_us, self._settings.window), None

    async def restore(self) -> None:
        """Take over what the last leader left, or begin anew.

        Raises:
            TemporarilyUnavailable: Redis or the broker does not answer.
        """
        kept = await self._claim()
        found = await self._ledger_store.restore(kept)
        if found is None and kept.state is not None:
            self._ctx.log.warning("usage_state_unusable", rebuilding_from=self._ports.backend)
        if found is None:
            self.ledger, self.mark = (
                Ledger(self._settings.half_life_us, self._settings.window),
                None,
            )
        else:
            self.ledger, self.mark = found
        self._ctx.log.info("usage_restored", mark=self.mark, snapshot_sequence=self._sequence)

    async def _claim(self) -> Kept:
        kept = await self._ledger_store.claim()
        self._telling = Telling()  # others may have told meanwhile
        self._clock = await self._ports.clock()
        self._fence = await self._ports.fence()
        # Redis may have been wiped and the log not: a sequence is never given twice.
        self._sequence = max(kept.sequence, await self._ports.last_number())
        return kept

    async def poll(self) -> None:
        """Publish one snapshot of everything that the store of usage has by now.

        Raises:
            TemporarilyUnavailable: nothing was published; the old snapshot stands (USG-19).
            RevisionConflict: another aggregator leads.
            StateForgotten, StateDamaged: what was kept is lost; `restore` begins anew.
        """
        begun = self._wall.monotonic()
        self._clock = await self._ports.clock()
        await self._fetch()
        now = self._next_instant()
        await self._ledger_store.restore_rows(self.ledger, now)
        self._taken = await self._publish(now) or self._taken
        self._metrics.fetch_seconds.observe(self._wall.monotonic() - begun)

    async def _fetch(self) -> None:
        """Fold all that is new, slice after slice; a long way is kept in between."""
        kept = 0
        while True:
            is_wall = self._ports.time_kept is TimeKept.WALL
            now = self._wall.now() if is_wall else self.now()
            batch = await self._ports.store.fetch(self.mark, now)
            for sample in batch.samples:
                self._fold(self._on_shard(sample) if is_wall else sample)
                await asyncio.sleep(0)  # the lease and the heartbeats have their turn
            self.mark = batch.mark
            if batch.is_all:
                return
            kept += len(batch.samples)
            if kept >= _KEEP_SAMPLES:
                kept = 0
                self.ledger.forget_unused(self.now())
                await self._ledger_store.save(self.ledger, self.mark)

    def _fold(self, sample: UsageSample) -> None:
        latest = self.now() + FUTURE_SECONDS * SECOND * self._clock.rate
        verdict = self.ledger.fold(sample, latest=latest)
        self._metrics.samples.labels(verdict.value).inc()
        if verdict is not Verdict.FOLDED:
            self._ctx.log.warning(
                "sample_refused", sample_id=sample.sample_id, verdict=verdict.value
            )

    def _on_shard(self, sample: UsageSample) -> UsageSample:
        return replace(
            sample,
            interval_start=self._clock.shard_time(sample.interval_start),
            interval_end=self._clock.shard_time(sample.interval_end),
        )

    def _next_instant(self) -> Instant:
        """Return the instant of the next snapshot; what counts no more is forgotten."""
        now = self.now()
        if now < self._latest - _JUMP_SECONDS * SECOND * self._clock.rate:
            self._metrics.clock_jumps.inc()
            seconds = (self._latest - now) / SECOND
            self._ctx.log.warning("clock_went_back", seconds=seconds)
        # What has left the window is gone, so time stands still until it is where it was.
        self._latest = max(now, self._latest)
        self.ledger.forget_unused(self._latest)
        return self._latest

    async def _publish(self, now: Instant) -> TakenSnapshot | None:
        """Write to Redis first, then to the log: whoever reads of it in the log finds it.

        Where nothing but decay moved, the ledger alone is kept and None is returned: the log is
        told again before the last snapshot counts as old.
        """
        staleness = staleness_us(self._settings.max_staleness_us, self._clock)
        life = _LIVES * self._clock.wall_seconds(staleness)
        if self._fence.expected < await self._ports.begin_of_log():
            self._fence.expected = 0  # the last snapshot was cut, so nothing is under the fence
        while True:
            taken = take_snapshot(self.ledger, now, self._sequence + 1, self._ports.backend)
            if self._telling.may_be_left_out(taken, unchanged_us(staleness)):
                await self._ledger_store.save(self.ledger, self.mark)
                return None
            standing = await self._ledger_store.publish(self.ledger, self.mark, taken, life)
            if standing is None:
                break
            # Our own write whose answer was lost. Here it is enough to go above.
            self._sequence = standing
        self._sequence = taken.sequence
        told = self._telling.of(taken)
        fact = SnapshotTaken(
            taken.sequence,
            taken.generated_at,
            taken.data_until,
            taken.digest,
            content=told.content,
            whole_at=told.whole_at,
        )
        try:
            at = await self._ports.writer.append_fenced(fact, self._fence, _ORIGIN)
        except InvalidValue as error:
            # The broker's limit is an operator's to raise; until then everybody sees the old one.
            raise TemporarilyUnavailable(
                f"the snapshot of {len(told.content)} bytes is larger than the broker takes: "
                "raise its max_payload"
            ) from error
        self._telling.told(taken, told, at)
        return taken

    async def _with_retries(self, action: Callable[[], Awaitable[None]]) -> None:
        """Do it, again and again with growing pauses while something is unavailable."""
        failures = 0
        while True:
            try:
                await action()
            except TemporarilyUnavailable as error:
                self._metrics.fetch_failures.inc()
                self._ctx.health.fail("usage", str(error))
                self._ctx.log.warning("usage_waits", reason=str(error))
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
            else:
                self._ctx.health.clear("usage")
                return

    def now(self) -> Instant:
        """Return the time on the shard's clock, as it was known at the last poll."""
        return self._clock.shard_time(self._wall.now())
