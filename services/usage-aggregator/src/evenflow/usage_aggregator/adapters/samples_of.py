"""Samples from what a time-series store told: amounts by instant and series."""

from collections.abc import Mapping

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample
from evenflow.usage_aggregator.core.series import Key
from evenflow.usage_aggregator.core.slices import Slice

ByEnd = Mapping[Instant, Mapping[Key, float]]


def samples_of(
    store: str, asked: Slice, used: ByEnd, capacity: Mapping[Instant, Mapping[str, float]]
) -> tuple[UsageSample, ...]:
    """Return a sample for each instant of the slice that anything is known of."""
    found = []
    for end in asked.ends():
        by_user: dict[tuple[str, str, str], dict[str, float]] = {}
        for (queue, project, user, resource), amount in used.get(end, {}).items():
            by_user.setdefault((queue, project, user), {})[resource] = amount
        if by_user or capacity.get(end):
            entries = tuple(UsageEntry("", *who, amounts) for who, amounts in by_user.items())
            found.append(
                UsageSample(
                    f"{store}.{end}", end - asked.step_us, end, entries, capacity.get(end, {})
                )
            )
    return tuple(found)


def key_of(labels: Mapping[str, str]) -> Key | None:
    """Return the series that labels name; None when they name no queue or no resource."""
    queue, resource = labels.get("queue", ""), labels.get("resource", "")
    if not queue or not resource:
        return None
    return queue, labels.get("project") or queue.partition("/")[0], labels.get("user", ""), resource
