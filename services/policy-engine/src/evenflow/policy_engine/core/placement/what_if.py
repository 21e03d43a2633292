"""What would fit if some jobs were gone: tried on the real rooms, and undone.

A copy of all rooms would cost as much as the cluster is large. Here an answer costs what the jobs
that are taken out of the way hold. Nobody is woken, for in the end nothing came free.
"""

from collections.abc import Sequence
from typing import Final

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.policy_engine.core.placement.cluster_choice import place_in_some_cluster
from evenflow.policy_engine.core.placement.live_jobs import Tasks
from evenflow.policy_engine.core.placement.nodes.candidates import Candidates
from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.placement_attempt import PlacementAttempt
from evenflow.policy_engine.core.placement.room_index import RoomIndex


class WhatIf:
    """Rooms out of which jobs are removed for a while. `close` must follow, whatever came of it."""

    def __init__(self, room_index: RoomIndex, cluster_strategy: str) -> None:
        """Nobody is removed."""
        self._room_index: Final = room_index
        self._strategy: Final = cluster_strategy
        self._removed: dict[str, tuple[Shape, Tasks]] = {}
        self._placed: list[PlacementAttempt] = []
        self._awake: dict[Shape, None] = {}
        self._asleep: list[Candidates] = []
        self._ends = {
            cluster: cluster.end
            for kind in room_index.kinds.values()
            for cluster in kind.clusters.values()
        }

    def helps(self, shape: Shape, placement: Sequence[TaskPlacement]) -> bool:
        """Whether any task that must start may go to a node of this placement at all."""
        rooms = self._room_index.rooms
        return any(
            room.node.kind == shape.kind.name
            and any(ask.node_filter.accepts(room.traits) for ask in shape.asks)
            for room in (rooms.get(task.node) for task in placement)
            if room is not None
        )

    def remove(self, job_id: str, shape: Shape, placement: Tasks) -> None:
        """Take a live job out of the rooms."""
        if job_id not in self._removed:
            self._removed[job_id] = (shape, placement)
            self._hold(shape, placement, -1)

    def restore(self, job_id: str) -> None:
        """Put a job back that was removed."""
        shape, placement = self._removed.pop(job_id)
        self._hold(shape, placement, 1)

    def place(self, shape: Shape) -> Tasks | None:
        """Take room for a job, to be given back by `unplace`; None when it does not fit."""
        self._wake(shape)
        attempt = place_in_some_cluster(self._room_index, shape, self._strategy)
        if attempt is None:
            return None
        self._placed.append(attempt)
        return attempt.placement()

    def unplace(self) -> None:
        """Give back all that was placed."""
        while self._placed:
            self._placed.pop().undo()

    def close(self) -> None:
        """Leave the rooms as they were."""
        self.unplace()
        for job_id in list(self._removed):
            self.restore(job_id)
        for candidates in self._asleep:
            if candidates.best() is None:
                candidates.fall_asleep()
        self._asleep.clear()
        self._awake.clear()

    def _hold(self, shape: Shape, placement: Tasks, sign: int) -> None:
        room_index, rooms, key = self._room_index, self._room_index.rooms, shape.anti_key
        for index, task in enumerate(placement):
            room = rooms.get(task.node)
            if room is not None:
                room_index.hold(room, shape.tasks[index].request, task.devices, sign)
            if key is not None:
                room_index.count_key(key, task.node, sign)

    def _wake(self, shape: Shape) -> None:
        """Let the candidates of a blocked shape follow what has changed since nobody was removed.

        Before that nothing fitted, or they would have been woken.
        """
        if shape in self._awake:
            return
        self._awake[shape] = None
        for cluster in shape.kind.clusters.values():
            for ask in shape.asks:
                candidates = cluster.of(ask)
                if candidates.is_asleep:
                    self._asleep.append(candidates)
                    candidates.wake(self._ends[cluster])
