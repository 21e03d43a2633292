"""Who chooses a node: a strategy of the engine, or chance."""

import random
from typing import Final, Protocol

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.placement import Rooms
from evenflow.policy_engine.core.placement.nodes.ask import Fits
from evenflow.policy_engine.core.placement.nodes.room import Room

TRIES: Final = 64  # of luck, before all nodes are looked at


class Placer(Protocol):
    """Gives room to pods, one after the other."""

    def place(self, pod: JobSpec) -> bool:
        """Take room for a pod; false when it fits nowhere."""


class ByStrategy:
    """The choice of the live engine, which knows the mix of the pods that were submitted."""

    def __init__(self, rooms: Rooms) -> None:
        """The strategy is that of the settings which the rooms have."""
        self._rooms = rooms

    def place(self, pod: JobSpec) -> bool:
        """Take room where the engine would."""
        rooms = self._rooms
        shape = rooms.shape_of(pod)
        rooms.count(shape, 1)
        return rooms.place(shape) is not None


class ByChance:
    """A random node among those that fit; of a shared card, a random one of that node."""

    def __init__(self, rooms: Rooms, kind: str, seed: int) -> None:
        """The same seed makes the same choices."""
        self._rooms = rooms
        self._all = list(rooms.rooms_of(kind))
        self._rng = random.Random(f"nodes {seed}")

    def place(self, pod: JobSpec) -> bool:
        """Take room anywhere."""
        ask = self._rooms.shape_of(pod).tasks[0]
        room = self._draw(ask.fits)
        if room is None:
            return False
        devices = room.choose_devices(ask.request)
        part = ask.request.fraction
        if part:
            enough = [i for i, free in enumerate(room.devices) if free >= part]
            devices = (self._rng.choice(enough),)
        self._rooms.take(pod, (TaskPlacement(room.name, devices),))
        return True

    def _draw(self, fits: Fits) -> Room | None:
        """Return any room that fits, each as likely as the others."""
        for _ in range(TRIES):
            room = self._rng.choice(self._all)
            if fits(room):
                return room
        rooms = [room for room in self._all if fits(room)]
        return self._rng.choice(rooms) if rooms else None
