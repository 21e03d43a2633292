"""A service's one reader: start from a base, fold the log in order, say what changed."""

import asyncio
import gc
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from math import nan

from evenflow.common.contracts import checkpoint, codec
from evenflow.common.domain.entry import Entry, UnknownFact
from evenflow.common.domain.errors import (
    LogCut,
    LogGap,
    LogMismatch,
    TemporarilyUnavailable,
    UnreadableMessage,
)
from evenflow.common.domain.facts.log import Skipped
from evenflow.common.domain.fold.fold import apply, pass_over
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import FactReader, LogMessage
from evenflow.common.runtime.process.context import ServiceContext
from evenflow.common.runtime.reading import (
    LOOK_SECONDS,
    FoldAnew,
    Reading,
    Standstill,
    at_cut,
    at_gap,
    at_message,
)

OnFolded = Callable[[Entry, Folded | Void], None]
OnBatch = Callable[[], Awaitable[None]]
OpenReader = Callable[[int, int], Awaitable[FactReader]]
"""Opens the log behind a sequence: the first message read is the one after it.

The second number is where the state was last told of a loss; see `Skips.is_dropped`."""

Bases = Callable[[], AsyncIterator[tuple[int, bytes]]]
"""Lists (sequence, checkpoint) anew at each call, best first."""

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


def _tells_of_loss(entry: Entry) -> bool:
    return isinstance(entry.fact, Skipped) and entry.fact.cut_after >= 0


class _Unfoldable(Exception):
    """The fold broke on a message that can be read."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


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
        self.reading = Reading(ctx)
        self.is_half_folded = False
        """The fold broke in the middle of a fact: nobody may see, show or keep the state."""
        self._ctx = ctx
        self._passed: set[int] = set()  # where losses were told of that this state has no part in
        self._asked = 0  # sequence of the base that is looked at
        self._open_reader = open_reader
        self._log_id = log_id
        self._on_folded = on_folded
        self._on_batch = on_batch
        self._reader: FactReader | None = None
        self._done = 0  # folded, and its batch is done
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        ctx.metrics.show_lag(self.lag)

    async def load(self, bases: Bases | None = None, *, is_last_resort: bool = True) -> ShardState:
        """Take the first base that is whole and that the log goes on from; else begin at the start.

        `bases()` yields (sequence, checkpoint), best first. While the log lacks what a base was
        folded from, this stands and says so; also while no base fits and the log lacks its
        beginning, where the caller knows no other bases.

        Raises:
            LogMismatch: no base fits, and this is not the last resort.
        """
        while True:
            try:
                state = await self._load_one(bases)
            except LogCut as cut:
                self.reading.tell(at_cut(self._asked, cut))
            except LogGap as gap:
                if not is_last_resort:
                    raise
                self.reading.tell(at_gap(gap))
            else:
                self.reading.go_on()
                return state
            await asyncio.sleep(LOOK_SECONDS)

    async def _load_one(self, bases: Bases | None) -> ShardState:
        if bases is not None:
            async for sequence, data in bases():
                self._asked = sequence
                try:
                    state = await asyncio.to_thread(_load, data, self._log_id)
                    self._reader = await self._open_at(state)
                except LogCut:
                    raise
                except (UnreadableMessage, LogMismatch) as error:
                    self._ctx.log.warning("base_skipped", sequence=sequence, reason=str(error))
                    continue
                self.state, self._done, self.base = state, sequence, sequence
                self._note_cuts()
                return state
        self._reader = await self._open_reader(0, 0)
        self._note_cuts()
        return self.state

    def lag(self) -> float:
        """Return how many messages of the log are not folded here; NaN when nobody knows."""
        end = self._reader.known_end if self._reader is not None else None
        return nan if end is None else max(0, end - self._done)

    async def _open_at(self, state: ShardState) -> FactReader:
        """Open the log behind a state that was folded from it, and from nothing else.

        Raises:
            LogCut: it was folded from messages that the log has lost; nobody has agreed to that.
            LogMismatch: they are lost, and it is agreed that this state is dropped.
        """
        reader = await self._open_reader(state.sequence, state.last_loss)
        at, event_id = state.last_event
        fits = not event_id or await reader.holds(at, event_id)
        if reader.skips.is_dropped(state.sequence, fits=fits, told_of=state.last_loss):
            await reader.close()
            raise LogMismatch("some of what it was folded from was lost, and is passed over")
        if not fits:
            await reader.close()
            raise LogCut(
                f"message {at} of the log was folded, and is not there any more: the log has lost "
                "its end"
            )
        return reader

    def _note_cuts(self) -> None:
        """Note which losses are known while this state has folded nothing of what was lost."""
        if self._reader:
            self._passed |= self._reader.skips.cuts_ahead_of(self.state.sequence)

    async def run(self) -> None:
        """Fold until the task is cancelled; stand where nothing can be folded.

        Raises:
            FoldAnew: this process cannot go on with the state it has.
            LogMismatch: it is another log.
        """
        if self._reader is None:
            raise RuntimeError("load() comes before run()")
        while True:
            try:
                async for batch in self._reader.batches(BATCH):
                    await self._fold_batch(deque(batch))
            except LogGap as gap:
                await self.reading.wait(at_gap(gap), self._reader)
                self._note_cuts()
            except LogCut as cut:
                await self._wait_for_repair(cut)

    async def _fold_batch(self, rest: deque[LogMessage]) -> None:
        while rest:
            async with self.folding:
                standstill = self._fold_some(rest)
                self.is_half_folded = bool(standstill and standstill.is_half_folded)
                if not self.is_half_folded:  # else nobody may see, show or keep this state
                    await self._on_batch()
            if not self.is_half_folded:
                self._wake()
            if standstill and self._reader:
                await self.reading.wait(standstill, self._reader)
                self._note_cuts()

    async def _wait_for_repair(self, cut: LogCut) -> None:
        """This state is ahead of the log. Raises FoldAnew once it is agreed that it is dropped."""
        at = self.state.sequence
        while True:
            self.reading.tell(at_cut(at, cut))
            if self._reader:
                with suppress(TemporarilyUnavailable):
                    await self._reader.skips.refresh()
                if self._reader.skips.is_dropped(at, told_of=self.state.last_loss):
                    raise FoldAnew(f"the state at {at} is dropped: the log has lost its end")
            await asyncio.sleep(LOOK_SECONDS)

    def _fold_some(self, rest: deque[LogMessage]) -> Standstill | None:
        """Fold what waits, up to what cannot be folded."""
        while rest:
            message = rest[0]
            try:
                self._fold(message)
            except UnreadableMessage as error:
                return at_message(message.sequence, message.subject, error, is_half_folded=False)
            except _Unfoldable as error:
                cause = error.cause
                return at_message(message.sequence, message.subject, cause, is_half_folded=True)
            rest.popleft()
        return None

    def _fold(self, message: LogMessage) -> None:
        sequence, subject = message.sequence, message.subject
        if sequence <= self.state.sequence:
            return  # told twice
        handled = self._ctx.metrics.events_handled
        if self._reader and self._reader.skips.covers(sequence, sequence):
            pass_over(self.state, sequence)
            handled.labels(subject, "skipped").inc()
            return
        entry = codec.decode(subject, message.data, sequence)
        if _tells_of_loss(entry) and sequence not in self._passed:
            raise FoldAnew(f"the log has lost messages that were folded here: see fact {sequence}")
        try:
            outcome = apply(self.state, entry)
        except Exception as error:
            # Whatever broke: half of it may be in the state, and the next start breaks on it too.
            raise _Unfoldable(error) from error
        if isinstance(entry.fact, UnknownFact):
            handled.labels(subject, "unknown").inc()
        elif isinstance(outcome, Void):
            handled.labels(subject, "void").inc()
            self._ctx.log.warning(
                "fact_void", subject=subject, sequence=sequence, reason=outcome.reason
            )
        else:
            handled.labels(subject, "folded").inc()
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
