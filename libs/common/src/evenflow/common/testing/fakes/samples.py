"""A stream of samples in memory for tests. Real bytes, so the codec is tested too."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial

from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.errors import LogFull, RevisionConflict
from evenflow.common.domain.facts.usage import Sampled, UsageEntry
from evenflow.common.ports.samples import SamplesEnd, StoredSamples


class FakeSamples:
    """`ports.samples.SampleLog`. `is_full` makes it refuse; `age` lets what is there age away."""

    def __init__(self, shard: str = "main") -> None:
        """Nothing is stored."""
        self.stored: list[StoredSamples] = []
        self.is_full = False
        self._shard = shard
        self._last_sequence = 0
        self._grown = asyncio.Condition()

    def age(self) -> None:
        """Let everything that is stored age away."""
        self.stored.clear()

    def entries(self) -> list[UsageEntry]:
        """Return every entry of every sample, in order."""
        samples = [sample for one in self.stored for sample in one.fact.samples]
        return [entry for sample in samples for entry in sample.entries]

    async def end(self) -> SamplesEnd:
        """See `SampleLog.end`."""
        return SamplesEnd(self._last_sequence, self.stored[-1] if self.stored else None)

    async def append(self, fact: Sampled, after: int, actor: str) -> int:
        """See `SampleLog.append`."""
        if self.is_full:
            raise LogFull("the stream of samples is full")
        if after != (self.stored[-1].sequence if self.stored else 0):
            raise RevisionConflict(f"the last sample is not {after}")
        self._last_sequence += 1
        subject = subject_of(fact, self._shard)
        envelope = codec.Envelope(
            event_id=f"sample-{self._last_sequence}", occurred_at=0, shard=self._shard, actor=actor
        )
        entry = codec.decode(subject, codec.encode(envelope, fact), self._last_sequence)
        async with self._grown:
            self.stored.append(StoredSamples(entry.sequence, entry.fact))
            self._grown.notify_all()
        return self._last_sequence

    async def batches(self, after: int) -> AsyncIterator[Sequence[StoredSamples]]:
        """See `SampleLog.batches`."""
        while True:
            async with self._grown:
                await self._grown.wait_for(partial(self._has, after))
            batch = [one for one in self.stored if one.sequence > after]
            after = batch[-1].sequence
            yield batch

    def _has(self, after: int) -> bool:
        return bool(self.stored) and self.stored[-1].sequence > after
