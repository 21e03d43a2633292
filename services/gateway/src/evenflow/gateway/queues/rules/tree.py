"""Where a queue is in the tree, what is above it, and whether it is in use. Pure."""

from evenflow.common.domain.errors import NotFound, RequestRejected
from evenflow.common.domain.queues.queue import Queue, lineage
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.edge.permits import sees
from evenflow.gateway.edge.principal import Principal
from evenflow.gateway.queues.rules.projects import DefinitionContext, new_project


class StillInUse(RequestRejected):
    """What shall go or change its place is in use."""

    code = "in_use"


def found_queue(state: ShardState, key: str, principal: Principal | None = None) -> Queue:
    """Return a queue by id or path.

    Raises:
        NotFound: there is none, or it is hidden from who asks.
    """
    queue = state.queue(key)
    if queue is None or (principal is not None and not sees(principal, queue.path)):
        raise NotFound("queue", key[:200], "see `evenflow queues`")
    return queue


def holds_jobs(state: ShardState, path: str) -> bool:
    """Whether jobs that have not ended are in the queue or below it."""
    return bool(state.count(path).pending or state.ledger.held(path).jobs)


def missing_above(
    state: ShardState, path: str, context: DefinitionContext
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
                Queue(context.new_id(), parent, created_at=context.now, updated_at=context.now)
            )
        else:
            node, quotas = new_project(parent, context.now, context.new_id)
            made.append(node)
    return tuple(made), quotas
