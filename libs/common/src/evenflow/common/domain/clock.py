"""The shard's clock: wall time for real clusters, faster for simulated ones. Reads no clock."""

from dataclasses import dataclass

Instant = int
"""Whole microseconds since 1970-01-01 UTC."""

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
"""A UTC day; days since 1970-01-01 are `instant // DAY`."""


@dataclass(frozen=True, slots=True)
class ShardClock:
    """`shard = shard_at + (wall - wall_at) * rate`; the fact `clock.set` gives the numbers."""

    wall_at: Instant = 0
    shard_at: Instant = 0
    rate: int = 1

    def shard_time(self, wall_at: Instant) -> Instant:
        """Return the shard's time at a wall time."""
        return self.shard_at + (wall_at - self.wall_at) * self.rate

    def wall_seconds(self, shard_us: int) -> float:
        """Return how many wall seconds a duration on the shard's clock takes."""
        return shard_us / SECOND / self.rate
