"""Where usage snapshots are kept for all to read, with their writer's state. Decides nothing."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """What is there. `sequence` is the document's, 0 when there is none."""

    sequence: int = 0
    document: str | None = None
    state: str | None = None


class Snapshots(Protocol):
    """One document and one state a shard, replaced together."""

    async def put(
        self, sequence: int, document: str, state: str, *, life_seconds: float
    ) -> int | None:
        """Keep both in one step and announce the sequence, unless one as high is kept already.

        The document begins with `{"schema":N,"sequence":N`. It is gone after `life_seconds`; the
        state stays.

        Returns:
            None when they are kept, else the sequence that stands.

        Raises:
            TemporarilyUnavailable: the store does not answer; they may be kept or not.
        """

    async def get(self) -> Kept:
        """Return what is kept.

        Raises:
            TemporarilyUnavailable: the store does not answer.
        """

    async def document(self) -> str | None:
        """Return the document alone; raises as `get` does."""
