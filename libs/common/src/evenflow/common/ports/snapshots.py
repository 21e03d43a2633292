"""Where usage snapshots are kept for all to read, with their writer's state. Decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evenflow.common.domain.errors import EvenflowError


class StateForgotten(EvenflowError):
    """The store no longer knows this writer: it was wiped, what lay there is to be made anew."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is there. `sequence` is the document's, 0 when there is none."""

    sequence: int = 0
    document: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What one step does to the writer's pieces: bytes by name, and names that go.

    `is_anew`: nothing that was there before stays.
    """

    written: Mapping[str, bytes] = field(default_factory=dict)
    forgotten: Sequence[str] = ()
    is_anew: bool = False


NO_CHANGE = Change()


class Snapshots(Protocol):
    """One document, one state and named pieces of it a shard, replaced together.

    A writer that claims the store is the only one from then on: what others write under a claim of
    their own is refused. Without a claim (`writer` empty) everybody may write.
    """

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
        """Keep all in one step and announce the sequence, unless one as high is kept already.

        The document begins with `{"schema":N,"sequence":N`. It is gone after `life_seconds`; state
        and pieces stay.

        Returns:
            None when they are kept, else the sequence that stands.

        Raises:
            TemporarilyUnavailable: the store does not answer; they may be kept or not.
            RevisionConflict: another writer has claimed the store; nothing was kept.
            StateForgotten: nobody has; nothing was kept.
        """

    async def keep(self, state: str, *, writer: str, change: Change = NO_CHANGE) -> None:
        """Keep state and pieces alone; raises as `put` does."""

    async def claim(self, writer: str) -> Kept:
        """Become the only writer and return what is kept; raises as `get` does."""

    async def pieces(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """Return those pieces that there are; raises as `get` does."""

    async def get(self) -> Kept:
        """Return what is kept.

        Raises:
            TemporarilyUnavailable: the store does not answer.
        """

    async def document(self) -> str | None:
        """Return the document alone; raises as `get` does."""
