"""The state of a shard as a client sees it: the fold of all services, fed by the event stream."""

from typing import Final

from evenflow.client.models.facts import FactEvent
from evenflow.common.contracts.codec import decode
from evenflow.common.contracts.subjects import KINDS, subject_of
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.fold.fold import Folded, Void, apply
from evenflow.common.domain.state.shard_state import ShardState

_ANY_SHARD: Final = "main"  # a subject is needed to decode; only its kind is looked at


class Mirror:
    """Folds facts from the first one of a log on; each costs what it costs a service."""

    def __init__(self) -> None:
        """An empty log."""
        self.state = ShardState()

    def decode(self, event: FactEvent) -> Entry:
        """Read a fact without folding it.

        Raises:
            UnreadableMessage: it is of a kind that this version does not know.
        """
        if event.kind not in KINDS:
            raise UnreadableMessage(event.kind, "this version does not know it; update the client")
        subject = subject_of(KINDS[event.kind], _ANY_SHARD)
        return decode(subject, event.data.encode(), event.sequence)

    def fold(self, entry: Entry) -> Folded | Void:
        """Move the state by a fact; returns what the law makes of it."""
        return apply(self.state, entry)
