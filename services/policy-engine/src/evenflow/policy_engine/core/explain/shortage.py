"""Which resource a waiting job is short of: on the nodes of its kind, or of a limit or quota."""

from collections.abc import Mapping

from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import requests_of, whole_request
from evenflow.policy_engine.core.explain.explanation import Short
from evenflow.policy_engine.core.state.engine_state import EngineState


def short_of(state: EngineState, job: Job, reason: PendingReason) -> Short | None:
    """Return what the job is short of; None when its reason is not an amount."""
    if reason.code in {ReasonCode.CAPACITY, ReasonCode.ORDER}:
        return _of_nodes(state, job, is_refused=reason.code is ReasonCode.CAPACITY)
    name, path = reason.detail.get("resource"), reason.detail.get("queue")
    if not isinstance(name, str) or not isinstance(path, str):
        return None
    most = reason.detail.get("limit", reason.detail.get("quota"))
    if not isinstance(most, int):
        return None
    wanted = whole_request(job.spec).get(name, 0)
    return Short(name, wanted, max(0, most - state.commitments.held(path).resources.get(name, 0)))


def task_request(job: Job) -> dict[str, int]:
    """Return the most that any task which must start asks for, by resource."""
    most: dict[str, int] = {}
    for request in requests_of(job.spec, 0, job.spec.least_tasks):
        for name, amount in request.items():
            most[name] = max(most.get(name, 0), amount)
    return most


def _of_nodes(state: EngineState, job: Job, *, is_refused: bool) -> Short | None:
    """Return the scarcest of what it wants; what would do in sum and on a node only if refused."""
    whole, task = whole_request(job.spec), task_request(job)
    free: dict[str, int] = {}
    largest: dict[str, int] = {}
    for room in state.rooms.rooms_of(job.spec.executor):
        for name in whole:
            amount = max(0, room.free(name))
            free[name] = free.get(name, 0) + amount
            largest[name] = max(largest.get(name, 0), amount)
    found: list[tuple[float, str]] = []
    for name, wanted in sorted(whole.items()):
        if wanted > 0 and (ratio := _covered(name, wanted, task, free, largest)) is not None:
            found.append((ratio, name))
    if not found:
        return None
    ratio, name = min(found)
    if ratio >= 1 and not is_refused:
        return None
    return Short(name, whole[name], free.get(name, 0), task[name], largest.get(name, 0))


def _covered(
    name: str,
    wanted: int,
    task: Mapping[str, int],
    free: Mapping[str, int],
    largest: Mapping[str, int],
) -> float | None:
    """Return which part of what is wanted is there, in sum and on the best node."""
    each = task.get(name, 0)
    return min(free.get(name, 0) / wanted, largest.get(name, 0) / each) if each else None
