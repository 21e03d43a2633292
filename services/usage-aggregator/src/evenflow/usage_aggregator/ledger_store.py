"""The ledger in the store of snapshots: taken over, written with every snapshot, read again."""

import zlib
from collections.abc import Mapping
from uuid import uuid4

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import EvenflowError
from evenflow.common.ports.snapshots import Change, Kept, Snapshots
from evenflow.usage_aggregator.core import ledger_codec
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.slots import Row
from evenflow.usage_aggregator.core.snapshot import TakenSnapshot
from evenflow.usage_aggregator.core.window import Window

_LEVEL = 1  # zlib's fastest: amounts repeat, so most of the gain is there


class StateDamaged(EvenflowError):
    """A piece of the kept state is gone or cannot be read: samples have to be fetched again."""


class LedgerStore:
    """One writer's ledger in the store. Pieces are packed; the store knows nothing of them."""

    def __init__(
        self, snapshots: Snapshots, source: ledger_codec.Source, half_life_us: int, window: Window
    ) -> None:
        """Nothing is claimed before `claim`."""
        self._snapshots = snapshots
        self._source = source
        self._half_life_us = half_life_us
        self._window = window
        self._writer = ""
        self._series_kept: tuple[int, int] | None = None
        self._is_anew = True  # what lies there is of no use

    async def claim(self) -> Kept:
        """Become the store's only writer and return what is kept.

        Raises:
            TemporarilyUnavailable: the store does not answer.
        """
        self._writer = uuid4().hex
        self._series_kept, self._is_anew = None, True
        return await self._snapshots.claim(self._writer)

    async def restore(self, kept: Kept) -> tuple[Ledger, str | None] | None:
        """Return ledger and mark of the last writer; None when there is nothing to go on with.

        Raises:
            TemporarilyUnavailable: the store does not answer.
        """
        if kept.state is None:
            return None
        found = ledger_codec.read_state(kept.state, self._source, self._half_life_us, self._window)
        if found is None:
            return None
        try:
            pieces = _unpacked(await self._snapshots.pieces(found.names))
        except zlib.error:
            return None
        ledger = ledger_codec.restore_ledger(found, pieces, self._half_life_us, self._window)
        if ledger is None:
            return None
        self._is_anew = False
        return ledger, found.mark

    async def restore_rows(self, ledger: Ledger, now: Instant) -> None:
        """Give the ledger those rows back that it needs for sums of `now`.

        Raises:
            TemporarilyUnavailable: the store does not answer.
            StateDamaged: they are not all there.
        """
        key = ledger.slot_needing_rows(now)
        if key is None:
            return
        names = ledger_codec.row_names(key, ledger.slots[key].rows_kept)
        found = await self._snapshots.pieces(names)
        if len(found) < len(names):
            raise StateDamaged(f"{len(found)} of {len(names)} pieces of slot {key} are there")
        try:
            rows: list[Row] = []
            for data in _unpacked(found).values():
                rows += ledger_codec.rows_of(data)
        except (ValueError, zlib.error) as error:
            raise StateDamaged(f"a piece of slot {key} cannot be read: {error}") from error
        ledger.restore_rows(key, rows)

    async def publish(
        self, ledger: Ledger, mark: str | None, taken: TakenSnapshot, life_seconds: float
    ) -> int | None:
        """Write snapshot and ledger in one step; return the sequence that stands if one does.

        Raises:
            TemporarilyUnavailable, RevisionConflict, StateForgotten: see `Snapshots.put`.
        """
        change = self._change(ledger)
        standing = await self._snapshots.put(
            taken.sequence,
            taken.document,
            ledger_codec.dump_state(ledger, self._source, mark),
            life_seconds=life_seconds,
            writer=self._writer,
            change=change,
        )
        if standing is None:
            self._written(ledger)
        return standing

    async def save(self, ledger: Ledger, mark: str | None) -> None:
        """Write the ledger alone, in the middle of a long fetch; raises as `publish` does."""
        change = self._change(ledger)
        state = ledger_codec.dump_state(ledger, self._source, mark)
        await self._snapshots.keep(state, writer=self._writer, change=change)
        self._written(ledger)

    def _change(self, ledger: Ledger) -> Change:
        is_new_series = self._series_kept != _edition(ledger)
        pieces = ledger_codec.changed_pieces(ledger, is_new_series=is_new_series)
        packed = {name: _packed(name, data) for name, data in pieces.written.items()}
        return Change(packed, pieces.forgotten, is_anew=self._is_anew)

    def _written(self, ledger: Ledger) -> None:
        self._series_kept, self._is_anew = _edition(ledger), False
        ledger_codec.mark_written(ledger)


def _edition(ledger: Ledger) -> tuple[int, int]:
    return len(ledger.series), ledger.series.edition


def _packed(name: str, data: bytes) -> bytes:
    # Sums have no bits to spare, and those of the newest slot are written at every poll.
    return data if ledger_codec.is_sums(name) else zlib.compress(data, _LEVEL)


def _unpacked(pieces: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        name: data if ledger_codec.is_sums(name) else zlib.decompress(data)
        for name, data in pieces.items()
    }
