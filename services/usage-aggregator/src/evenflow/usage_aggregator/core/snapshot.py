"""The ledger at one instant as the document that everybody reads (USG-16 to USG-18). Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.usage.snapshot import SCHEMA, seal_text
from evenflow.usage_aggregator.core.groups import Table
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.slots import Floats

_HOUR: Final = 3600.0
_GIB: Final = 2.0**30
_NUMBER: Final = "%.9g"  # nine digits: the noise of additions in another order lies below


@dataclass(frozen=True, slots=True)
class TakenSnapshot:
    """A snapshot: its document as text, and the digest in it."""

    sequence: int
    generated_at: Instant
    data_until: Instant
    document: str
    digest: str


@dataclass(frozen=True, slots=True)
class _Columns:
    """A group's numbers as text, each nine digits long: read by readers, never added up."""

    names: list[str]
    raw_hours: Mapping[str, str]  # commas between the numbers
    normalized: Mapping[str, str]

    def text(self) -> str:
        return (
            f'{{"names":{_json(self.names)},'
            f'"raw_hours":{_joined(self.raw_hours)},"normalized":{_joined(self.normalized)}}}'
        )

    def fields(self) -> dict[str, object]:
        return {
            "names": self.names,
            "raw_hours": {name: _floats(text) for name, text in self.raw_hours.items()},
            "normalized": {name: _floats(text) for name, text in self.normalized.items()},
        }


def take_snapshot(
    ledger: Ledger, now: Instant, sequence: int, backend: str = "log"
) -> TakenSnapshot:
    """Return the ledger's usage as of `now`, as the text that everybody reads."""
    head, groups = _content(ledger, now, sequence, backend)
    columns = ",".join(f'"{name}":{columns.text()}' for name, columns in groups.items())
    document, digest = seal_text(f"{_json(head)[:-1]},{columns}}}")
    return TakenSnapshot(sequence, now, ledger.data_until, document, digest)


def fields_of(
    ledger: Ledger, now: Instant, sequence: int, backend: str = "log"
) -> dict[str, object]:
    """Return what a document says of the ledger's usage as of `now`.

    Hours are of cores, cards, GiB and base units of others. `normalized` is usage over capacity,
    both decayed alike; 0 where no capacity is known, and the resource is named as such.
    """
    head, groups = _content(ledger, now, sequence, backend)
    return head | {name: columns.fields() for name, columns in groups.items()}


def _content(
    ledger: Ledger, now: Instant, sequence: int, backend: str
) -> tuple[dict[str, object], dict[str, _Columns]]:
    scale, sums = ledger.scale_at(now), ledger.sums_at(now)
    held = ledger.groups.capacity(sums)
    capacity = {name: amount for name, amount in held.items() if amount > 0}
    tables = ledger.groups.tables(sums)
    used = set(tables["queues"].columns)
    head: dict[str, object] = {
        "schema": SCHEMA,
        "sequence": sequence,
        "generated_at": now,
        "data_until": ledger.data_until,
        "window": ledger.window.described(now),
        "half_life_seconds": ledger.half_life_us / SECOND,
        "backend": backend,
        "capacity": {name: _short(ledger.capacity[name]) for name in sorted(ledger.capacity)},
        "capacity_hours": {
            name: _short(amount * scale / _per_hour(name))
            for name, amount in sorted(capacity.items())
        },
        "capacity_unknown": sorted(used - set(capacity)),
    }
    return head, {name: _columns(table, capacity, scale) for name, table in tables.items()}


def _columns(table: Table, capacity: Mapping[str, float], scale: float) -> _Columns:
    raw: dict[str, str] = {}
    normalized: dict[str, str] = {}
    for resource in sorted(table.columns):
        # A late end is taken back; what little may be left of it below zero is nothing.
        column = np.maximum(table.columns[resource], 0.0) + 0.0
        if column.any():
            raw[resource] = _numbers(column * (scale / _per_hour(resource)))
            known = capacity.get(resource)
            # The decay since the origin is in both, so it falls out.
            normalized[resource] = _numbers(column / known if known else column * 0.0)
    return _Columns(table.names, raw, normalized)


def _numbers(column: Floats) -> str:
    # One format of all: five times as fast as one a number.
    return ",".join([_NUMBER] * len(column)) % tuple(column.tolist())


def _floats(text: str) -> list[float]:
    return list(map(float, text.split(",")))


def _joined(columns: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{_json(name)}:[{text}]" for name, text in columns.items()) + "}"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _per_hour(resource: str) -> float:
    return _HOUR * (_GIB if resource == "memory" else 1.0)


def _short(number: float) -> float:
    return float(_NUMBER % number)
