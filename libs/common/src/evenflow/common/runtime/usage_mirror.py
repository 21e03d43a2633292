"""The newest usage snapshot in memory: what a cycle reads without asking anybody."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import TemporarilyUnavailable, UnreadableMessage
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.state.usage_documents import SnapshotFacts, UsageDocuments
from evenflow.common.domain.usage.snapshot import UsageSnapshot, digest_of, parse_snapshot
from evenflow.common.ports.snapshots import Snapshots
from evenflow.common.runtime.logging import Logger

FETCH_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class MirroredUsage:
    """A snapshot and the log sequence of the fact that told of it, which a decision records."""

    snapshot: UsageSnapshot
    fact_sequence: int


class UsageMirror:
    """Follows the facts `usage.snapshot-taken`; `current` is replaced by one assignment.

    Redis is asked because it is the source that the whole system shows; the fact decides. What
    Redis holds counts only when its digest is the fact's, so a replay of the log sees the same.
    """

    def __init__(self, snapshots: Snapshots, log: Logger) -> None:
        """Nothing is known before the first fact."""
        self.current: MirroredUsage | None = None
        self._snapshots = snapshots
        self._log = log
        self._told: tuple[int, SnapshotTaken] | None = None
        self._documents = UsageDocuments(most=1)
        self._news = asyncio.Event()
        self._first = asyncio.Event()

    def on_entry(self, entry: Entry) -> None:
        """Note a fact that was folded; call it for every entry. Cheap, does no I/O."""
        if isinstance(entry.fact, SnapshotTaken):
            self._note(entry.sequence, entry.fact)

    def begin(self, facts: SnapshotFacts) -> None:
        """Note what a base remembers: behind it the fold does not meet these facts again."""
        for sequence in sorted(facts):
            self._note(sequence, facts[sequence])

    def _note(self, sequence: int, fact: SnapshotTaken) -> None:
        self._told = sequence, fact
        self._documents.note(sequence, fact)
        self._news.set()

    async def run(self) -> None:
        """Mirror the newest fact whenever there is one, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.refresh()

    async def has_first(self, within_seconds: float) -> bool:
        """Wait for a first snapshot, but not for longer; whether there is one, old or not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._first.wait()
        return self.current is not None

    async def refresh(self) -> None:
        """Mirror the newest fact now; an unreadable or older snapshot leaves `current` as it is."""
        if self._told is None:
            return
        sequence, fact = self._told
        try:
            snapshot = parse_snapshot(await self._document(sequence, fact))
        except UnreadableMessage as error:
            self._log.error("usage_unreadable", sequence=sequence, reason=str(error))
            return
        known = self.current
        if known is None or snapshot.sequence > known.snapshot.sequence:
            self.current = MirroredUsage(snapshot, sequence)
            self._first.set()

    async def _document(self, sequence: int, fact: SnapshotTaken) -> str:
        with suppress(TemporarilyUnavailable, TimeoutError):
            async with asyncio.timeout(FETCH_SECONDS):
                found = await self._snapshots.document()
            if found is not None and digest_of(found) == fact.digest:
                return found
            self._log.debug("usage_from_fact", sequence=fact.sequence)
        return self._documents.document(sequence)
