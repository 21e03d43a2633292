"""What facts about the queue tree do to the state."""

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import queues
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.queues.queue import broken_rules
from evenflow.common.domain.state import budget
from evenflow.common.domain.state.kept_room import kept_for
from evenflow.common.domain.state.shard_state import ShardState


def fold_defined(folded: Folded, _: Entry, fact: queues.Defined) -> Void | None:
    """Make queues or change them; refuse what breaks a rule or the tree as it is now."""
    state = folded.state
    for queue in fact.queues:
        if broken := next(broken_rules(queue), None):
            folded.void(queue.path, str(broken))
            continue
        known = state.queues.get(queue.path)
        if known is not None and known.id != queue.id:
            folded.void(queue.path, f"the name is taken by queue {known.id}")
        elif state.queue_paths.get(queue.id, queue.path) != queue.path:
            folded.void(queue.path, "the id belongs to another queue")
        elif queue.parent and queue.parent not in state.queues:
            folded.void(queue.path, f"its parent {queue.parent} does not exist")
        elif queue.parent and known is None and _has_own_jobs(state, queue.parent):
            folded.void(queue.path, f"its parent {queue.parent} holds jobs, so it must stay a leaf")
        else:
            state.queues[queue.path] = queue
            state.queue_paths[queue.id] = queue.path
            if queue.parent:
                state.children.setdefault(queue.parent, set()).add(queue.path)
            folded.queues.add(queue.path)
    return None


def fold_deleted(folded: Folded, entry: Entry, fact: queues.Deleted) -> Void | None:
    """Let queues be gone; refuse those that something still needs."""
    state = folded.state
    for path in fact.paths:
        queue = state.queues.get(path)
        if queue is None:
            folded.void(path, "no such queue")
        elif state.children.get(path):
            folded.void(path, "there are queues below it")
        elif _has_own_jobs(state, path):
            folded.void(path, "it holds jobs that have not ended")
        elif (name := kept_for(state, path, entry.occurred_at)) is not None:
            folded.void(path, f"reservation {name!r} keeps room for it")
        else:
            del state.queues[path]
            del state.queue_paths[queue.id]
            budget.drop_quota(state, path)
            for gone in (state.counts, state.accepted, state.children, state.budget_used):
                gone.pop(path, None)
            state.quota_levels.pop(path, None)
            if queue.parent:
                state.children[queue.parent].discard(path)
            folded.queues.add(path)
    return None


def _has_own_jobs(state: ShardState, path: str) -> bool:
    return state.is_leaf(path) and bool(state.count(path).pending or state.ledger.held(path).jobs)
