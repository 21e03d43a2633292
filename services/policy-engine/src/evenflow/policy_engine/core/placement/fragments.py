"""Which GPU parts of a node the recent mix of shapes cannot use, and what a task adds to them.

Source: Weng et al., "Beware of Fragmentation" (USENIX ATC 2023): of a node's free GPUs a task class
cannot use all when the task does not fit there, else those cards that have too little left for it;
the classes are weighed by how common they are. Here in thousandths of a GPU times weight.
"""

from collections.abc import Iterable
from typing import Final

from evenflow.common.domain.ledger import DEVICE
from evenflow.policy_engine.core.placement.request import Request, RequestKey
from evenflow.policy_engine.core.placement.room import Room
from evenflow.policy_engine.core.placement.scores import WIDTH, Score, pack
from evenflow.policy_engine.core.placement.shape import Shape

MOST_CLASSES: Final = 16
MOST_ANSWERS: Final = 1 << 16
State = tuple[int, int, int, tuple[int, ...], RequestKey]
"""Free CPU, memory, GPU, what is free on each GPU, ascending, and of other resources, by name."""


class Mix:
    """The most common requests for GPUs, with weights that change seldom.

    A shape weighs its tasks times the number of its jobs, rounded up to a power of two: so the mix
    is a function of the jobs that are there, and scores of nodes last until it changes.
    """

    def __init__(self) -> None:
        """There are no jobs."""
        self._classes: list[tuple[int, Request]] = []
        self._answers: dict[State, int] = {}
        self.is_stale = False  # whether `follow` may change something

    def count(self, shape: Shape, jobs: int) -> None:
        """Count jobs of a shape that came (above 0) or went."""
        before = shape.count
        shape.count = before + jobs
        if _weight(before) != _weight(shape.count):
            self.is_stale = True

    def follow(self, shapes: Iterable[Shape]) -> bool:
        """Take the mix of these shapes; return whether it is another one."""
        self.is_stale = False
        weights: dict[RequestKey, tuple[int, Request]] = {}
        for shape in shapes:
            jobs = _weight(shape.count)
            if jobs:
                for ask, tasks in shape.needs[len(shape.tasks)]:
                    request = ask.request
                    if request.gpu:
                        weight = weights.get(request.key, (0, request))[0]
                        weight += tasks * jobs
                        weights[request.key] = (weight, request)
        classes = sorted(weights.values(), key=lambda pair: (-pair[0], pair[1].key))
        if classes[:MOST_CLASSES] == self._classes:
            return False
        self._classes = classes[:MOST_CLASSES]
        self._answers.clear()
        return True

    def scorer(self, request: Request) -> Score:
        """Return the score of nodes for a task: least new waste first, then the fullest node."""
        unusable = self._unusable

        def score(room: Room) -> int:
            others = tuple(sorted(room.extra.items())) if room.extra else ()
            now = (room.cpu, room.memory, room.gpu, tuple(sorted(room.devices)), others)
            waste = unusable(_after(now, request)) - unusable(now) if request.gpu else 0
            return (waste << WIDTH) + pack(room)

        return score

    def _unusable(self, state: State) -> int:
        answer = self._answers.get(state)
        if answer is None:
            if len(self._answers) >= MOST_ANSWERS:
                self._answers.clear()
            answer = self._answers[state] = sum([w * _waste(state, r) for w, r in self._classes])
        return answer


def _weight(jobs: int) -> int:
    return 1 << (jobs - 1).bit_length() if jobs > 0 else 0


def _waste(state: State, request: Request) -> int:
    """Return the thousandths of GPUs that are free and of no use to such a task."""
    cpu, memory, gpu, devices, others = state
    most = request.fraction or DEVICE  # a task uses whole cards, or one in part
    usable = sum([free for free in devices if free >= most])
    fits = (
        cpu >= request.least_cpu
        and memory >= request.least_memory
        and gpu >= request.gpu
        and (usable >= request.whole * DEVICE if request.whole else usable > 0)
        and (not request.extra or _has(others, request.extra))
    )
    return sum(devices) - usable if fits else sum(devices)


def _after(state: State, request: Request) -> State:
    """Return the state once a task that fits has taken its part."""
    cpu, memory, gpu, devices, others = state
    rest = list(devices)
    if request.whole:
        rest[-request.whole :] = [0] * request.whole
    else:
        index = next(i for i, free in enumerate(rest) if free >= request.fraction)
        rest[index] -= request.fraction
    rest.sort()
    if request.extra:
        left = dict(others)
        for name, amount in request.extra:
            left[name] -= amount
        others = tuple(sorted(left.items()))
    return (cpu - request.cpu, memory - request.memory, gpu - request.gpu, tuple(rest), others)


def _has(others: RequestKey, extra: RequestKey) -> bool:
    free = dict(others)
    return all(free.get(name, 0) >= amount for name, amount in extra)
