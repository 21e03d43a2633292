"""Conservative backfill: jobs are given windows in turn; those whose window is now start."""

from heapq import merge
from itertools import zip_longest
from typing import Final, NamedTuple

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.policy_engine.core.backfill.bounds import Bounds, is_hopeless
from evenflow.policy_engine.core.backfill.windows import Windows
from evenflow.policy_engine.core.session.clearance import first_conflict
from evenflow.policy_engine.core.session.promises import Promise
from evenflow.policy_engine.core.session.session import Session, start
from evenflow.policy_engine.core.waiting.job_class import JobGroup
from evenflow.policy_engine.core.waiting.leaf_queue import LeafQueue

MOST_WINDOWS: Final = 64
"""Jobs that are given windows in one cycle, unless the settings say otherwise."""


class _Waiter(NamedTuple):
    """One job in its leaf."""

    path: str
    group: JobGroup
    job_id: str


def fill_conservatively(session: Session) -> None:
    """Give windows to jobs of blocked leaves, in turn, and start those whose window begins now.

    Turns go round the leaves: the first jobs of all, in the order of turns, then the second ones.
    """
    windows = Windows(session.state, session.now)
    promises: list[Promise] = []
    most = session.settings.backfill_tested_jobs or MOST_WINDOWS
    for waiter in _in_turn(session, most):
        if session.is_long:
            return
        job = session.state.shard.jobs[waiter.job_id]
        if waiter.job_id not in session.state.waiting or _starts(session, job, waiter, promises):
            continue
        run_us = session.state.planning.run_us(job.spec)
        promise = windows.promise(waiter.group.shape, run_us)
        if promise is not None:
            promises.append(promise)


def _starts(session: Session, job: Job, waiter: _Waiter, promises: list[Promise]) -> bool:
    """Start a job that fits now and delays nobody who has a window; whether it may have none."""
    state, spec = session.state, job.spec
    scope, whole = state.waiting.scope_of(waiter.path), whole_request(spec)
    if scope and session.gates.judge(scope, whole, spec.job_type) is not None:
        return True  # a gate holds it back, not room
    if waiter.group.shape.is_blocked:
        return False
    tasks = state.rooms.place(waiter.group.shape)
    if tasks is None:
        return False
    losses = session.promises.losses(promises, spec, tasks)
    bounds = Bounds(losses, first_conflict(session, spec, tasks))
    run_us = state.planning.run_us(spec)
    if not bounds.admit(session, run_us, spec):
        state.rooms.put_back(spec, tasks)
        return False
    bounds.take(session.now + run_us)
    start(session, job, scope, whole, tasks)
    return True


def _in_turn(session: Session, most: int) -> list[_Waiter]:
    waiting = session.state.waiting
    classes = waiting.classes
    lines: list[list[_Waiter]] = []
    for _, place in waiting.turns.in_order():
        path, leaf = place.path, waiting.leaf_or_none(place.path)
        if leaf is None or leaf.policy.selects is not None or waiting.head_or_none(path) is None:
            continue
        job_class = waiting.class_of(path)
        if job_class in classes.no_room or job_class in classes.held:
            lines.append(_line(session, leaf, most))
            if len(lines) >= most:
                break
    turns = (each for round_of in zip_longest(*lines) for each in round_of if each is not None)
    return [each for each, _ in zip(turns, range(most), strict=False)]


def _line(session: Session, leaf: LeafQueue, most: int) -> list[_Waiter]:
    """Return the first jobs of a leaf in its order; groups that are aside wait elsewhere."""
    orders = [
        [((group.order[0], key), group) for key, _ in zip(group.keys, range(most), strict=False)]
        for group, _ in leaf.groups()
        if group.order is not None and not is_hopeless(session, leaf.path, group)
    ]
    merged = merge(*orders, key=lambda each: each[0])
    return [
        _Waiter(leaf.path, group, key[2])
        for ((_, key), group), _ in zip(merged, range(most), strict=False)
    ]
