"""The outlooks that blocked jobs are promised room by, kept between cycles."""

from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.constraints import NODE_LEVEL
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.availability.outlook import Outlook
from evenflow.policy_engine.core.availability.planned_ends import PlannedEnds
from evenflow.policy_engine.core.estimates.planning import Planning
from evenflow.policy_engine.core.placement import Rooms, Shape
from evenflow.policy_engine.core.placement.live_jobs import LiveJobs
from evenflow.policy_engine.core.placement.nodes.ask import Ask

TENDED_CHANGES: Final = 8
MOST_OUTLOOKS: Final = 32  # those that were not asked for longest are forgotten


class Need(NamedTuple):
    """So many slots of one outlook for each job of a shape."""

    outlook: Outlook
    slots: int


class Outlooks:
    """An outlook for each ask of shapes that were promised room."""

    def __init__(self, shard: ShardState, rooms: Rooms, live: LiveJobs, planning: Planning) -> None:
        """There is none."""
        self.planned_ends: Final = PlannedEnds(shard, rooms, live, planning)
        self._live: Final = live
        self._outlooks: dict[tuple[str, Ask, str | None], Outlook] = {}

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
            found = Outlook(self.planned_ends, kind, ask, level)
            if len(self._outlooks) >= MOST_OUTLOOKS:
                del self._outlooks[next(iter(self._outlooks))]
        self._outlooks[key] = found  # the last that was asked for
        self._catch_up(found, now)
        self._tend(now)
        return found

    def _tend(self, now: Instant) -> None:
        """Let the outlook that was not asked for longest follow a little, so that none lags far."""
        oldest = next(iter(self._outlooks.values()))
        if oldest.cursor >= 0:
            names, cursor = self.planned_ends.changes(oldest.cursor, TENDED_CHANGES)
            if names is not None:
                oldest.cursor = cursor
                for name in names:
                    oldest.look_at(name, now)

    def _catch_up(self, outlook: Outlook, now: Instant) -> None:
        names, outlook.cursor = self.planned_ends.changes(outlook.cursor)
        if names is None:
            outlook.look_at_all(now)
        else:
            for name in names:
                outlook.look_at(name, now)
        outlook.follow_clock(now)
