"""The documents of the newest usage snapshots, made of facts that tell them whole or as changes.

Facts are held as they came; a document is made when somebody asks for it. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.usage.content import UsageContent, document_of, unpack_content

KEPT: Final = 4
"""Snapshots that a state remembers: a cycle may decide by one that is not the newest any more."""

SnapshotFacts = dict[int, SnapshotTaken]
"""By the sequence of the fact in the log, in its order."""


def remember(facts: SnapshotFacts, sequence: int, fact: SnapshotTaken, most: int = KEPT) -> None:
    """Add a fact; forget all but the newest and those that they change."""
    facts[sequence] = fact
    if len(facts) <= most:
        return
    newest = sorted(facts)[-most:]
    needed = {*newest, *(facts[each].whole_at for each in newest)}
    for each in [each for each in facts if each not in needed]:
        del facts[each]


@dataclass(slots=True)
class UsageDocuments:
    """Facts of snapshots, and the documents that they tell."""

    most: int = KEPT
    facts: SnapshotFacts = field(default_factory=dict)
    _whole: tuple[int, UsageContent] | None = None  # the one that was read last

    def note(self, sequence: int, fact: SnapshotTaken) -> None:
        """Take notice of a fact; call it for every one, in order."""
        remember(self.facts, sequence, fact, self.most)

    def note_all(self, facts: Mapping[int, SnapshotTaken]) -> None:
        """Take notice of those that a state remembers."""
        for sequence in sorted(facts):
            self.note(sequence, facts[sequence])

    def document(self, sequence: int) -> str:
        """Return the document that the fact at a sequence tells.

        Raises:
            UnreadableMessage: it is damaged, or what it changes is not known here.
        """
        fact = self.facts.get(sequence)
        if fact is None:
            raise UnreadableMessage("usage snapshot", f"the one at {sequence} is not known here")
        if fact.document or not fact.content:
            return fact.document
        document, digest = document_of(self._content(sequence, fact))
        if digest != fact.digest:
            raise UnreadableMessage(
                "usage snapshot", f"what {sequence} tells does not match its digest"
            )
        return document

    def _content(self, sequence: int, fact: SnapshotTaken) -> UsageContent:
        if fact.whole_at:
            return unpack_content(fact.content, self._whole_of(fact.whole_at))
        return self._whole_of(sequence)

    def _whole_of(self, sequence: int) -> UsageContent:
        if self._whole is not None and self._whole[0] == sequence:
            return self._whole[1]
        fact = self.facts.get(sequence)
        if fact is None or fact.whole_at:
            raise UnreadableMessage("usage snapshot", f"the whole one at {sequence} is not here")
        content = unpack_content(fact.content)
        self._whole = sequence, content
        return content
