"""Look ahead in the log for the facts `log.skipped`: only they are read, whatever lies between."""

from collections.abc import AsyncIterator

from nats.js.errors import NotFoundError

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import PREFIX, kind_of
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.facts.log import Skipped
from evenflow.common.domain.skips import Skips


class LogSkips:
    """`ports.log.KnownSkips` of one stream."""

    def __init__(self, connection: NatsConnection, stream: str) -> None:
        """Nothing is known before `refresh`."""
        self._connection = connection
        self._stream = stream
        self._subject = f"{PREFIX}.*.{kind_of(Skipped)}"
        self._skips = Skips()

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """All ranges that are passed over, as far as was looked."""
        return list(self._skips.ranges)

    def covers(self, first: int, last: int) -> bool:
        """Whether all of these sequences are to be passed over."""
        return self._skips.covers(first, last)

    def is_dropped(self, sequence: int, *, fits: bool = False, told_of: int = 0) -> bool:
        """Whether what was folded up to here is dropped; see `Skips.is_dropped`."""
        return self._skips.is_dropped(sequence, fits=fits, told_of=told_of)

    def cuts_ahead_of(self, sequence: int) -> set[int]:
        """Return where the losses were told of that lie behind this sequence."""
        return self._skips.cuts_ahead_of(sequence)

    async def refresh(self) -> None:
        """Look for newer facts, up to the log's end; raises TemporarilyUnavailable."""
        async for entry in self._newer():
            self._skips.add(entry.sequence, entry.fact)

    async def _newer(self) -> AsyncIterator[Entry]:
        after = self._skips.known
        while True:
            with broker_errors("looking for skipped sequences"):
                try:
                    found = await self._connection.js.get_msg(
                        self._stream, after + 1, self._subject, next=True
                    )
                except NotFoundError:
                    return
            after = found.seq or 0
            try:
                yield codec.decode(self._subject, found.data or b"", after)
            except UnreadableMessage:  # garbage under this subject is skipped by another such fact
                continue
