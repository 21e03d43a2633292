"""A store of snapshots in memory for tests."""

from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.usage import sequence_of
from evenflow.common.ports.snapshots import Kept


class FakeSnapshots:
    """`ports.snapshots.Snapshots`. `is_away` makes it fail as a store that is down does."""

    def __init__(self) -> None:
        """Nothing is kept."""
        self.kept = Kept()
        self.is_away = False
        self.lives: list[float] = []

    def wipe(self) -> None:
        """Lose everything."""
        self.kept = Kept()

    async def put(
        self, sequence: int, document: str, state: str, *, life_seconds: float
    ) -> int | None:
        """See `Snapshots.put`."""
        self._answer()
        if self.kept.sequence >= sequence:
            return self.kept.sequence
        self.kept = Kept(sequence_of(document), document, state)
        self.lives.append(life_seconds)
        return None

    async def get(self) -> Kept:
        """See `Snapshots.get`."""
        self._answer()
        return self.kept

    async def document(self) -> str | None:
        """See `Snapshots.document`."""
        return (await self.get()).document

    def _answer(self) -> None:
        if self.is_away:
            raise TemporarilyUnavailable("the store is away")
