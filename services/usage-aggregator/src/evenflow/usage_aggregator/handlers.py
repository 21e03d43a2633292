"""One term of leadership: fold the samples, and publish a snapshot to Redis and the log a poll."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant, ShardClock
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.usage import (
    UsageSnapshot,
    parse_snapshot,
    poll_seconds,
    staleness_us,
)
from evenflow.common.ports.clock import Clock
from evenflow.common.ports.log import FactLog, Fence, Origin
from evenflow.common.ports.samples import SampleLog, StoredSamples
from evenflow.common.ports.snapshots import Kept, Snapshots
from evenflow.common.runtime.service import ServiceContext
from evenflow.common.runtime.tasks import first_of
from evenflow.usage_aggregator.core.ledger import Ledger, Verdict, dump, load
from evenflow.usage_aggregator.core.snapshot import Taken, take_snapshot
from evenflow.usage_aggregator.metrics import AggregatorMetrics

FUTURE_SECONDS: Final = 5  # wall; a sample that ends further ahead is not believed (USG-14)

_ORIGIN: Final = Origin(actor="usage-aggregator")
_LIVES: Final = 10  # times the staleness: what is stale must still be readable (USG-18)
_CATCH_UP_SECONDS: Final = 2.0
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)  # wall, after failures in a row


@dataclass(frozen=True, slots=True)
class Pace:
    """The settings of a term, on the shard's clock."""

    half_life_us: int
    poll_us: int
    max_staleness_us: int


@dataclass(frozen=True, slots=True)
class Sources:
    """What a term reads and writes."""

    log_id: str
    samples: SampleLog
    snapshots: Snapshots
    writer: FactLog
    clock: Callable[[], Awaitable[ShardClock]]  # the shard's, as the log says now
    last_taken: Callable[[], Awaitable[SnapshotTaken | None]]
    fence: Callable[[], Awaitable[Fence]]  # over the facts of all aggregators


class Term:
    """From taking the lease to losing it. Redis may come and go; the samples are the truth.

    Its state lies beside the snapshot and is written with it, so a successor goes on where it ends.
    Without a usable state the samples are folded from the first one that is still there.
    """

    def __init__(
        self,
        ctx: ServiceContext,
        sources: Sources,
        pace: Pace,
        wall: Clock,
        metrics: AggregatorMetrics,
    ) -> None:
        """Nothing is read before `serve`."""
        self._ctx = ctx
        self._from = sources
        self._pace = pace
        self._wall = wall
        self._metrics = metrics
        self._clock = ShardClock()
        self._sequence = 0
        self._fence = Fence("")
        self._grown = asyncio.Condition()
        self.ledger = Ledger(pace.half_life_us)
        self.snapshot: UsageSnapshot | None = None

    async def serve(self) -> None:
        """Work until cancelled.

        Raises:
            RevisionConflict: another aggregator leads.
            UnreadableMessage: a sample breaks its contract; it is never stepped over.
        """
        await self._patiently(self.restore)
        await first_of(self._fold(), self._keep_polling())

    async def restore(self) -> None:
        """Take over what the last leader left, or begin anew.

        Raises:
            TemporarilyUnavailable: Redis or the broker does not answer.
        """
        kept = await self._from.snapshots.get()
        self._clock = await self._from.clock()
        self._fence = await self._from.fence()
        taken = await self._from.last_taken()
        # Redis may have been wiped and the log not: a sequence is never given twice.
        self._sequence = max(kept.sequence, taken.sequence if taken else 0)
        self.ledger = await self._restored(kept)
        self._ctx.log.info(
            "usage_restored", cursor=self.ledger.cursor, snapshot_sequence=self._sequence
        )

    async def _restored(self, kept: Kept) -> Ledger:
        end = await self._from.samples.end()
        if kept.state is not None:
            found = load(kept.state, self._from.log_id, self._pace.half_life_us)
            if found is not None and found.cursor <= end.last_sequence:
                return found
            self._ctx.log.warning("usage_state_unusable", rebuilding_from="samples")
        return Ledger(self._pace.half_life_us)

    def absorb(self, batch: list[StoredSamples]) -> None:
        """Fold messages of samples, in order."""
        latest = self.now() + FUTURE_SECONDS * SECOND * self._clock.rate
        for message in batch:
            if message.sequence <= self.ledger.cursor:
                continue
            for sample in message.fact.samples:
                verdict = self.ledger.fold(sample, latest=latest)
                self._metrics.samples.labels(verdict.value).inc()
                if verdict is not Verdict.FOLDED:
                    self._ctx.log.warning(
                        "sample_refused", sample_id=sample.sample_id, verdict=verdict.value
                    )
            self.ledger.cursor = message.sequence

    async def poll(self) -> None:
        """Publish one snapshot of everything that was sampled by now.

        Raises:
            TemporarilyUnavailable: nothing was published; the old snapshot stands (USG-19).
            RevisionConflict: another aggregator leads.
        """
        begun = self._wall.monotonic()
        self._clock = await self._from.clock()
        await self._reach((await self._from.samples.end()).last)
        now = self.now()
        self.ledger.forget_nothings(now)
        taken = await self._publish(now)
        self.snapshot = parse_snapshot(taken.document)
        self._metrics.fetch_seconds.observe(self._wall.monotonic() - begun)

    async def _publish(self, now: Instant) -> Taken:
        """Write to Redis first, then to the log: whoever reads of it in the log finds it."""
        life = _LIVES * self._clock.wall_seconds(
            staleness_us(self._pace.max_staleness_us, self._clock)
        )
        while True:
            taken = take_snapshot(self.ledger, now, self._sequence + 1)
            state = dump(self.ledger, self._from.log_id)
            standing = await self._from.snapshots.put(
                taken.sequence, taken.document, state, life_seconds=life
            )
            if standing is None:
                break
            # A former leader's last write, or our own whose answer was lost. The fence on the log
            # tells who leads; here it is enough to go above.
            self._sequence = standing
        self._sequence = taken.sequence
        fact = SnapshotTaken(
            taken.sequence, taken.generated_at, taken.data_until, taken.digest, taken.document
        )
        await self._from.writer.append_fenced(fact, self._fence, _ORIGIN)
        return taken

    async def _fold(self) -> None:
        async for batch in self._from.samples.batches(self.ledger.cursor):
            self.absorb(list(batch))
            async with self._grown:
                self._grown.notify_all()

    async def _reach(self, last: StoredSamples | None) -> None:
        if last is None:
            return
        try:
            async with asyncio.timeout(_CATCH_UP_SECONDS), self._grown:
                await self._grown.wait_for(lambda: self.ledger.cursor >= last.sequence)
        except TimeoutError as error:
            raise TemporarilyUnavailable(
                f"samples are read up to {self.ledger.cursor} of {last.sequence}"
            ) from error

    async def _keep_polling(self) -> None:
        while True:
            await self._patiently(self.poll)
            await asyncio.sleep(poll_seconds(self._pace.poll_us, self._clock))

    async def _patiently(self, action: Callable[[], Awaitable[None]]) -> None:
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
