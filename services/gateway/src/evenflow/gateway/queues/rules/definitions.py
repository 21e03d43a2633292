"""From what clients ask about queues and quotas to facts, judged by the state as it is. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.settings import POLICIES
from evenflow.common.domain.errors import InvalidValue, NotFound, RequestRejected
from evenflow.common.domain.facts import queues as facts
from evenflow.common.domain.queues import queue as queue_rules
from evenflow.common.domain.queues import quota as quota_rules
from evenflow.common.domain.queues.queue import Queue, check_path, lineage
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.domain.reservations.reservation import kept_for
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.queues.rules.choice import (
    DEFAULT_CONCURRENT_JOBS,
    Definitions,
    new_project,
    project_with_default_queue,
)
from evenflow.gateway.queues.rules.fields import (
    TYPE_FIELDS,
    UNLIMITED,
    QueueFields,
    QuotaFields,
    queue_values,
    quota_amounts,
    quota_budget,
)


class BrokenRules(RequestRejected):
    """Several rules at once."""

    status = 422

    def __init__(self, rules: list[RequestRejected]) -> None:
        """Keep them all."""
        super().__init__("; ".join(map(str, rules)))
        self.rules = rules


class NameTaken(RequestRejected):
    """A queue of that name exists in the project (API-13)."""

    code = "name_taken"

    def __init__(self, path: str) -> None:
        """`path` is the one that exists."""
        super().__init__(
            f"queue {path!r} exists already; change it, or take another name",
            field="name",
            value=path,
            rule="must be unique in its project",
        )


class StillInUse(RequestRejected):
    """What shall go or change its place is in use."""

    code = "in_use"


@dataclass(frozen=True, slots=True)
class Making:
    """When and with which ids something is made, and what it may name."""

    now: Instant
    new_id: Callable[[], str]
    policies: tuple[str, ...] = POLICIES  # those that are installed too


def found_queue(state: ShardState, key: str) -> Queue:
    """Return a queue by id or path.

    Raises:
        NotFound: there is none.
    """
    queue = state.queue(key)
    if queue is None:
        raise NotFound("queue", key[:200], "see `evenflow queues`")
    return queue


def create(
    state: ShardState, path: str, fields: QueueFields, given: frozenset[str], making: Making
) -> Definitions:
    """Return what a new queue needs: its project when that is missing, and itself.

    Raises:
        RequestRejected: the name is taken, the parent is missing or holds jobs, or a value is bad.
    """
    check_path(path)
    if path in state.queues:
        raise NameTaken(path)
    above, quotas = _above(state, path, making)
    broken: list[RequestRejected] = []
    stated = queue_values(fields, given, making.policies, broken)
    values = {"max_concurrent_jobs": DEFAULT_CONCURRENT_JOBS} | stated
    queue = replace(
        Queue(making.new_id(), path, created_at=making.now, updated_at=making.now),
        **values,  # type: ignore[arg-type]
    )
    broken.extend(queue_rules.broken_rules(queue))
    if broken:
        raise BrokenRules(broken)
    if "/" not in path:
        _, quotas = new_project(path, making.now, making.new_id)
    return Definitions((*above, queue), quotas)


def _above(
    state: ShardState, path: str, making: Making
) -> tuple[tuple[Queue, ...], tuple[Quota, ...]]:
    """Return the missing queues above a path, with the quota of a project among them."""
    parents = lineage(path)[:-1]
    missing = [parent for parent in parents if parent not in state.queues]
    nearest = parents[len(parents) - len(missing) - 1] if len(missing) < len(parents) else None
    if nearest is not None and state.is_leaf(nearest) and holds_jobs(state, nearest):
        raise StillInUse(
            f"queue {nearest!r} holds jobs, so nothing can be put below it; wait until they ended",
            field="path",
            value=path,
        )
    made: list[Queue] = []
    quotas: tuple[Quota, ...] = ()
    for parent in missing:
        if "/" in parent:
            made.append(
                Queue(making.new_id(), parent, created_at=making.now, updated_at=making.now)
            )
        else:
            node, quotas = new_project(parent, making.now, making.new_id)
            made.append(node)
    return tuple(made), quotas


def holds_jobs(state: ShardState, path: str) -> bool:
    """Whether jobs that have not ended are in the queue or below it."""
    return bool(state.count(path).pending or state.ledger.held(path).jobs)


def change(
    state: ShardState, key: str, fields: QueueFields, given: frozenset[str], making: Making
) -> Definitions | None:
    """Return the queue as changed; None when it is so already.

    Raises:
        RequestRejected: no such queue, a name that would move it, or a bad value.
    """
    known = found_queue(state, key)
    broken: list[RequestRejected] = []
    for name, value, mine in (("name", fields.name, known.name), ("path", fields.path, known.path)):
        if name in given and value != mine:
            rule = f"cannot change: jobs name it by {known.path}; make a new queue"
            broken.append(InvalidValue(name, value, rule))
    stated = queue_values(fields, given, making.policies, broken)
    queue = replace(known, **stated)  # type: ignore[arg-type]
    broken.extend(queue_rules.broken_rules(queue))
    if broken:
        raise BrokenRules(broken)
    return None if queue == known else Definitions((replace(queue, updated_at=making.now),))


def delete(state: ShardState, key: str, now: Instant) -> facts.Deleted:
    """Return the fact that removes a queue.

    Raises:
        RequestRejected: there is none, jobs or queues are in it, or room is kept for it.
    """
    queue = found_queue(state, key)
    if state.children.get(queue.path):
        below = ", ".join(sorted(state.children[queue.path])[:5])
        raise StillInUse(f"queue {queue.path!r} has queues below it: {below}; delete them first")
    if holds_jobs(state, queue.path):
        count = state.count(queue.path).pending + state.ledger.held(queue.path).jobs
        raise StillInUse(
            f"queue {queue.path!r} has {count} jobs that have not ended; cancel them or wait"
        )
    if (name := kept_for(state, queue.path, now)) is not None:
        raise StillInUse(
            f"reservation {name!r} keeps room for queue {queue.path!r}; cancel it first"
        )
    return facts.Deleted((queue.path,))


def quota_of(state: ShardState, key: str, making: Making) -> tuple[str, Quota]:
    """Return the path and the quota of a queue; of a project that nobody defined, the defaults."""
    queue = state.queue(key)
    if queue is not None:
        return queue.path, state.quotas.get(queue.path) or Quota(queue.path)
    check_path(key, field="project_id")
    if "/" in key:
        raise NotFound("queue", key[:200], "see `evenflow queues`")
    return key, (new_project(key, making.now, making.new_id)[1] or (Quota(key),))[0]


def set_quota(
    state: ShardState, key: str, fields: QuotaFields, given: frozenset[str], making: Making
) -> Definitions | None:
    """Return the quota as changed, with its project when that is new; None when it is so already.

    Raises:
        RequestRejected: no such queue, or a bad value.
    """
    path, known = quota_of(state, key, making)
    broken: list[RequestRejected] = []
    by_type = dict(known.max_by_type)
    for name, job_type in TYPE_FIELDS.items():
        if name in given:
            most = getattr(fields, name)
            by_type.pop(job_type, None)
            if most not in UNLIMITED:
                by_type[job_type] = most
    hours, period = quota_budget(fields, given, known, broken)
    quota = replace(
        known,
        resources=quota_amounts(fields, given, known.resources, broken),
        max_by_type=by_type,
        gpu_hours=hours,
        period=period,
    )
    if "max_concurrent_jobs" in given:
        most = fields.max_concurrent_jobs
        quota = replace(quota, max_jobs=None if most in UNLIMITED else most)
    if "enforce_quota" in given:
        quota = replace(quota, enforce=fields.enforce_quota is not False)
    broken.extend(quota_rules.broken_rules(quota))
    if broken:
        raise BrokenRules(broken)
    made: tuple[Queue, ...] = ()
    if path not in state.queues:
        made = project_with_default_queue(path, making.now, making.new_id).queues
    elif quota == known and path in state.quotas:
        return None
    created_at = known.created_at or making.now
    return Definitions(made, (replace(quota, created_at=created_at, updated_at=making.now),))
