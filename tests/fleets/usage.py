"""Snapshots of usage, sealed as the aggregator seals them."""

from typing import Any

from evenflow.common.domain.facts import usage
from evenflow.common.domain.usage.snapshot import seal
from evenflow.common.testing.builders import T0


def a_snapshot(**fields: Any) -> usage.SnapshotTaken:
    """Return the fact with its document; what is not given is unknown or nothing."""
    nothing = used({})
    given: dict[str, Any] = {
        "schema": 1,
        "sequence": 1,
        "generated_at": T0,
        "data_until": fields.get("generated_at", T0),
        "window": {},
        "half_life_seconds": 3600.0,
        "capacity": {},
        "capacity_hours": {},
        "capacity_unknown": [],
        "queues": nothing,
        "projects": nothing,
        "users": nothing,
        "queue_users": nothing,
    }
    given |= fields
    document, digest = seal(given)
    return usage.SnapshotTaken(
        given["sequence"], given["generated_at"], given["data_until"], digest, document
    )


def used(ratios: dict[str, float], resource: str = "cpu", *, whole: float = 1.0) -> dict[str, Any]:
    """Return the columns of who used which part of `whole` hours of a resource."""
    parts = list(ratios.values())
    hours = [part * whole for part in parts]
    return {"names": list(ratios), "raw_hours": {resource: hours}, "normalized": {resource: parts}}
