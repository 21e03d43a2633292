"""The mix of requests that jobs make, and how much of a node's use for it a task spoils."""

from collections.abc import Iterable, Sequence
from typing import Final

from evenflow.policy_engine.core.placement.fragmentation.node_states import NodeStates
from evenflow.policy_engine.core.placement.fragmentation.waste import Waste
from evenflow.policy_engine.core.placement.nodes.request import Request, RequestKey
from evenflow.policy_engine.core.placement.nodes.room import Room
from evenflow.policy_engine.core.placement.nodes.scores import WIDTH
from evenflow.policy_engine.core.placement.nodes.shape import Shape

MOST_CLASSES: Final = 128


class WorkloadMix:
    """The most common requests for GPUs, with weights that change seldom.

    A shape counts its tasks times the number of its jobs, rounded up to a power of two. A request
    weighs 1, from 64 tasks on 2, from 4,096 on 3 and so on. So the mix is a function of the jobs
    that are there, and scores of nodes last until it changes. Weights grow that slowly because a
    gap lasts for long: a rare task that fits it will come, sooner or later, and fill it.
    """

    def __init__(self) -> None:
        """There are no jobs."""
        self._classes: list[tuple[int, Request]] = []
        self._waste: Waste | None = None
        self._states = NodeStates()
        self._wastes: dict[int, int] = {}  # by number of the state
        self._age = 0  # grows whenever what was answered is no longer true
        self.is_stale = False  # whether `follow` may change something

    def count(self, shape: Shape, jobs: int) -> None:
        """Count jobs of a shape that came (above 0) or went."""
        before = shape.count
        shape.count = before + jobs
        if _rounded(before) != _rounded(shape.count):
            self.is_stale = True

    def follow(self, shapes: Iterable[Shape]) -> bool:
        """Take the mix of these shapes; return whether it is another one."""
        self.is_stale = False
        tasks: dict[RequestKey, tuple[int, Request]] = {}
        for shape in shapes:
            jobs = _rounded(shape.count)
            if jobs:
                for ask, count in shape.needs[len(shape.tasks)]:
                    request = ask.request
                    if request.gpu:
                        known = tasks.get(request.key, (0, request))[0]
                        tasks[request.key] = (known + count * jobs, request)
        ranked = sorted(tasks.values(), key=lambda pair: (-pair[0].bit_length(), pair[1].key))
        classes = [(_weight(count), request) for count, request in ranked[:MOST_CLASSES]]
        classes.sort(key=lambda pair: pair[1].key)
        if classes == self._classes:
            return False
        self._classes = classes
        self._waste = Waste(classes) if classes else None
        self._wastes = {}
        self._age += 1
        return True

    def scorer(self, request: Request) -> "Scorer":
        """Return the scores of nodes for a task."""
        return Scorer(self, request)

    def now(self) -> tuple[int, NodeStates]:
        """Return the states, and the age of what holds for them."""
        if self._states.is_full():
            self._states.forget()
            self._wastes = {}
            self._age += 1
        return self._age, self._states

    def wastes(self, numbers: Iterable[int]) -> dict[int, int]:
        """Return what is useless of states, those of these numbers included."""
        wastes = self._wastes
        unknown = [number for number in dict.fromkeys(numbers) if number not in wastes]
        if self._waste is None:
            wastes.update(dict.fromkeys(unknown, 0))
        elif unknown:
            states = [self._states.all[number] for number in unknown]
            wastes.update(zip(unknown, self._waste.of(states), strict=True))
        return wastes


class Scorer:
    """Scores of nodes for a task: least new waste first, then the fullest node."""

    __slots__ = ("_age", "_known", "_mix", "_request")

    def __init__(self, mix: WorkloadMix, request: Request) -> None:
        """Nothing was scored."""
        self._mix = mix
        self._request = request
        self._known: dict[int, int] = {}  # by number of the state
        self._age = 0

    def __call__(self, rooms: Sequence[Room]) -> list[int]:
        """Return the scores of rooms that fit."""
        age, states = self._mix.now()
        if self._age != age:
            self._age = age
            self._known = {}
        known, number_of = self._known, states.of
        numbers = [number_of(room) for room in rooms]
        unknown = [number for number in dict.fromkeys(numbers) if number not in known]
        if unknown:
            after = [states.without(number, self._request) for number in unknown]
            wastes = self._mix.wastes([*unknown, *after])
            packs = states.packs
            for number, rest in zip(unknown, after, strict=True):
                known[number] = ((wastes[rest] - wastes[number]) << WIDTH) + packs[number]
        return [known[number] for number in numbers]


def _rounded(jobs: int) -> int:
    return 1 << (jobs - 1).bit_length() if jobs > 0 else 0


def _weight(tasks: int) -> int:
    return 1 + (tasks.bit_length() - 1) // 6
