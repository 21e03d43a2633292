"""A store of snapshots in memory for tests."""

from collections.abc import Mapping, Sequence

from evenflow.common.domain.errors import RevisionConflict, TemporarilyUnavailable
from evenflow.common.domain.usage.snapshot import sequence_of
from evenflow.common.ports.snapshots import NO_CHANGE, Change, Kept, StateForgotten


class FakeSnapshots:
    """`ports.snapshots.Snapshots`. `is_away` makes it fail as a store that is down does."""

    def __init__(self) -> None:
        """Nothing is kept."""
        self.kept = Kept()
        self.is_away = False
        self.lives: list[float] = []
        self.kept_pieces: dict[str, bytes] = {}
        self._writer: str | None = None

    def wipe(self) -> None:
        """Lose everything."""
        self.kept, self._writer = Kept(), None
        self.kept_pieces.clear()

    async def put(
        self,
        sequence: int,
        document: str,
        state: str,
        *,
        life_seconds: float,
        writer: str = "",
        change: Change = NO_CHANGE,
    ) -> int | None:
        """See `Snapshots.put`."""
        self._judge(writer)
        if self.kept.sequence >= sequence:
            return self.kept.sequence
        self.kept = Kept(sequence_of(document), document, state)
        self.lives.append(life_seconds)
        self._apply(change)
        return None

    async def keep(self, state: str, *, writer: str, change: Change = NO_CHANGE) -> None:
        """See `Snapshots.keep`."""
        self._judge(writer)
        self.kept = Kept(self.kept.sequence, self.kept.document, state)
        self._apply(change)

    async def claim(self, writer: str) -> Kept:
        """See `Snapshots.claim`."""
        self._answer()
        self._writer = writer
        return self.kept

    async def pieces(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """See `Snapshots.pieces`."""
        self._answer()
        return {name: self.kept_pieces[name] for name in names if name in self.kept_pieces}

    async def get(self) -> Kept:
        """See `Snapshots.get`."""
        self._answer()
        return self.kept

    async def document(self) -> str | None:
        """See `Snapshots.document`."""
        return (await self.get()).document

    def _judge(self, writer: str) -> None:
        self._answer()
        if writer and self._writer is None:
            raise StateForgotten("the store was wiped")
        if writer and writer != self._writer:
            raise RevisionConflict("another writer has claimed the store")

    def _apply(self, change: Change) -> None:
        if change.is_anew:
            self.kept_pieces.clear()
        for name in change.forgotten:
            self.kept_pieces.pop(name, None)
        self.kept_pieces.update(change.written)

    def _answer(self) -> None:
        if self.is_away:
            raise TemporarilyUnavailable("the store is away")
