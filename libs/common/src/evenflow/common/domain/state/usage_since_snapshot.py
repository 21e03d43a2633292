"""Usage that no snapshot tells of yet: the base of the entry penalty. Pure.

A snapshot knows usage up to `state.usage_until`. What attempts held after it, and gave back since,
is in `state.usage_since_snapshot` until the next snapshot: in buckets of ten seconds by the
attempt's end, for each leaf and user, as amounts times microseconds. What live jobs hold is not in
it. Checkpoints call it `unsampled`.
"""

from typing import Final

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.state.shard_state import ShardState, UsageSinceSnapshot

BUCKET_US: Final = 10 * SECOND
BUCKETS_KEPT: Final = 1_080
"""Three hours: without snapshots for longer than that, the oldest are forgotten."""


def usage_since_snapshot(state: ShardState) -> UsageSinceSnapshot:
    """Return the sum of all buckets: (leaf, user) to resource to amount times microseconds."""
    total: UsageSinceSnapshot = {}
    for rows in state.usage_since_snapshot.values():
        for key, amounts in rows.items():
            _add(total.setdefault(key, {}), amounts)
    return total


def note_usage(
    state: ShardState, key: tuple[str, str], request: dict[str, int], since: Instant, end: Instant
) -> None:
    """Add what tasks held from `since` to their attempt's end, as far as no snapshot knows it."""
    duration = end - max(since, state.usage_until)
    if duration <= 0:
        return
    bucket = end // BUCKET_US
    rows = state.usage_since_snapshot.get(bucket)
    if rows is None:
        rows = state.usage_since_snapshot[bucket] = {}
        if len(state.usage_since_snapshot) > BUCKETS_KEPT:
            del state.usage_since_snapshot[min(state.usage_since_snapshot)]
    _add(rows.setdefault(key, {}), {name: each * duration for name, each in request.items()})


def note_snapshot(state: ShardState, until: Instant) -> None:
    """Take note that a snapshot knows all usage up to `until`; what ended later stays noted."""
    state.usage_until = until
    for bucket in [b for b in state.usage_since_snapshot if (b + 1) * BUCKET_US <= until]:
        del state.usage_since_snapshot[bucket]


def _add(target: dict[str, int], amounts: dict[str, int]) -> None:
    for name, amount in amounts.items():
        target[name] = target.get(name, 0) + amount
