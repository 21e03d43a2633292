"""The newest usage snapshots of the log, read when somebody asks for their content."""

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.usage.snapshot import UsageSnapshot, digest_of, snapshot_of


@dataclass(frozen=True, slots=True)
class ReadSnapshot:
    """A snapshot, and its document's other fields, such as `window` and `backend`."""

    content: UsageSnapshot
    fields: dict[str, Any]
    fact_sequence: int


@dataclass(slots=True)
class RecentSnapshots:
    """The last snapshots that the log holds; the engine may be one behind."""

    _facts: deque[tuple[int, SnapshotTaken]] = field(default_factory=lambda: deque(maxlen=3))
    _read: dict[str, ReadSnapshot] = field(default_factory=dict)  # the one that was asked for last

    def note(self, entry: Entry) -> None:
        """Take notice of an entry; call it for every one, in order."""
        if isinstance(entry.fact, SnapshotTaken):
            self._facts.append((entry.sequence, entry.fact))

    def newest(self) -> tuple[int, SnapshotTaken] | None:
        """Return the newest one and the sequence of its fact, unread."""
        return self._facts[-1] if self._facts else None

    def find(self, digest: str | None) -> ReadSnapshot | None:
        """Return the snapshot of that digest; None when it is not one of the last.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is no snapshot.
        """
        for sequence, fact in reversed(self._facts):
            if digest == fact.digest:
                if fact.digest not in self._read:
                    self._read = {fact.digest: _read(sequence, fact)}
                return self._read[fact.digest]
        return None


def _read(sequence: int, fact: SnapshotTaken) -> ReadSnapshot:
    digest = digest_of(fact.document)
    if digest is None:
        raise ValueError("its digest does not match its content")
    fields: dict[str, Any] = json.loads(fact.document)
    return ReadSnapshot(snapshot_of(fields, digest), fields, sequence)
