"""What the exporter and the aggregator need from the stream of samples. Decides nothing."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from evenflow.common.domain.facts.usage import Sampled


@dataclass(frozen=True, slots=True)
class StoredSamples:
    """One message of the stream; `sequence` is its place there, not in the log."""

    sequence: int
    fact: Sampled


@dataclass(frozen=True, slots=True)
class SamplesEnd:
    """How far the stream goes.

    `last_sequence` 0: nothing was ever stored. `last` None: nothing is there (any more).
    """

    last_sequence: int
    last: StoredSamples | None


class SampleLog(Protocol):
    """Samples in order. They age away, so a reader may find that the oldest are gone."""

    async def end(self) -> SamplesEnd:
        """Return how far the stream goes now.

        Raises:
            TemporarilyUnavailable: the broker does not answer.
        """

    async def append(self, fact: Sampled, after: int, actor: str) -> int:
        """Append the fact right after sequence `after`, the last one of its kind; return its own.

        Waits while the broker is away.

        Raises:
            RevisionConflict: somebody else appended; nothing was stored.
            TemporarilyUnavailable: the stream is full; nothing was stored.
        """

    def batches(self, after: int) -> AsyncIterator[Sequence[StoredSamples]]:
        """Yield what comes after sequence `after` for ever, as it arrives."""
