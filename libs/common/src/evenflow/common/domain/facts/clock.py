"""Facts about the shard's clock."""

from dataclasses import dataclass

from evenflow.common.domain.clock import Instant


@dataclass(frozen=True, slots=True)
class Set:
    """From wall time `wall_at` on the shard's clock shows `shard_at` and runs at `rate`."""

    wall_at: Instant
    shard_at: Instant
    rate: int
