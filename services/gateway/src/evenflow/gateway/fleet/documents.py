"""What REST says about applying a fleet. Pure."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict

from evenflow.gateway.fleet.rules.plan import Applied


class AppliedList(TypedDict):
    """What applying a fleet did."""

    results: list[dict[str, Any]]
    created: int
    changed: int
    unchanged: int


def applied_list(applied: Sequence[Applied]) -> AppliedList:
    """Return what became of each queue and quota, and how many of them were new or changed."""
    outcomes = [each.outcome for each in applied]
    return AppliedList(
        results=[
            {
                "path": each.path,
                "kind": each.kind,
                "outcome": each.outcome,
                "changes": dict(each.changes),
            }
            for each in applied
        ],
        created=outcomes.count("created"),
        changed=outcomes.count("changed"),
        unchanged=outcomes.count("unchanged"),
    )
