"""The ledger as it is kept beyond its process: a small state, and pieces that seldom change. Pure.

The state is text and is written at every poll. Pieces are bytes under names: the keys of all
series, the sums of each slot, and the rows of slots whose rows may be wanted again. Only what
changed is given to be written, so a poll costs what is new and not what the window holds.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evenflow.common.domain.clock import Instant
from evenflow.usage_aggregator.core.groups import Groups
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.series import Key, Series
from evenflow.usage_aggregator.core.slots import Row, Slot
from evenflow.usage_aggregator.core.window import Window

FORMAT: Final = 3
"""Of what is kept. Anything else is not read: the samples are fetched again."""

SERIES: Final = "series"

_SUMS: Final = "sums."

_ROW_HEAD: Final = 2  # numbers before the ids: the end, how many


@dataclass(frozen=True, slots=True)
class Source:
    """Whose samples a ledger holds: another log or another store knows nothing of its mark."""

    log_id: str
    backend: str


@dataclass(frozen=True, slots=True)
class Pieces:
    """What is to be written, and names of what is to be forgotten."""

    written: dict[str, bytes] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)


def dump_state(ledger: Ledger, source: Source, mark: str | None) -> str:
    """Return the state as text; floats read back bit by bit."""
    document = {
        "format": FORMAT,
        "log_id": source.log_id,
        "backend": source.backend,
        "window": _window(ledger.window),
        "half_life_us": ledger.half_life_us,
        "mark": mark,
        "origin": ledger.origin,
        "data_until": ledger.data_until,
        "capacity": ledger.capacity,
        "seen": list(ledger.seen),
        "rows": {str(key): _rows_after(slot) for key, slot in ledger.slots.items()},
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def changed_pieces(ledger: Ledger, *, is_new_series: bool) -> Pieces:
    """Return what differs from what is kept; `mark_written` says that it is kept now."""
    pieces = Pieces()
    for key in ledger.dropped:
        if key not in ledger.slots:
            pieces.forgotten.append(_sums_name(key))
            pieces.forgotten.extend(row_names(key, ledger.rows_dropped.get(key, 0)))
    if is_new_series:
        pieces.written[SERIES] = json.dumps(
            ledger.series.keys, separators=(",", ":"), allow_nan=False
        ).encode()
    for key, slot in ledger.slots.items():
        if slot.is_changed:
            pieces.written[_sums_name(key)] = slot.sums.astype("<f8").tobytes()
        if slot.pending:
            name = row_names(key, slot.rows_kept + 1)[-1]
            pieces.written[name] = b"".join(map(_row_bytes, slot.pending))
    return pieces


def mark_written(ledger: Ledger) -> None:
    """Note that all changed pieces are kept."""
    ledger.dropped.clear()
    ledger.rows_dropped.clear()
    for slot in ledger.slots.values():
        slot.rows_kept = _rows_after(slot)
        slot.is_changed = False
        slot.pending.clear()


@dataclass(frozen=True, slots=True)
class SavedState:
    """A state that can be gone on with, once the pieces of these names are read."""

    fields: Mapping[str, object]
    mark: str | None
    rows: Mapping[int, int]  # slot to how many of its rows are kept
    names: Sequence[str]


def read_state(text: str, source: Source, half_life_us: int, window: Window) -> SavedState | None:
    """Read a state; None when it is damaged or of another format, source, half-life or window."""
    try:
        found = json.loads(text)
        expected = {
            "format": FORMAT,
            "log_id": source.log_id,
            "backend": source.backend,
            "window": _window(window),
            "half_life_us": half_life_us,
        }
        if any(found[name] != value for name, value in expected.items()):
            return None
        rows = {int(key): int(count) for key, count in found["rows"].items()}
        mark = found["mark"]
        if not (mark is None or isinstance(mark, str)):
            return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return SavedState(found, mark, rows, (SERIES, *map(_sums_name, rows)))


def restore_ledger(
    found: SavedState, pieces: Mapping[str, bytes], half_life_us: int, window: Window
) -> Ledger | None:
    """Return the ledger of a state and its pieces; None when one is missing or damaged."""
    ledger = Ledger(half_life_us, window)
    fields = found.fields
    try:
        keys = [None if key is None else _key(key) for key in json.loads(pieces[SERIES])]
        ledger.series = Series(keys)
        ledger.groups = Groups(ledger.series)
        ledger.origin = _instant(fields["origin"])
        ledger.data_until = _instant(fields["data_until"]) or 0
        ledger.capacity = _amounts(fields["capacity"])
        ledger.seen = dict.fromkeys(_texts(fields["seen"]))
        for key, rows in found.rows.items():
            sums = np.frombuffer(pieces[_sums_name(key)], dtype="<f8").astype(np.float64)
            ledger.slots[key] = Slot(sums, rows)
        if found.rows:
            # Only the rows tell which series they hold, so any may be in the newest.
            ledger.series.touch(np.arange(len(keys), dtype=np.int64), max(found.rows))
    except (ValueError, KeyError, TypeError):
        return None
    return ledger


def row_names(key: int, count: int) -> list[str]:
    """Return the names under which the rows of a slot are kept."""
    return [f"rows.{key}.{number}" for number in range(count)]


def rows_of(data: bytes) -> Iterable[Row]:
    """Read rows back.

    Raises:
        ValueError: they are damaged.
    """
    at = 0
    while at < len(data):
        end, count = np.frombuffer(data, dtype="<i8", count=_ROW_HEAD, offset=at).tolist()
        at += 8 * _ROW_HEAD
        ids = np.frombuffer(data, dtype="<i4", count=count, offset=at).astype(np.int64)
        at += 4 * count
        amounts = np.frombuffer(data, dtype="<f8", count=count, offset=at).astype(np.float64)
        at += 8 * count
        yield Row(end, ids, amounts)


def _row_bytes(row: Row) -> bytes:
    head = np.array([row.ended_at, len(row.ids)], dtype="<i8")
    return b"".join(
        (head.tobytes(), row.ids.astype("<i4").tobytes(), row.amounts.astype("<f8").tobytes())
    )


def _rows_after(slot: Slot) -> int:
    return slot.rows_kept + bool(slot.pending)


def is_sums(name: str) -> bool:
    """Whether a piece holds the sums of a slot."""
    return name.startswith(_SUMS)


def _sums_name(key: int) -> str:
    return f"{_SUMS}{key}"


def _window(window: Window) -> str:
    return repr(window)


def _key(found: object) -> Key:
    if not isinstance(found, list) or [type(part) for part in found] != [str] * 4:
        raise ValueError("not the key of a series")
    queue, project, user, resource = found
    return queue, project, user, resource


def _instant(found: object) -> Instant | None:
    if not (found is None or isinstance(found, int)):
        raise ValueError("not an instant")
    return found


def _amounts(found: object) -> dict[str, float]:
    if not isinstance(found, dict):
        raise ValueError("not amounts by name")  # noqa: TRY004 - damaged text, not a wrong call
    return {str(name): float(amount) for name, amount in found.items()}


def _texts(found: object) -> list[str]:
    if not isinstance(found, list):
        raise ValueError("not a list")  # noqa: TRY004 - as above
    return list(map(str, found))
