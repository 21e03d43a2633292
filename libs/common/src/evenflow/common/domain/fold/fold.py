"""What a fact does to the state. The same pure function in every service.

`apply` takes the state over and returns it moved by one fact, or says why the fact is void. It
reads no clock and does no I/O. The state is moved in place, because copying a million jobs for each
fact would be absurd; its one owner is whoever folds (docs/adr/0003-the-fold-judges.md). A fact
carries a list, so single records may be void too.
"""

from collections.abc import Callable
from typing import Any, Final

from evenflow.common.domain.clock import ShardClock
from evenflow.common.domain.entry import Entry, Fact, UnknownFact
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import (
    access,
    clock,
    cluster,
    cycle,
    jobs,
    leader,
    log,
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
from evenflow.common.domain.fold.nodes import (
    fold_cordoned,
    fold_labels,
    fold_observed,
    fold_taints,
    fold_uncordoned,
)
from evenflow.common.domain.fold.queues import fold_defined, fold_deleted
from evenflow.common.domain.fold.quotas import fold_alerts, fold_quotas
from evenflow.common.domain.fold.reservations import fold_reserved, fold_unreserved
from evenflow.common.domain.fold.runs import fold_reports
from evenflow.common.domain.fold.usage import fold_snapshot
from evenflow.common.domain.state.shard_state import ShardState

__all__ = ["Folded", "Void", "apply", "pass_over"]


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
    state.last_event = entry.sequence, entry.event_id
    folded = Folded(state)
    void = handler(folded, entry, entry.fact)
    return void or folded


def pass_over(state: ShardState, sequence: int) -> None:
    """Go on behind a sequence that `log.skipped` names: it changes nothing, in any service."""
    state.sequence = max(state.sequence, sequence)


def _nothing(_folded: Folded, _entry: Entry, _fact: Fact) -> Void | None:
    """The reader may pass over it."""
    return None


def _skipped(folded: Folded, entry: Entry, fact: log.Skipped) -> Void | None:
    """Note that a loss was told of: the reader has looked ahead for what it says."""
    if fact.cut_after >= 0:
        folded.state.last_loss = entry.sequence
    return None


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


def _audit(_folded: Folded, _entry: Entry, _fact: Any) -> Void | None:  # type: ignore[explicit-any]
    return None  # told for people who look at the log: it moves nothing


_Handler = Callable[[Folded, Entry, Any], Void | None]  # type: ignore[explicit-any]  # as Fact
_HANDLERS: Final[dict[type, _Handler]] = {
    access.TokenCreated: _audit,
    access.TokenRevoked: _audit,
    clock.Set: _clock,
    cluster.Observed: fold_observed,
    cycle.Decided: _cycle,
    jobs.Submitted: fold_submissions,
    jobs.Changed: fold_changes,
    jobs.CancelRequested: fold_cancels,
    leader.Decided: _leader,
    log.Skipped: _skipped,
    nodes.Cordoned: fold_cordoned,
    nodes.Labelled: fold_labels,
    nodes.Tainted: fold_taints,
    nodes.Uncordoned: fold_uncordoned,
    queues.Defined: fold_defined,
    queues.Deleted: fold_deleted,
    quotas.Alerted: fold_alerts,
    quotas.Set: fold_quotas,
    reservations.Cancelled: fold_unreserved,
    reservations.Defined: fold_reserved,
    runs.Reported: fold_reports,
    settings.Set: _settings,
    usage.SnapshotTaken: fold_snapshot,
    UnknownFact: _nothing,
}
