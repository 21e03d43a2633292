"""The newest usage snapshots of the log, read when somebody asks for their content."""

import json
from dataclasses import dataclass, field
from typing import Any

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.state.usage_documents import SnapshotFacts, UsageDocuments
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

    _documents: UsageDocuments = field(default_factory=UsageDocuments)
    _newest: int = 0
    _read: dict[str, ReadSnapshot] = field(default_factory=dict)  # the one that was asked for last

    def note(self, entry: Entry) -> None:
        """Take notice of an entry; call it for every one, in order."""
        if isinstance(entry.fact, SnapshotTaken):
            self._note(entry.sequence, entry.fact)

    def begin(self, facts: SnapshotFacts) -> None:
        """Take notice of what a base remembers: behind it the fold does not meet them again."""
        for sequence in sorted(facts):
            self._note(sequence, facts[sequence])

    def _note(self, sequence: int, fact: SnapshotTaken) -> None:
        self._documents.note(sequence, fact)
        self._newest = max(self._newest, sequence)

    def newest(self) -> tuple[int, SnapshotTaken] | None:
        """Return the newest one and the sequence of its fact, unread."""
        if not self._newest:
            return None
        return self._newest, self._documents.facts[self._newest]

    def find(self, digest: str | None) -> ReadSnapshot | None:
        """Return the snapshot of that digest; None when it is not one of the last.

        Raises:
            ValueError, KeyError, TypeError, AttributeError, UnreadableMessage: it is no snapshot.
        """
        for sequence, fact in sorted(self._documents.facts.items(), reverse=True):
            if digest == fact.digest:
                if fact.digest not in self._read:
                    self._read = {fact.digest: _read(sequence, self._documents.document(sequence))}
                return self._read[fact.digest]
        return None


def _read(sequence: int, document: str) -> ReadSnapshot:
    digest = digest_of(document)
    if digest is None:
        raise ValueError("its digest does not match its content")
    fields: dict[str, Any] = json.loads(document)
    return ReadSnapshot(snapshot_of(fields, digest), fields, sequence)
