"""Who held how much: a sample a tick, each resource-second in one of them, over any crash."""

import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.facts import usage
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.clock import Clock
from evenflow.common.ports.log import Origin
from evenflow.common.ports.samples import SampleLog
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.exporter.core.sample_mark import SampleMark
from evenflow.exporter.core.sampling import Allocations, capacity_of, in_base_units, parts_of
from evenflow.exporter.core.totals import UsageTotals

MAX_ENTRIES: Final = 500  # of one message of samples

_ACTOR: Final = "exporter"
_ORIGIN: Final = Origin(actor=_ACTOR)


@dataclass(frozen=True, slots=True)
class _ResumePoint:
    """Where an earlier sample was taken; `published` parts of it are in the stream already."""

    mark: SampleMark
    started_at: Instant
    published: float  # parts; infinite: all of them


class Sampler:
    """Publishes a sample a tick; together they tell every resource-second once, over any crash.

    The last sample in the stream says how far the log was folded and how far time had gone. So a
    new process folds from a checkpoint at or before that place, takes there what was published, and
    goes on.
    """

    def __init__(
        self,
        ctx: ServiceContext,
        samples: SampleLog,
        wall: Clock,
        totals: UsageTotals,
        *,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        """Nothing is sampled before `read_last_sample`, `begin` and `caught_up`, in that order."""
        self._max_entries = max_entries
        self._ctx = ctx
        self._samples = samples
        self._wall = wall
        self._totals = totals
        self._allocations = Allocations()
        self._state = ShardState()
        self._resume_points: deque[_ResumePoint] = deque()
        self._outbox: deque[usage.Sampled] = deque()
        self._last = SampleMark(ctx.settings.shard.name, 0, 0, 0)
        self._has_gap = False
        self._known: int | None = None
        self._last_sequence = 0  # sequence of our last message in the stream of samples

    async def read_last_sample(self) -> float:
        """Read the last sample and return the highest log sequence that a checkpoint may have.

        Infinite when all samples have aged away: what was held meanwhile is lost (USG-15).

        Raises:
            TemporarilyUnavailable: the broker does not answer.
        """
        end = await self._samples.end()
        if end.last is None:
            self._has_gap = end.last_sequence > 0
            return math.inf if self._has_gap else 0
        self._last_sequence = end.last.sequence
        sample = end.last.fact.samples[-1]
        mark = self._last = SampleMark.parse(sample.sample_id)
        published = math.inf
        if mark.part < mark.parts:  # its writer died between two parts
            before = replace(mark, sequence=mark.before, ended_at=sample.interval_start)
            self._resume_points.append(_ResumePoint(before, sample.interval_start, math.inf))
            published = mark.part
        self._resume_points.append(_ResumePoint(mark, sample.interval_start, published))
        return self._resume_points[0].mark.sequence

    async def count_stream(self) -> None:
        """Count what the stream holds beyond the totals, up to the last sample that was read.

        Nobody may see the totals before: a counter that goes back is taken for one that began anew.
        """
        if self._totals.sequence > self._last_sequence:
            self._totals.sequence = 0  # the stream was made anew; its samples are other ones
        if self._totals.sequence == self._last_sequence:
            return
        batches = self._samples.batches(self._totals.sequence)
        async for batch in batches:
            for message in batch:
                for sample in message.fact.samples:
                    self._totals.add(sample, message.sequence)
            if self._totals.sequence >= self._last_sequence:
                break
        if isinstance(batches, AsyncGenerator):
            await batches.aclose()

    def begin_anew(self) -> None:
        """No checkpoint fits the last sample: count anew from now on, and say so."""
        self._has_gap = True
        self._resume_points.clear()

    def begin(self, state: ShardState) -> None:
        """Take over the state of a checkpoint; it is followed from here on."""
        self._state = state
        self._allocations.seed(state.jobs.values())

    def running(self) -> Iterator[tuple[JobSpec, Resources]]:
        """Yield the jobs that run as the log tells it, with what each holds; see `Allocations`."""
        return self._allocations.running()

    def on_folded(self, entry: Entry, outcome: Folded | Void) -> None:
        """Move with the log, right after the state did."""
        while self._resume_points and entry.sequence > self._resume_points[0].mark.sequence:
            self._skip_published(self._resume_points.popleft())
        self._allocations.fold(entry, outcome)

    def caught_up(self) -> None:
        """Everything that the log held at the start is folded: ticks may begin."""
        while self._resume_points:
            self._skip_published(self._resume_points.popleft())
        now = self._now()
        if self._has_gap:
            self._allocations.take(now)
            self._ctx.log.warning("usage_gap", until=now)
        if self._has_gap or not self._last.ended_at:
            self._last = replace(self._last, sequence=self._state.sequence, ended_at=now)

    async def tick(self) -> int:
        """Publish what was held since the last tick; return the log sequence that samples know."""
        self._known = await self._tick()
        return self._known

    def position(self) -> int | None:
        """Return the log sequence that samples know; None before the first tick."""
        return self._known

    async def _tick(self) -> int:
        await self._send()
        until = self._now()
        if self._outbox or until <= self._last.ended_at:
            return self._last.before  # the stream is full, or the wall clock was set back
        started_at = self._last.ended_at
        mark = replace(
            self._last, before=self._last.sequence, sequence=self._state.sequence, ended_at=until
        )
        capacity = in_base_units(capacity_of(self._state.nodes.values()))
        self._queue(mark, started_at, self._allocations.take(until), capacity)
        self._last = mark
        await self._send()
        # A writer that dies between two parts begins before the whole sample.
        return mark.before if self._outbox else mark.sequence

    def _now(self) -> Instant:
        return self._state.clock.shard_time(self._wall.now())

    def _skip_published(self, point: _ResumePoint) -> None:
        """Take what an earlier sample told, and queue those parts of it that were not published."""
        entries = self._allocations.take(point.mark.ended_at)
        if point.published < math.inf:
            self._queue(point.mark, point.started_at, entries, {})
            for _ in range(min(int(point.published), len(self._outbox))):
                self._outbox.popleft()

    def _queue(
        self,
        mark: SampleMark,
        started_at: Instant,
        entries: list[usage.UsageEntry],
        capacity: dict[str, float],
    ) -> None:
        parts = list(parts_of(entries, capacity, most=self._max_entries))
        for number, (some, of_capacity) in enumerate(parts, 1):
            sample_id = str(replace(mark, part=number, parts=len(parts)))
            sample = usage.UsageSample(sample_id, started_at, mark.ended_at, some, of_capacity)
            self._outbox.append(usage.Sampled((sample,)))

    async def _send(self) -> None:
        """Append what waits, in order; a full stream leaves the rest for the next tick."""
        while self._outbox:
            fact = self._outbox[0]
            try:
                self._last_sequence = await self._samples.append(fact, self._last_sequence, _ACTOR)
            except TemporarilyUnavailable as error:
                self._ctx.health.fail("samples", str(error))
                return
            self._outbox.popleft()
            for sample in fact.samples:
                self._totals.add(sample, self._last_sequence)
        self._ctx.health.clear("samples")


async def checkpoints_up_to(
    checkpoints: AsyncIterator[tuple[int, bytes]], highest: float
) -> AsyncIterator[tuple[int, bytes]]:
    """Yield the checkpoints whose sequence is at most `highest`."""
    async for sequence, data in checkpoints:
        if sequence <= highest:
            yield sequence, data
