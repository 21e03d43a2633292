"""The shard's clock as the log tells it, for the executor of one term."""

from collections.abc import Callable

from evenflow.common.domain.clock import Instant, ShardClock
from evenflow.common.ports.clock import Clock


class FoldedTime:
    """`ports.cluster.ShardTime` over the folded state."""

    def __init__(self, wall: Clock, clock: Callable[[], ShardClock]) -> None:
        """`clock` is asked each time: a fact may replace it."""
        self._wall = wall
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> Instant:
        """See the port."""
        return self.at(self._wall.now())

    def at(self, wall: Instant) -> Instant:
        """See the port."""
        return self._clock().shard_time(wall)

    def wall_seconds(self, shard_us: int) -> float:
        """See the port."""
        return self._clock().wall_seconds(shard_us)

    def on_change(self, listener: Callable[[], None]) -> None:
        """See the port."""
        self._listeners.append(listener)

    def changed(self) -> None:
        """Tell the listeners that the clock was replaced."""
        for listener in self._listeners:
            listener()
