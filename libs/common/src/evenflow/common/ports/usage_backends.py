"""What the aggregator needs of a store of usage, and of its kind. Decides nothing.

A kind comes with Evenflow or as an entry point of the group `evenflow.usage_backends`; the setting
`usage.backend.type` chooses one by name. Its own settings stand in `usage.backend.<name>`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.facts.usage import UsageSample
from evenflow.common.ports.samples import SampleLog


class TimeKept(StrEnum):
    """On which clock a store's instants are."""

    SHARD = "shard"
    WALL = "wall"


@dataclass(frozen=True, slots=True)
class BackendSetup:
    """What a kind is told when its store is opened."""

    options: Mapping[str, Any]  # of `usage.backend.<name>`, as the settings gave them
    step_us: int  # wall; the time between two polls
    history_us: int | None  # wall; what ended earlier than that before now counts no more
    samples: SampleLog | None  # the stream of samples; None while options are only judged


@dataclass(frozen=True, slots=True)
class UsageBatch:
    """What a store had that is new, in no certain order.

    `mark` is where the next fetch goes on; text that only the store reads. With `is_all` false
    there is more: ask again at once. Amounts are base units times seconds. A sample's id makes
    repetitions harmless; a store that cannot tell jobs or users leaves them empty.
    """

    samples: Sequence[UsageSample]
    mark: str | None
    is_all: bool = True


class UsageStore(Protocol):
    """A store of usage that is read once a poll, at a cost of what is new."""

    async def fetch(self, mark: str | None, now: Instant) -> UsageBatch:
        """Return what came after the mark, up to `now`; of a long time only a bounded slice.

        Without a mark it begins with what may still count. `now` is on the store's clock.

        Raises:
            TemporarilyUnavailable: it does not answer, or not as it should; nothing is lost.
        """

    async def ping(self) -> str:
        """Return the version that the server answers with.

        Raises:
            TemporarilyUnavailable: as `fetch`.
        """

    async def close(self) -> None:
        """Leave its connections; a query under way is given up."""


@runtime_checkable
class UsageBackend(Protocol):
    """A kind of store."""

    @property
    def name(self) -> str:
        """The name under which it is registered."""

    @property
    def time_kept(self) -> TimeKept:
        """On which clock its stores' instants are."""

    def check(self, setup: BackendSetup) -> None:
        """Judge the options; nothing is opened.

        Raises:
            InvalidValue: an option cannot be used.
        """

    def open(self, setup: BackendSetup) -> AbstractAsyncContextManager[UsageStore]:
        """Open a store; leaving the context closes it."""
