"""From what clients ask about queues to facts, judged by the state as it is. Pure."""

from dataclasses import replace

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.facts import queues as facts
from evenflow.common.domain.queues.queue import Queue, broken_rules, check_path
from evenflow.common.domain.state.kept_room import kept_for
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.queues.rules.fields import QueueFields, queue_values
from evenflow.gateway.queues.rules.projects import (
    DEFAULT_CONCURRENT_JOBS,
    DefinitionContext,
    Definitions,
    new_project,
)
from evenflow.gateway.queues.rules.tree import (
    StillInUse,
    found_queue,
    holds_jobs,
    missing_above,
)
from evenflow.gateway.values.rejections import BrokenRules


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


def create(
    state: ShardState,
    path: str,
    fields: QueueFields,
    given: frozenset[str],
    context: DefinitionContext,
) -> Definitions:
    """Return what a new queue needs: its project when that is missing, and itself.

    Raises:
        RequestRejected: the name is taken, the parent is missing or holds jobs, or a value is bad.
    """
    check_path(path)
    if path in state.queues:
        raise NameTaken(path)
    above, quotas = missing_above(state, path, context)
    broken: list[RequestRejected] = []
    stated = queue_values(fields, given, context.policies, broken)
    values = {"max_concurrent_jobs": DEFAULT_CONCURRENT_JOBS} | stated
    queue = replace(
        Queue(context.new_id(), path, created_at=context.now, updated_at=context.now),
        **values,  # type: ignore[arg-type]
    )
    broken.extend(broken_rules(queue))
    if broken:
        raise BrokenRules(broken)
    if "/" not in path:
        _, quotas = new_project(path, context.now, context.new_id)
    return Definitions((*above, queue), quotas)


def change(
    state: ShardState,
    key: str,
    fields: QueueFields,
    given: frozenset[str],
    context: DefinitionContext,
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
    stated = queue_values(fields, given, context.policies, broken)
    queue = replace(known, **stated)  # type: ignore[arg-type]
    broken.extend(broken_rules(queue))
    if broken:
        raise BrokenRules(broken)
    return None if queue == known else Definitions((replace(queue, updated_at=context.now),))


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
