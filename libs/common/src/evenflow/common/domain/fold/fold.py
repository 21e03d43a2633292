"""The law: what a fact does to the state. The same pure function in every service.

`apply` takes the state over and returns it moved by one fact, or says why the fact is void. It
reads no clock and does no I/O. The state is moved in place, because copying a million jobs for each
fact would be absurd; its one owner is whoever folds (docs/adr/0003-the-fold-judges.md). A fact
carries a list, so single records may be void too.
"""

from collections.abc import Callable
from typing import Any, Final

from evenflow.common.domain.clock import ShardClock
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import (
    clock,
    cluster,
    cycle,
    jobs,
    leader,
    nodes,
    queues,
    quotas,
    reservations,
    runs,
    settings,
    usage,
)
from evenflow.common.domain.fold.decisions import fold_cycle
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.fold.jobs import fold_cancels, fold_changes, fold_submissions
from evenflow.common.domain.fold.nodes import fold_labels, fold_taints
from evenflow.common.domain.fold.reservations import fold_reserved, fold_unreserved
from evenflow.common.domain.fold.runs import fold_reports
from evenflow.common.domain.fold.usage import fold_snapshot
from evenflow.common.domain.queues import queue as queue_rules
from evenflow.common.domain.queues import quota as quota_rules
from evenflow.common.domain.quotas import budget, quota_alerts
from evenflow.common.domain.reservations.reservation import kept_for
from evenflow.common.domain.state import node_overrides
from evenflow.common.domain.state.shard_state import ShardState

__all__ = ["Folded", "Void", "apply"]


def apply(state: ShardState, entry: Entry) -> Folded | Void:
    """Move the state by one entry of the log.

    Returns:
        Folded: the moved state, what was touched, and the records that were void.
        Void: the whole fact changes nothing; the state has only noted its sequence.

    Raises:
        BrokenInvariant: entries out of order, an unknown kind of fact, or a move that cannot be.
    """
    if entry.sequence <= state.sequence:
        raise BrokenInvariant(f"entry {entry.sequence} folded after {state.sequence}")
    handler = _HANDLERS.get(type(entry.fact))
    if handler is None:
        raise BrokenInvariant(f"entry {entry.sequence} is of an unknown kind {type(entry.fact)}")
    state.sequence = entry.sequence
    folded = Folded(state)
    void = handler(folded, entry, entry.fact)
    return void or folded


def _clock(folded: Folded, _: Entry, fact: clock.Set) -> Void | None:
    if fact.rate < 1:
        return Void(f"rate {fact.rate} is below 1")
    if fact.shard_at < folded.state.clock.shard_time(fact.wall_at):
        return Void("the shard's clock would go back")
    folded.state.clock = ShardClock(fact.wall_at, fact.shard_at, fact.rate)
    folded.is_clock_touched = True
    return None


def _settings(folded: Folded, entry: Entry, fact: settings.Set) -> Void | None:
    folded.state.settings = fact.scheduler
    folded.state.settings_sequence = entry.sequence
    folded.is_everything_touched = True
    return None


def _leader(folded: Folded, entry: Entry, _: leader.Decided) -> Void | None:
    folded.state.epoch = entry.sequence
    folded.state.last_decision = entry.sequence
    return None


def _cycle(folded: Folded, entry: Entry, fact: cycle.Decided) -> Void | None:
    state = folded.state
    state.last_decision = entry.sequence
    if fact.epoch != state.epoch:
        return Void(f"epoch {fact.epoch} is not the leader's {state.epoch}")
    fold_cycle(folded, entry, fact)
    return None


def _cluster(folded: Folded, _: Entry, fact: cluster.Observed) -> Void | None:
    state = folded.state
    for node in fact.nodes:
        owner = state.nodes.get(node.name)
        if owner is not None and owner.cluster != fact.cluster:
            folded.void(node.name, f"the node belongs to cluster {owner.cluster}")
        else:
            node_overrides.show(state, node)
            folded.nodes.add(node.name)
    for name in fact.gone:
        known = state.nodes.get(name)
        if known is not None and known.cluster == fact.cluster:
            node_overrides.hide(state, name)
            folded.nodes.add(name)
    return None


def _cordon(folded: Folded, _: Entry, fact: nodes.Cordoned) -> Void | None:
    for name in fact.nodes:
        folded.state.cordoned.add(name)
        folded.nodes.add(name)
    return None


def _uncordon(folded: Folded, _: Entry, fact: nodes.Uncordoned) -> Void | None:
    for name in fact.nodes:
        folded.state.cordoned.discard(name)
        folded.nodes.add(name)
    return None


def _define(folded: Folded, _: Entry, fact: queues.Defined) -> Void | None:
    state = folded.state
    for queue in fact.queues:
        if broken := next(queue_rules.broken_rules(queue), None):
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


def _has_own_jobs(state: ShardState, path: str) -> bool:
    return state.is_leaf(path) and bool(state.count(path).pending or state.ledger.held(path).jobs)


def _delete(folded: Folded, entry: Entry, fact: queues.Deleted) -> Void | None:
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


def _quota(folded: Folded, _: Entry, fact: quotas.Set) -> Void | None:
    for quota in fact.quotas:
        if broken := next(quota_rules.broken_rules(quota), None):
            folded.void(quota.path, str(broken))
        elif quota.path not in folded.state.queues:
            folded.void(quota.path, "no such queue")
        else:
            budget.put_quota(folded.state, quota)
            quota_alerts.forget_other_limits(folded.state, quota)
            folded.queues.add(quota.path)
    return None


def _alerts(folded: Folded, _: Entry, fact: quotas.Alerted) -> Void | None:
    for place, alert in enumerate(fact.alerts):
        if refused := quota_alerts.take_alert(folded.state, alert):
            folded.void(alert.path, refused)
        else:
            folded.alerts.append(place)
    return None


_Handler = Callable[[Folded, Entry, Any], Void | None]  # type: ignore[explicit-any]  # as Fact
_HANDLERS: Final[dict[type, _Handler]] = {
    clock.Set: _clock,
    cluster.Observed: _cluster,
    cycle.Decided: _cycle,
    jobs.Submitted: fold_submissions,
    jobs.Changed: fold_changes,
    jobs.CancelRequested: fold_cancels,
    leader.Decided: _leader,
    nodes.Cordoned: _cordon,
    nodes.Labelled: fold_labels,
    nodes.Tainted: fold_taints,
    nodes.Uncordoned: _uncordon,
    queues.Defined: _define,
    queues.Deleted: _delete,
    quotas.Alerted: _alerts,
    quotas.Set: _quota,
    reservations.Cancelled: fold_unreserved,
    reservations.Defined: fold_reserved,
    runs.Reported: fold_reports,
    settings.Set: _settings,
    usage.SnapshotTaken: fold_snapshot,
}
