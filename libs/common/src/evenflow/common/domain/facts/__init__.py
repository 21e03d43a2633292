"""Facts: what the log holds. Module and class are the subject's words: `jobs.Submitted`.

Each fact is frozen and complete; most carry one tuple of records, so that waiting ones travel
together. It imports the nouns that facts embed; nothing of the state or the fold.
"""

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

FACTS: tuple[type, ...] = (
    access.TokenCreated,
    access.TokenRevoked,
    clock.Set,
    cluster.Observed,
    cycle.Decided,
    jobs.Submitted,
    jobs.Changed,
    jobs.CancelRequested,
    leader.Decided,
    log.Skipped,
    nodes.Cordoned,
    nodes.Labelled,
    nodes.Tainted,
    nodes.Uncordoned,
    queues.Defined,
    queues.Deleted,
    quotas.Alerted,
    quotas.Set,
    reservations.Cancelled,
    reservations.Defined,
    runs.Reported,
    settings.Set,
    usage.SnapshotTaken,
)
"""Facts of the ordered stream."""

SAMPLES: tuple[type, ...] = (usage.Sampled,)
"""Facts of the stream of samples, which has an age."""

OPTIONAL: frozenset[type] = frozenset({access.TokenCreated, access.TokenRevoked})
"""Kinds that a service of an older release may pass over, because nothing it decides or shows rests
on them. Their envelope says so. Every other kind is needed: who does not know it waits there."""
