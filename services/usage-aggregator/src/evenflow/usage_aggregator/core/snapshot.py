"""The ledger at one instant as the document that everybody reads (USG-16 to USG-18). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.usage.content import (
    as_json,
    hours_factor,
    numbers,
    per_hour,
    short,
)
from evenflow.common.domain.usage.snapshot import SCHEMA, seal_text
from evenflow.usage_aggregator.core.groups import Table
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.slots import Floats


@dataclass(frozen=True, slots=True)
class TakenSnapshot:
    """A snapshot: its document as text, the digest in it, and what it was made of."""

    sequence: int
    generated_at: Instant
    data_until: Instant
    document: str
    digest: str
    sums: "SnapshotSums"


@dataclass(frozen=True, slots=True)
class SnapshotSums:
    """What a document is made of; see `evenflow.common.domain.usage.content`."""

    head: Mapping[str, object]
    scale: float
    held: Mapping[str, float]
    tables: Mapping[str, Table]

    @property
    def resources(self) -> tuple[str, ...]:
        """The resources of every table."""
        return tuple(self.tables["queues"].columns)


@dataclass(frozen=True, slots=True)
class _Columns:
    """A group's numbers as text, each nine digits long: read by readers, never added up."""

    names: list[str]
    raw_hours: Mapping[str, str]  # commas between the numbers
    normalized: Mapping[str, str]

    def text(self) -> str:
        return (
            f'{{"names":{as_json(self.names)},'
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
    sums = _sums(ledger, now, sequence, backend)
    columns = ",".join(f'"{name}":{columns.text()}' for name, columns in _groups(sums).items())
    document, digest = seal_text(f"{as_json(sums.head)[:-1]},{columns}}}")
    return TakenSnapshot(sequence, now, ledger.data_until, document, digest, sums)


def fields_of(
    ledger: Ledger, now: Instant, sequence: int, backend: str = "log"
) -> dict[str, object]:
    """Return what a document says of the ledger's usage as of `now`.

    Hours are of cores, cards, GiB and base units of others. `normalized` is usage over capacity,
    both decayed alike; 0 where no capacity is known, and the resource is named as such.
    """
    sums = _sums(ledger, now, sequence, backend)
    return {**sums.head, **{name: each.fields() for name, each in _groups(sums).items()}}


def _sums(ledger: Ledger, now: Instant, sequence: int, backend: str) -> SnapshotSums:
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
        "capacity": {name: short(ledger.capacity[name]) for name in sorted(ledger.capacity)},
        "capacity_hours": {
            name: short(amount * scale / per_hour(name))
            for name, amount in sorted(capacity.items())
        },
        "capacity_unknown": sorted(used - set(capacity)),
    }
    return SnapshotSums(head, scale, capacity, tables)


def _groups(sums: SnapshotSums) -> dict[str, _Columns]:
    return {name: _columns(each, sums.held, sums.scale) for name, each in sums.tables.items()}


def _columns(table: Table, capacity: Mapping[str, float], scale: float) -> _Columns:
    raw: dict[str, str] = {}
    normalized: dict[str, str] = {}
    for resource in sorted(table.columns):
        # A late end is taken back; what little may be left of it below zero is nothing.
        column = np.maximum(table.columns[resource], 0.0) + 0.0
        if column.any():
            raw[resource] = _numbers(column * hours_factor(resource, scale))
            known = capacity.get(resource)
            # The decay since the origin is in both, so it falls out.
            normalized[resource] = _numbers(column / known if known else column * 0.0)
    return _Columns(table.names, raw, normalized)


def _numbers(column: Floats) -> str:
    return numbers(column.tolist())


def _floats(text: str) -> list[float]:
    return list(map(float, text.split(",")))


def _joined(columns: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{as_json(name)}:[{text}]" for name, text in columns.items()) + "}"
