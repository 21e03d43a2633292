"""The ledger at one instant as the document that everybody reads (USG-16 to USG-18). Pure."""

from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.usage import SCHEMA, seal
from evenflow.usage_aggregator.core.ledger import CLUSTER, Ledger, Sums

_HOUR: Final = 3600.0
_GIB: Final = 2.0**30
_DIGITS: Final = 9  # the noise of additions in another order lies below


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot: its document as text, and the digest in it."""

    sequence: int
    generated_at: Instant
    data_until: Instant
    document: str
    digest: str


def take_snapshot(ledger: Ledger, now: Instant, sequence: int) -> Taken:
    """Return the ledger's usage as of `now`.

    Hours are of cores, cards, GiB and base units of others. `normalized` is usage over capacity,
    both decayed alike; 0 where no capacity is known, and the resource is named as such.
    """
    scale = ledger.scale_at(now)
    capacity = {
        name: amount
        for name, amount in ledger.capacity_seconds.get(CLUSTER, {}).items()
        if amount > 0
    }
    groups = ledger.queues, ledger.projects, ledger.users, ledger.queue_users
    used = {name for sums in groups for amounts in sums.values() for name in amounts}
    resources = sorted(used | set(capacity))
    columns = (_columns(sums, resources, capacity, scale) for sums in groups)
    queues, projects, users, queue_users = columns
    document, digest = seal(
        {
            "schema": SCHEMA,
            "sequence": sequence,
            "generated_at": now,
            "data_until": ledger.data_until,
            "window": {"type": "unbounded", "size_seconds": None, "anchor": None},
            "half_life_seconds": ledger.half_life_us / SECOND,
            "backend": "log",
            "capacity": {name: _short(ledger.capacity[name]) for name in sorted(ledger.capacity)},
            "capacity_hours": {
                name: _short(amount * scale / _per_hour(name))
                for name, amount in sorted(capacity.items())
            },
            "capacity_unknown": sorted(used - set(capacity)),
            "queues": queues,
            "projects": projects,
            "users": users,
            "queue_users": queue_users,
        }
    )
    return Taken(sequence, now, ledger.data_until, document, digest)


def _columns(
    sums: Sums, resources: list[str], capacity: dict[str, float], scale: float
) -> dict[str, object]:
    """Return names and, for each resource that is used, numbers in the order of the names."""
    names = sorted(sums)
    raw: dict[str, list[float]] = {}
    normalized: dict[str, list[float]] = {}
    for resource in resources:
        # A late end is taken back; what little may be left of it below zero is nothing.
        column = [max(0.0, sums[name].get(resource, 0.0)) for name in names]
        if any(column):
            to_hours = scale / _per_hour(resource)
            raw[resource] = [_short(amount * to_hours) for amount in column]
            known = capacity.get(resource)
            # The decay since the origin is in both, so it falls out.
            normalized[resource] = [_short(amount / known) if known else 0.0 for amount in column]
    return {"names": names, "raw_hours": raw, "normalized": normalized}


def _per_hour(resource: str) -> float:
    return _HOUR * (_GIB if resource == "memory" else 1.0)


def _short(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")
