"""EASY backfill: jobs behind blocked heads start in gaps, one by one in the order of turns."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final, NamedTuple

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.policy_engine.core.backfill.bounds import Bounds, are_admitted, is_hopeless
from evenflow.policy_engine.core.ordering.turns import Chain, LeafPlace
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.session.clearance import (
    first_conflict,
    is_kept_for,
    place_elsewhere,
)
from evenflow.policy_engine.core.session.promises import Promise
from evenflow.policy_engine.core.session.session import Session, start
from evenflow.policy_engine.core.waiting.job_class import JobGroup

FEW_GROUPS: Final = 64
"""Of jobs that may have room: so few are sorted at once."""
Tasks = tuple[TaskPlacement, ...]
Offer = tuple[bool, Bounds]
"""Whether the first place that fits is meant, or another one, and what it may be held for."""
Jobs = list[tuple[object, str]]


class _Line:
    """The jobs of one group in the order in which they are looked at, with what orders them."""

    __slots__ = ("group", "jobs", "path")

    def __init__(self, path: str, group: JobGroup, jobs: Jobs | None = None) -> None:
        """`jobs` None: those of the group in its own order, listed once more than one is asked."""
        self.path = path
        self.group = group
        self.jobs = jobs

    def first(self) -> tuple[object, str]:
        """Return the first job, and what orders it; there is one."""
        if self.jobs is not None:
            return self.jobs[0]
        key = self.group.keys.first()
        return (_rank(self.group), key), key[2]

    def after(self, job_id: str, at: int) -> tuple[object, str] | None:
        """Return the job behind one that was looked at, at its place; None at the end."""
        if self.jobs is None:
            rank = _rank(self.group)
            self.jobs = [((rank, key), key[2]) for key in self.group.keys]
            if not self.jobs or self.jobs[0][1] != job_id:  # it has started
                self.jobs.insert(0, ((rank,), job_id))
        return self.jobs[at + 1] if at + 1 < len(self.jobs) else None


def _rank(group: JobGroup) -> object:
    return () if group.order is None else group.order[0]


class _Candidate(NamedTuple):
    """One job behind a blocked head, or that head; compared by its place in its leaf."""

    order: object
    job_id: str  # unique, so nothing behind it is compared
    at: int  # its place in the line
    line: _Line


def fill_easily(session: Session) -> None:
    """Start jobs of blocked leaves, in the order of turns, where that delays none of the heads.

    A start moves its leaf back in that order, and leaves beside it. Within a cycle keys only grow,
    so what orders a leaf is looked at again when it comes first. Who was looked at before is not
    looked at again: a leaf where nobody may start is done with.
    """
    waiting = session.state.waiting
    shapes = [shape for shape in waiting.crowd if _has_a_gap(session, shape)]
    search, turns = _Search(session, shapes), _Turns(session, shapes)
    while search.goes_on() and (path := turns.next()) is not None:
        if not search.starts_one(path):
            turns.drop_next()


class _Turns:
    """Leaves with jobs of some shapes, first come first: a heap whose entries are lower bounds.

    Where these are many, leaves come into it from a walk over all, as far as they are needed.
    """

    def __init__(self, session: Session, shapes: list[Shape]) -> None:
        """Only leaves that stand now ever come."""
        self._waiting: Final = session.state.waiting
        self._heap: list[tuple[Chain, str]] = []
        self._walk: Iterator[tuple[Chain, LeafPlace]] = iter(())
        if sum(len(self._waiting.crowd[shape]) for shape in shapes) > FEW_GROUPS:
            self._walk = self._waiting.turns.in_order()
        else:
            paths = {path: None for shape in shapes for path, _ in self._waiting.crowd[shape]}
            has_turn, chain_of = self._waiting.has_turn, self._waiting.chain_of
            self._heap = [(chain_of(path), path) for path in paths if has_turn(path)]
            heapify(self._heap)
        self._ahead = next(self._walk, None)

    def next(self) -> str | None:
        """Return the leaf that comes first; the same one until it moves, or is dropped."""
        heap, waiting = self._heap, self._waiting
        while True:
            while self._ahead is not None and (not heap or self._ahead[0] <= heap[0][0]):
                path = self._ahead[1].path
                if waiting.has_turn(path):
                    heappush(heap, (waiting.chain_of(path), path))
                self._ahead = next(self._walk, None)
            if not heap:
                return None
            chain, path = heap[0]
            if not waiting.has_turn(path):
                heappop(heap)
            elif (now := waiting.chain_of(path)) != chain:
                heapreplace(heap, (now, path))
            else:
                return path

    def drop_next(self) -> None:
        """Let the leaf that comes first not come again."""
        heappop(self._heap)


class _Search:
    """Who was looked at in one cycle, and what is known until somebody starts."""

    def __init__(self, session: Session, shapes: list[Shape]) -> None:
        """Nobody was; `shapes` have room now."""
        self._work: Final = session
        self._shapes: Final = dict.fromkeys(shapes)
        self._left = session.settings.backfill_tested_jobs
        self._behind: Final[dict[str, list[_Candidate]]] = {}  # by leaf, heaps
        self._offers: Final[dict[JobGroup, list[Offer]]] = {}

    def goes_on(self) -> bool:
        """Whether anybody may still start."""
        is_over = self._work.is_long or self._left == 0
        return not is_over and not all(shape.is_blocked for shape in self._shapes)

    def starts_one(self, path: str) -> bool:
        """Start the first job of a leaf that delays nobody; whether there is one."""
        heap = self._behind.get(path)
        if heap is None:
            heap = self._behind[path] = self._candidates(path)
        while heap and self._left != 0:
            found = heappop(heap)
            if not _is_eligible(self._work, found.line):
                continue
            is_waiting = found.job_id in self._work.state.waiting
            if is_waiting and self._left is not None:
                self._left -= 1
            has_started = is_waiting and _starts(self._work, found, self._offers)
            _push_next(heap, found)
            if has_started:
                self._offers.clear()
                return True
        return False

    def _candidates(self, path: str) -> list[_Candidate]:
        """Return the first jobs of a leaf's groups that have room, as a heap."""
        is_counted = self._left is not None
        heap: list[_Candidate] = []
        leaf = self._work.state.waiting.leaf_or_none(path)
        for group, _ in () if leaf is None else leaf.groups():
            if group.shape not in self._shapes:
                continue
            if not group.keys or (is_counted and is_hopeless(self._work, path, group)):
                continue
            line = _line(self._work, path, group)
            if _is_eligible(self._work, line):
                order, job_id = line.first()
                heap.append(_Candidate(order, job_id, 0, line))
        heapify(heap)
        return heap


def _push_next(heap: list[_Candidate], found: _Candidate) -> None:
    behind = found.line.after(found.job_id, found.at)
    if behind is not None:
        order, job_id = behind
        heappush(heap, _Candidate(order, job_id, found.at + 1, found.line))


def _line(session: Session, path: str, group: JobGroup) -> _Line:
    if session.settings.backfill_order != "shortest":
        return _Line(path, group)
    jobs, run_us, rank = session.state.shard.jobs, session.state.planning.run_us, _rank(group)
    planned = sorted(((run_us(jobs[key[2]].spec), rank, key), key[2]) for key in group.keys)
    return _Line(path, group, [(order, job_id) for order, job_id in planned])


def _is_eligible(session: Session, line: _Line) -> bool:
    """Whether jobs of a group may pass: only heads that found no room are passed (SCH-12)."""
    waiting = session.state.waiting
    leaf = waiting.leaf_or_none(line.path)
    if leaf is None or line.group.shape.is_blocked or leaf.policy.selects is not None:
        return False
    if waiting.head_or_none(line.path) is None or line.group.order is None:
        return False
    job_class, classes = waiting.class_of(line.path), waiting.classes
    return job_class in classes.no_room or job_class in classes.held


def _has_a_gap(session: Session, shape: Shape) -> bool:
    """Whether any job of a shape may start, as far as that can be told without looking at each.

    What the first blocked job is promised binds all that are behind it, so all candidates.
    """
    if shape.is_blocked:
        return False
    promises, kind = session.promises, shape.kind.name
    first = [(each.job_class.key.shape, 1) for each in promises.first_blocked(kind)[:1]]
    kept = promises.make(first)
    tasks = session.state.rooms.place(shape)
    if tasks is None:
        return False
    losses = promises.losses(kept, shape.example, tasks)
    session.state.rooms.put_back(shape.example, tasks)
    if session.state.shard.reservations:
        return True  # some may have what is kept for them, or go elsewhere than promised room is
    by_limit = session.state.planning.is_by_limit
    shortest = session.state.waiting.shortest_of(shape) if by_limit else 0
    return are_admitted(losses, session.now + shortest)


def _starts(session: Session, candidate: _Candidate, offers: dict[JobGroup, list[Offer]]) -> bool:
    """Start a job if it fits where it delays nobody; whether it did."""
    state, path, group = session.state, candidate.line.path, candidate.line.group
    shape, job = group.shape, state.shard.jobs[candidate.job_id]
    if group not in offers:
        offers[group] = _offers(session, job, path, shape)
    run_us = state.planning.run_us(job.spec)
    for is_first, bounds in offers[group]:
        if bounds.admit(session, run_us, job.spec):
            tasks = state.rooms.place(shape)
            if tasks is not None and not is_first:
                state.rooms.put_back(job.spec, tasks)
                conflict = offers[group][0][1].conflict
                tasks = None if conflict is None else place_elsewhere(session, job.spec, conflict)
            if tasks is None:
                return False
            bounds.take(session.now + run_us)
            start(session, job, state.waiting.scope_of(path), whole_request(job.spec), tasks)
            return True
    return False


def _offers(session: Session, job: Job, path: str, shape: Shape) -> list[Offer]:
    """Return where jobs of a shape and leaf fit now, and what each place costs others."""
    state, spec = session.state, job.spec
    scope = state.waiting.scope_of(path)
    if scope and session.gates.judge(scope, whole_request(spec), spec.job_type) is not None:
        return []
    promises = [] if is_kept_for(session, spec) else _promises(session, path, spec.executor)
    tasks = state.rooms.place(shape)
    if tasks is None:
        return []
    first = Bounds(
        session.promises.losses(promises, spec, tasks), first_conflict(session, spec, tasks)
    )
    state.rooms.put_back(spec, tasks)
    if first.conflict is None:
        return [(True, first)]
    tasks = place_elsewhere(session, spec, first.conflict)
    if tasks is None:
        return [(True, first)]
    other = Bounds(
        session.promises.losses(promises, spec, tasks), first_conflict(session, spec, tasks)
    )
    state.rooms.put_back(spec, tasks)
    return [(True, first), (False, other)]


def _promises(session: Session, path: str, kind: str) -> list[Promise]:
    """Return what binds jobs of a leaf: promises to the first blocked, and to its own head."""
    promises = session.promises.make(session.promises.blocked_before(path, kind))
    waiting = session.state.waiting
    if waiting.class_of(path) in waiting.classes.no_room:
        own = session.promises.of(waiting.head_of(path)[1].shape)
        if own is not None and own not in promises:
            promises.append(own)
    return promises
