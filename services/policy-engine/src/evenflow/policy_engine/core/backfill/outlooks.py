"""The outlooks that blocked jobs are promised room by, kept between cycles."""

from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.job import NODE_LEVEL
from evenflow.common.domain.state import ShardState
from evenflow.policy_engine.core.backfill.outlook import Floorplan, Outlook
from evenflow.policy_engine.core.live import LiveJobs
from evenflow.policy_engine.core.placement import Rooms, Shape
from evenflow.policy_engine.core.placement.ask import Ask
from evenflow.policy_engine.core.planning import Planning

MOST_OUTLOOKS: Final = 32  # those that were not asked for longest are forgotten
LONGEST_LOG: Final = 65_536  # changes kept; who missed more looks at all nodes


class Need(NamedTuple):
    """So many slots of one outlook for each job of a shape."""

    outlook: Outlook
    slots: int


class Outlooks:
    """An outlook for each ask of shapes that were promised room."""

    def __init__(self, shard: ShardState, rooms: Rooms, live: LiveJobs, planning: Planning) -> None:
        """There is none."""
        self.plan: Final = Floorplan(shard, rooms, live, planning)
        self._live: Final = live
        self._outlooks: dict[tuple[str, Ask, str | None], Outlook] = {}
        self._dropped = 0  # changes that are no longer in the log

    def touch(self, name: str) -> None:
        """A node came, left or changed."""
        if self._live.changes is not None:
            self._live.changes.append(name)

    def needs(self, shape: Shape, now: Instant) -> list[Need]:
        """Return what a job of the shape needs to start, up to date as of `now`."""
        kind = shape.kind.name
        if shape.required == NODE_LEVEL:
            bundle: Ask = shape.bundle(shape.least)
            return [Need(self._outlook(kind, bundle, None, now), 1)]
        return [
            Need(self._outlook(kind, ask, shape.required, now), count)
            for ask, count in shape.needs[shape.least]
        ]

    def _outlook(self, kind: str, ask: Ask, level: str | None, now: Instant) -> Outlook:
        key = (kind, ask, level)
        found = self._outlooks.pop(key, None)
        if found is None:
            found = Outlook(self.plan, kind, ask, level)
            if len(self._outlooks) >= MOST_OUTLOOKS:
                del self._outlooks[next(iter(self._outlooks))]
        self._outlooks[key] = found  # the last that was asked for
        self._catch_up(found, now)
        return found

    def _catch_up(self, outlook: Outlook, now: Instant) -> None:
        changes = self._live.changes
        if changes is None:
            changes = self._live.changes = []
        end = self._dropped + len(changes)
        if outlook.cursor < self._dropped:
            outlook.look_at_all(now)
        elif outlook.cursor < end:
            for name in dict.fromkeys(changes[outlook.cursor - self._dropped :]):
                outlook.look_at(name, now)
        outlook.cursor = end
        outlook.follow_clock(now)
        if len(changes) > LONGEST_LOG:
            self._dropped += len(changes) // 2
            del changes[: len(changes) // 2]
