"""What one cycle keeps for blocked jobs, so that nothing which starts now delays them.

The first blocked jobs in the order of turns are promised their room at the earliest instant that
running jobs leave it, as they are planned to end. Who comes before a blocked job by right is not
held back by it; who comes behind may use what is left.
"""

from itertools import islice
from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core import availability
from evenflow.policy_engine.core.availability.outlook import Domain
from evenflow.policy_engine.core.availability.outlooks import Need
from evenflow.policy_engine.core.availability.shadow import Shadow
from evenflow.policy_engine.core.ordering.turns import Chain
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.state.indexes import Indexes
from evenflow.policy_engine.core.waiting.job_class import JobClass

Tasks = tuple[TaskPlacement, ...]
Losses = tuple[tuple["Promise", tuple[int, ...]], ...]
"""What each promise would lose of each of its asks at its instant."""


class Promise:
    """Room for one or more jobs of a shape at `at`, and what is left beside it of each ask."""

    __slots__ = ("at", "domain", "extras", "needs", "shape")

    def __init__(
        self, shape: Shape, domain: Domain, at: Instant, extras: list[int], needs: list[Need]
    ) -> None:
        """`extras` belong to `needs`."""
        self.shape = shape
        self.domain = domain
        self.at = at
        self.extras = extras
        self.needs = needs

    def admits(self, end: Instant, lost: tuple[int, ...]) -> bool:
        """Whether what takes so many slots until `end` leaves the promise whole."""
        return all(
            availability.may_backfill(Shadow(self.at, extra), end, slots)
            for extra, slots in zip(self.extras, lost, strict=True)
        )

    def take(self, end: Instant, lost: tuple[int, ...]) -> None:
        """Let it have them."""
        if end > self.at:
            self.extras = [e - slots for e, slots in zip(self.extras, lost, strict=True)]


class _Blocked(NamedTuple):
    """A leaf whose head waits for room, as it stood when it was found."""

    chain: Chain
    path: str
    job_class: JobClass


class Promises:
    """The promises of one cycle, made as they are needed."""

    def __init__(self, state: Indexes, now: Instant) -> None:
        """As many blocked jobs of each kind of cluster are promised room as the settings say."""
        self._state: Final = state
        self._now: Final = now
        self._most: Final = state.shard.settings.backfill_reservations
        self._made: dict[tuple[Shape, int], Promise | None] = {}
        self._first: dict[str, list[_Blocked]] = {}

    def note_blocked(self, job_class: JobClass) -> None:
        """A class was found to have no room."""
        self._first.pop(job_class.key.shape.kind.name, None)

    def blocked_before(self, path: str, kind: str) -> list[tuple[Shape, int]]:
        """Return whom room is to be promised before a leaf's turn: shapes, and how many jobs."""
        limit = self._state.waiting.chain_of(path)
        before: list[_Blocked] = []
        for blocked in self.first_blocked(kind):
            if blocked.chain > limit:
                break
            if blocked.path != path:
                before.append(blocked)
        return _counted(before)

    def blocked(self, kind: str) -> list[tuple[Shape, int]]:
        """Return whom room is promised on a kind of cluster: shapes, and how many jobs."""
        return _counted(self.first_blocked(kind))

    def first_blocked(self, kind: str) -> list[_Blocked]:
        """Return the first blocked leaves, as many as are promised room.

        Within a cycle keys only grow: those that stand as they stood are still the first.
        """
        found = self._first.get(kind)
        if found is None or not all(map(self._is_current, found)):
            chain_of = self._state.waiting.chain_of
            first = islice(self._state.waiting.blocked(kind), self._most)
            found = [_Blocked(chain_of(path), path, job_class) for path, job_class in first]
            self._first[kind] = found
        return found

    def _is_current(self, blocked: _Blocked) -> bool:
        waiting = self._state.waiting
        return (
            blocked.job_class in waiting.classes.no_room
            and waiting.head_or_none(blocked.path) is not None
            and waiting.class_of(blocked.path) is blocked.job_class
            and waiting.chain_of(blocked.path) == blocked.chain
        )

    def are_made(self, blocked: list[tuple[Shape, int]]) -> bool:
        """Whether all these promises are made already."""
        return all(each in self._made for each in blocked)

    def make(self, blocked: list[tuple[Shape, int]]) -> list[Promise]:
        """Return the promises to jobs of these shapes; nothing is promised that never comes."""
        made = (self.of(shape, jobs) for shape, jobs in blocked)
        return [promise for promise in made if promise is not None]

    def of(self, shape: Shape, jobs: int = 1) -> Promise | None:
        """Return the promise to so many jobs of a shape; None when nothing can be promised.

        All room that is taken must be that of jobs which the state knows of.
        """
        key = (shape, jobs)
        if key not in self._made:
            self._made[key] = self._make(shape, jobs)
        return self._made[key]

    def losses(
        self, promises: list[Promise], spec: JobSpec, tasks: Tasks, first: int = 0
    ) -> Losses:
        """Return what promises lose while tasks, from `first` on, run; their room is taken."""
        return tuple((promise, self._loss(promise, spec, tasks, first)) for promise in promises)

    def _loss(self, promise: Promise, spec: JobSpec, tasks: Tasks, first: int) -> tuple[int, ...]:
        plan, names = self._state.outlooks.planned_ends, dict.fromkeys(task.node for task in tasks)
        parts = {name: plan.parts(spec, tasks, name, first) for name in names}
        return tuple(
            sum(
                need.outlook.loss(name, promise.domain, promise.at, parts[name], self._now)
                for name in names
            )
            for need in promise.needs
        )

    def _make(self, shape: Shape, jobs: int) -> Promise | None:
        needs = self._state.outlooks.needs(shape, self._now)
        found: dict[Domain, list[Shadow]] = {}
        for outlook, slots in needs:
            for domain, shadow in outlook.shadows(slots * jobs, self._now):
                found.setdefault(domain, []).append(shadow)
        whole = [
            (max(shadow.at for shadow in shadows), domain, shadows)
            for domain, shadows in found.items()
            if len(shadows) == len(needs)
        ]
        if not whole:
            return None
        at, domain, shadows = min(whole, key=lambda each: (each[0], each[1]))
        return Promise(shape, domain, at, [shadow.extra for shadow in shadows], needs)


def _counted(every: list[_Blocked]) -> list[tuple[Shape, int]]:
    """Return the shapes of blocked jobs, in the order of turns, and how many jobs are of each."""
    counts: dict[Shape, int] = {}
    for blocked in every:
        shape = blocked.job_class.key.shape
        counts[shape] = counts.get(shape, 0) + 1
    return list(counts.items())
