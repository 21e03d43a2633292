"""What would fit if some jobs were gone: tried on the real rooms, and undone.

A copy of all rooms would cost as much as the cluster is large. Here an answer costs what the jobs
that are taken out of the way hold. Nobody is woken, for in the end nothing came free.
"""

from collections.abc import Sequence
from typing import Final

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.policy_engine.core.placement.cluster_choice import fill_some_cluster
from evenflow.policy_engine.core.placement.nodes.candidates import Candidates
from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.placement_attempt import Attempt
from evenflow.policy_engine.core.placement.room_index import Floor

Tasks = tuple[TaskPlacement, ...]


class Probe:
    """Rooms out of which jobs are lifted for a while. `close` must follow, whatever came of it."""

    def __init__(self, floor: Floor, cluster_strategy: str) -> None:
        """Nobody is lifted."""
        self._floor: Final = floor
        self._strategy: Final = cluster_strategy
        self._lifted: dict[str, tuple[Shape, Tasks]] = {}
        self._placed: list[Attempt] = []
        self._heard: dict[Shape, None] = {}
        self._dry: list[Candidates] = []
        self._ends = {
            cluster: cluster.end
            for kind in floor.kinds.values()
            for cluster in kind.clusters.values()
        }

    def helps(self, shape: Shape, placement: Sequence[TaskPlacement]) -> bool:
        """Whether any task that must start may go to a node of this placement at all."""
        rooms = self._floor.rooms
        return any(
            room.node.kind == shape.kind.name
            and any(ask.matching.accepts(room.terrain) for ask in shape.asks)
            for room in (rooms.get(task.node) for task in placement)
            if room is not None
        )

    def lift(self, job_id: str, shape: Shape, placement: Tasks) -> None:
        """Take a live job out of the rooms."""
        if job_id not in self._lifted:
            self._lifted[job_id] = (shape, placement)
            self._hold(shape, placement, -1)

    def lower(self, job_id: str) -> None:
        """Put a job back that was lifted."""
        shape, placement = self._lifted.pop(job_id)
        self._hold(shape, placement, 1)

    def place(self, shape: Shape) -> Tasks | None:
        """Take room for a job, to be given back by `unplace`; None when it does not fit."""
        self._hear(shape)
        attempt = fill_some_cluster(self._floor, shape, self._strategy)
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
        for job_id in list(self._lifted):
            self.lower(job_id)
        for candidates in self._dry:
            if candidates.best() is None:
                candidates.dry_out()
        self._dry.clear()
        self._heard.clear()

    def _hold(self, shape: Shape, placement: Tasks, sign: int) -> None:
        floor, rooms, key = self._floor, self._floor.rooms, shape.anti_key
        for index, task in enumerate(placement):
            room = rooms.get(task.node)
            if room is not None:
                floor.hold(room, shape.tasks[index].request, task.devices, sign)
            if key is not None:
                floor.count_key(key, task.node, sign)

    def _hear(self, shape: Shape) -> None:
        """Let the candidates of a blocked shape follow what has changed since nobody was lifted.

        Before that nothing fitted, or they would have been woken.
        """
        if shape in self._heard:
            return
        self._heard[shape] = None
        for cluster in shape.kind.clusters.values():
            for ask in shape.asks:
                candidates = cluster.of(ask)
                if candidates.is_dry:
                    self._dry.append(candidates)
                    candidates.wake(self._ends[cluster])
