"""Where there is room: finds nodes for jobs, and knows which shapes cannot have any for now.

What is chosen depends on the nodes, on what is held and on the mix of shapes, never on how that
came about. Memory of earlier searches (heaps, blocked shapes) makes it quicker, not different.
"""

from collections.abc import Iterator, Mapping, Sequence

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.state.ledger import NodeHeld
from evenflow.policy_engine.core.placement.blocked_shapes import BlockedShapes
from evenflow.policy_engine.core.placement.cluster_choice import place_in_some_cluster
from evenflow.policy_engine.core.placement.fragmentation.workload_mix import WorkloadMix
from evenflow.policy_engine.core.placement.gang import grow_gang, may_hold
from evenflow.policy_engine.core.placement.nodes.node_set import Cluster
from evenflow.policy_engine.core.placement.nodes.node_traits import UNSCHEDULABLE, NodeTraits
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.nodes.scores import STATE_SCORES, pack
from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.placement_attempt import PlacementAttempt
from evenflow.policy_engine.core.placement.room_index import RoomIndex
from evenflow.policy_engine.core.placement.shapes import LEAST_FRAGMENTATION, Shapes
from evenflow.policy_engine.core.placement.what_if import WhatIf


class Rooms:
    """The rooms of all nodes that take work, and what live jobs hold of them.

    Live jobs are told of by `take` and `release`, whether their nodes are here or not. Of a node
    that comes (back), `put` is told what they hold there already.
    """

    def __init__(self, settings: SchedulerSettings) -> None:
        """No node is known, nothing is held."""
        strategy = settings.strategy
        if strategy != LEAST_FRAGMENTATION and strategy not in STATE_SCORES:
            strategy = "pack"
        score = STATE_SCORES.get(strategy, pack)
        self._settings = settings
        self._room_index = RoomIndex(score, settings.headroom_milli, settings.price_label)
        self._mix = WorkloadMix()
        self._shapes = Shapes(self._room_index, strategy, self._mix)
        self._blocked = BlockedShapes(self._room_index.kinds)
        self._nodes_version = 0
        self._unschedulable = NodeTraits(UNSCHEDULABLE)
        self._closed: dict[str, NodeTraits] = {}  # what nodes are that take nothing for now
        self._idle: Rooms | None = None  # the same nodes with nothing held
        self.capacity = self._room_index.capacity  # total of the nodes here

    def put(self, node: Node, held: NodeHeld | None) -> None:
        """Add a node, or replace what is known of it; `held` is what live jobs hold there."""
        freed = self._leave(node.name)
        freed.append(self._room_index.enter(node, held))
        self._blocked.came_free(freed, len(freed))
        self._nodes_version += 1
        if self._idle is not None:
            self._idle.put(node, None)

    def close(self, name: str) -> None:
        """Let a node take nothing until it is put anew; it counts as one that could."""
        room = self._room_index.rooms.get(name)
        if room is not None and name not in self._closed:
            self._closed[name] = room.traits
            room.traits = self._unschedulable
            self._room_index.touch(room)

    def drop(self, name: str) -> None:
        """Remove a node; nothing happens when it is not here."""
        if name in self._room_index.rooms:
            freed = self._leave(name)
            self._blocked.came_free(freed, len(freed))
            self._nodes_version += 1
            if self._idle is not None:
                self._idle.drop(name)

    def take(self, spec: JobSpec, placement: Sequence[TaskPlacement], first: int = 0) -> None:
        """Let a live job hold room for its tasks from `first` on; unknown nodes are left out."""
        shape = self.shape_of(spec)
        rooms, room_index, key = self._room_index.rooms, self._room_index, shape.anti_key
        for index, task in enumerate(placement, first):
            room = rooms.get(task.node)
            if room is not None:
                room_index.hold(room, shape.tasks[index].request, task.devices)
            if key is not None:
                room_index.count_key(key, task.node, 1)
        self._blocked.wake_restless()

    def release(self, spec: JobSpec, placement: Sequence[TaskPlacement], first: int = 0) -> None:
        """Undo `take`, `place` or `grow`."""
        shape = self.shape_of(spec)
        rooms, room_index, key = self._room_index.rooms, self._room_index, shape.anti_key
        freed: dict[str, Room] = {}
        entries = 0
        for index, task in enumerate(placement, first):
            room = rooms.get(task.node)
            if room is not None:
                room_index.hold(room, shape.tasks[index].request, task.devices, -1)
                freed[task.node] = room
                entries += 1
            if key is not None:
                for each in room_index.count_key(key, task.node, -1):
                    freed[each.name] = each
                    entries += 1
        self._blocked.came_free(freed.values(), entries)

    def put_back(self, spec: JobSpec, placement: Sequence[TaskPlacement], first: int = 0) -> None:
        """Undo the last `place` or `grow` as if it had not been: nothing came free for anybody."""
        shape = self.shape_of(spec)
        rooms, room_index, key = self._room_index.rooms, self._room_index, shape.anti_key
        for index, task in enumerate(placement, first):
            room_index.hold(rooms[task.node], shape.tasks[index].request, task.devices, -1)
            if key is not None:
                room_index.count_key(key, task.node, -1)

    def shape_of(self, spec: JobSpec) -> Shape:
        """Return the shape of a job, one object for equal demands.

        Shapes that are not counted may be forgotten whenever another one is asked for.
        """
        if self._shapes.is_full():
            for shape in self._shapes.forget():
                self._blocked.forget(shape)
        return self._shapes.of(spec)

    def count(self, shape: Shape, jobs: int) -> None:
        """Count jobs of a shape that are pending or live: above 0 that many more, below 0 less."""
        self._mix.count(shape, jobs)
        if self._mix.is_stale:
            self._blocked.wake_restless()

    def place(self, shape: Shape) -> tuple[TaskPlacement, ...] | None:
        """Take room for the tasks that must start, and for as many more as fit.

        Returns:
            Where the first tasks go, in their order. None when not all that must start have room;
            the shape is blocked then, until `woken` tells of it.
        """
        if shape.is_blocked:
            return None
        if shape.is_mixed and self._mix.is_stale:
            self._follow_mix()
        kind = shape.kind
        if shape.is_single and kind.only_cluster is not None:
            return self._place_one(shape, kind.only_cluster)
        attempt = place_in_some_cluster(self._room_index, shape, self._settings.cluster_strategy)
        if attempt is None:
            self._blocked.block(shape)
            if not shape.is_uniform and any(
                may_hold(shape, cluster, shape.least) for cluster in kind.clusters.values()
            ):
                self._blocked.restless[shape] = None
            return None
        self._blocked.wake_restless()
        if shape.is_plain:
            shape.could_hold, shape.judged_at = True, self._nodes_version
        return attempt.placement()

    def place_around(self, shape: Shape, names: Sequence[str]) -> tuple[TaskPlacement, ...] | None:
        """Place as if these nodes took no work; afterwards they do, and nothing is blocked."""
        known = self._room_index.rooms
        closed_nodes = [(known[name], known[name].traits) for name in names if name in known]
        for room, _ in closed_nodes:
            room.traits = self._unschedulable
            self._room_index.touch(room)
        found = self.place(shape)
        if found is None:
            self._blocked.unblock(shape)
            self._blocked.follow_log(shape)  # before the nodes open: what follows the log sees that
        for room, traits in closed_nodes:
            room.traits = traits
            self._room_index.touch(room)
        return found

    def grow(self, spec: JobSpec, placement: Sequence[TaskPlacement]) -> tuple[TaskPlacement, ...]:
        """Take room for tasks that a running elastic gang lacks, in their order; () if none fits.

        They go to the gang's cluster, and to its domain where the level is required.
        """
        shape = self.shape_of(spec)
        rooms = self._room_index.rooms
        held = [rooms[task.node] for task in placement if task.node in rooms]
        if len(placement) >= len(shape.tasks) or not held:
            return ()
        if shape.is_mixed and self._mix.is_stale:
            self._follow_mix()
        attempt = PlacementAttempt(self._room_index, shape)
        for room in held:
            attempt.count_held(room)
        grow_gang(attempt, shape.kind.clusters[held[0].node.cluster], held, len(placement))
        attempt.close()
        if attempt.taken:
            self._blocked.wake_restless()
        return attempt.placement()

    def is_blocked(self, shape: Shape) -> bool:
        """Whether nothing has changed that could help it since it found no room."""
        return shape.is_blocked

    def woken(self) -> list[Shape]:
        """Return the shapes that are no longer blocked since the last call, by their key."""
        return self._blocked.woken()

    def could_hold(self, shape: Shape) -> bool:
        """Whether such a job might start if nothing else ran. Kept until nodes change."""
        if shape.judged_at != self._nodes_version:
            if self._idle is None:
                self._idle = Rooms(self._settings)
                for room in self._room_index.rooms.values():
                    self._idle.put(room.node, None)
            idle = self._idle
            shape.could_hold = idle._is_held(shape.example)  # noqa: SLF001 - one of our own
            shape.judged_at, shape.unmet = self._nodes_version, None
        return shape.could_hold

    def largest(self, kind: str) -> Mapping[str, int]:
        """Return the capacity of the node with most GPUs, then most CPU; empty without nodes."""
        found = self._room_index.kinds.get(kind)
        return {} if found is None else found.largest()

    def room_of(self, name: str) -> Room | None:
        """Return the room of a node; None when it takes no work. Not to be changed."""
        return self._room_index.rooms.get(name)

    def what_if(self) -> WhatIf:
        """Return a way to find out what would fit if some jobs were gone. It must be closed."""
        if self._mix.is_stale:
            self._follow_mix()
        return WhatIf(self._room_index, self._settings.cluster_strategy)

    def rooms_of(self, kind: str) -> Iterator[Room]:
        """Yield the rooms of the nodes that take work for an executor. Not to be changed."""
        found = self._room_index.kinds.get(kind)
        for cluster in () if found is None else found.clusters.values():
            yield from cluster.rooms.values()

    def kinds(self) -> list[str]:
        """Return the executors that some node takes work for."""
        return [name for name, kind in self._room_index.kinds.items() if kind.clusters]

    def has_cluster(self, kind: str) -> bool:
        """Whether any node takes work for that kind of executor."""
        return kind in self.kinds()

    def _is_held(self, spec: JobSpec) -> bool:
        shape = self.shape_of(spec)
        placement = self.place(shape)
        if placement is not None:
            self.release(spec, placement)
            return True
        # Tasks that got in each other's way may not do so once others run.
        return shape in self._blocked.restless

    def _place_one(self, shape: Shape, cluster: Cluster) -> tuple[TaskPlacement, ...] | None:
        ask = shape.tasks[0]
        candidates = cluster.of(ask)
        room = candidates.best()
        if room is None:
            self._blocked.block(shape)
            return None
        devices = room.choose_devices(ask.request)
        self._room_index.hold(room, ask.request, devices)
        candidates.use(room)
        if self._blocked.restless:
            self._blocked.wake_restless()
        if shape.is_plain:
            shape.could_hold, shape.judged_at = True, self._nodes_version
        return (TaskPlacement(room.name, devices),)

    def _leave(self, name: str) -> list[Room]:
        room = self._room_index.rooms.get(name)
        if room is None:
            return []
        room.traits = self._closed.pop(name, room.traits)
        return self._room_index.leave(name)

    def _follow_mix(self) -> None:
        if self._mix.follow(self._shapes.all()):
            for node_set in self._room_index.node_sets():
                for candidates in node_set.candidates.values():
                    if candidates.ask.mixed is not None:
                        candidates.forget()
