"""A service's one reader: start from a base, fold the log in order, say what changed."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from math import nan

from evenflow.common.contracts import checkpoint, codec
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import LogMismatch, UnreadableMessage
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import FactReader, LogMessage
from evenflow.common.runtime.process.context import ServiceContext

OnFolded = Callable[[Entry, Folded | Void], None]
OnBatch = Callable[[], Awaitable[None]]
OpenReader = Callable[[int], Awaitable[FactReader]]
"""Opens the log behind a sequence: the first message read is the one after it."""

BATCH = 500  # messages folded between two looks at anything else


async def _nothing() -> None:
    return


def _load(data: bytes, log_id: str) -> ShardState:
    """Load a base with the collector off, then keep it out of the collector's sight."""
    gc.disable()
    try:
        return checkpoint.load(data, log_id)
    finally:
        gc.freeze()
        gc.enable()


class Follower:
    """Holds the state of a shard and moves it with the log.

    `on_folded` is called for every entry, in order, right after it was folded; `on_batch` once what
    was waiting has been folded, and the next batch waits for it, so a slow view delays only its own
    reading. Whoever looks at the state over an await holds `folding` meanwhile.
    """

    def __init__(
        self,
        ctx: ServiceContext,
        open_reader: OpenReader,
        log_id: str,
        *,
        on_folded: OnFolded = lambda _entry, _outcome: None,
        on_batch: OnBatch = _nothing,
    ) -> None:
        """Nothing is read before `load`."""
        self.state = ShardState()
        self.folding = asyncio.Lock()
        self.base = 0  # sequence of the checkpoint that was loaded
        self._ctx = ctx
        self._open_reader = open_reader
        self._log_id = log_id
        self._on_folded = on_folded
        self._on_batch = on_batch
        self._reader: FactReader | None = None
        self._done = 0  # folded, and its batch is done
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        ctx.metrics.show_lag(self.lag)

    async def load(self, bases: AsyncIterator[tuple[int, bytes]] | None = None) -> ShardState:
        """Take the first base that is whole and that the log goes on from; else begin at the start.

        `bases` are (sequence, checkpoint), best first.

        Raises:
            LogMismatch: no base fits, and the log no longer holds its beginning.
        """
        if bases is not None:
            async for sequence, data in bases:
                try:
                    state = await asyncio.to_thread(_load, data, self._log_id)
                    self._reader = await self._open_reader(sequence)
                except (UnreadableMessage, LogMismatch) as error:
                    self._ctx.log.warning("base_skipped", sequence=sequence, reason=str(error))
                    continue
                self.state, self._done, self.base = state, sequence, sequence
                return state
        self._reader = await self._open_reader(0)
        return self.state

    def lag(self) -> float:
        """Return how many messages of the log are not folded here; NaN when nobody knows."""
        end = self._reader.known_end if self._reader is not None else None
        return nan if end is None else max(0, end - self._done)

    async def run(self) -> None:
        """Fold until the task is cancelled.

        Raises:
            UnreadableMessage, BrokenInvariant: the service must stop; a fact is never stepped over.
        """
        if self._reader is None:
            raise RuntimeError("load() comes before run()")
        async for batch in self._reader.batches(BATCH):
            async with self.folding:
                for message in batch:
                    self._fold(message)
                await self._on_batch()
            self._wake()

    def _fold(self, message: LogMessage) -> None:
        if message.sequence <= self.state.sequence:
            return  # told twice
        entry = codec.decode(message.subject, message.data, message.sequence)
        outcome = apply(self.state, entry)
        is_void = isinstance(outcome, Void)
        self._ctx.metrics.events_handled.labels(
            message.subject, "void" if is_void else "folded"
        ).inc()
        if isinstance(outcome, Void):
            self._ctx.log.warning(
                "fact_void", subject=message.subject, sequence=entry.sequence, reason=outcome.reason
            )
        self._on_folded(entry, outcome)

    async def reach(self, sequence: int) -> None:
        """Wait until everything up to `sequence` is folded and its batch is done."""
        if self._done >= sequence:
            return
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((sequence, reached))
        await reached

    async def catch_up(self) -> None:
        """Wait until everything that the log holds now is folded. `run` must be under way."""
        if self._reader is None:
            raise RuntimeError("load() comes before catch_up()")
        await self.reach(await self._reader.last_sequence())

    def _wake(self) -> None:
        self._done = self._ctx.health.cursor = self.state.sequence
        still = []
        for sequence, reached in self._waiting:
            if sequence > self._done:
                still.append((sequence, reached))
            elif not reached.done():
                reached.set_result(None)
        self._waiting = still
