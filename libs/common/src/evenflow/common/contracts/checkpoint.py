"""A shard's state as bytes and back: the base a service starts from before it reads the tail.

Jobs are kept by columns. A checkpoint is immutable, belongs to one log, and is only a shortcut: the
same state comes from folding the log from its beginning.
"""

import json
import zlib
from collections import OrderedDict
from dataclasses import asdict
from typing import Any, Final

from pydantic import TypeAdapter

from evenflow.common.contracts.job_columns import (
    pack_jobs,
    placement_in,
    placement_out,
    unpack_jobs,
)
from evenflow.common.domain.clock import ShardClock
from evenflow.common.domain.decisions.claim import Claim
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.errors import UnreadableMessage
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.jobs.recent_runs import PastRun
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.nodes.rest import Rest
from evenflow.common.domain.queues.queue import Queue, lineage
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.reservations.reservation import Reservation
from evenflow.common.domain.state.budget import put_quota
from evenflow.common.domain.state.node_overrides import put_node
from evenflow.common.domain.state.shard_state import QueueCount, ShardState, UsageSinceSnapshot

FORMAT: Final = 3
_NODES: Final = TypeAdapter(list[Node])
_RESERVATIONS: Final = TypeAdapter(list[Reservation])
_SETTINGS: Final = TypeAdapter(SchedulerSettings)


def _claim_in(value: Any) -> Claim:
    attempt, tasks, stopping = value
    return Claim(attempt, placement_in(tasks), dict.fromkeys(stopping))


def _usage_out(rows: UsageSinceSnapshot) -> Any:
    return [[path, user, amounts] for (path, user), amounts in rows.items()]


def _usage_in(value: Any) -> UsageSinceSnapshot:
    return {(path, user): amounts for path, user, amounts in value}


def _last_event(value: Any) -> tuple[int, str]:
    return (value[0], value[1]) if value else (0, "")


def _by_number(value: dict[str, Any]) -> dict[int, Any]:
    """Return a mapping by whole numbers, whose keys JSON made texts."""
    return {int(key): each for key, each in value.items()}


def dump(state: ShardState, log_id: str) -> bytes:
    """Return the state as bytes."""
    jobs = list(state.jobs.values())
    document = {
        "format": FORMAT,
        "log_id": log_id,
        "sequence": state.sequence,
        "last_event": state.last_event,
        "last_loss": state.last_loss,
        "epoch": state.epoch,
        "last_decision": state.last_decision,
        "clock": asdict(state.clock),
        "settings": asdict(state.settings),
        "settings_sequence": state.settings_sequence,
        "usage_sequence": state.usage_sequence,
        "usage_facts": [[at, asdict(fact)] for at, fact in sorted(state.usage_facts.items())],
        "usage_until": state.usage_until,
        "unsampled": {
            bucket: _usage_out(rows) for bucket, rows in state.usage_since_snapshot.items()
        },
        "budget_used": state.budget_used,
        "quota_levels": state.quota_levels,
        "queues": [asdict(queue) for queue in state.queues.values()],
        "quotas": [asdict(quota) for quota in state.quotas.values()],
        "nodes": [asdict(node) for node in state.observed.values()],
        "node_labels": state.node_labels,
        "node_taints": state.node_taints,
        "cordoned": sorted(state.cordoned),
        "resting": {name: asdict(rest) for name, rest in state.resting.items()},
        "reservations": [asdict(each) for each in state.reservations.values()],
        "claims": {
            job_id: [claim.attempt, placement_out(claim.tasks), list(claim.stopping)]
            for job_id, claim in state.claims.items()
        },
        "lost_time": state.lost_time,
        "recent_runs": state.recent_runs,
        "ended": list(state.ended),
        "totals": {path: count.total for path, count in state.counts.items()},
        "accepted": state.accepted,
        "jobs": len(jobs),
        **pack_jobs(jobs),
    }
    return zlib.compress(json.dumps(document, separators=(",", ":"), allow_nan=False).encode(), 1)


_DAMAGED: Final = (
    zlib.error,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    RecursionError,
    OverflowError,
)
"""What reading raises where a checkpoint is not what we wrote."""


def load(data: bytes, log_id: str) -> ShardState:
    """Return the state again.

    Raises:
        UnreadableMessage: damaged, of another format, or of another log; it says which.
    """
    try:
        document = json.loads(zlib.decompress(data))
        found = document["format"], document["log_id"]
    except _DAMAGED as error:
        raise UnreadableMessage("checkpoint", f"it is damaged ({error!r})") from error
    if found != (FORMAT, log_id):
        raise UnreadableMessage("checkpoint", f"format and log {found}, wanted {(FORMAT, log_id)}")
    try:
        return _state_in(document)
    except _DAMAGED as error:
        raise UnreadableMessage("checkpoint", f"it is damaged ({error!r})") from error


def _state_in(document: dict[str, Any]) -> ShardState:
    state = ShardState(
        sequence=document["sequence"],
        # Absent in those of before: (0, "") is not compared with the log.
        last_event=_last_event(document.get("last_event")),
        last_loss=document.get("last_loss", 0),
        epoch=document["epoch"],
        last_decision=document["last_decision"],
        clock=ShardClock(**document["clock"]),
        settings=_SETTINGS.validate_python(document["settings"]),
        settings_sequence=document["settings_sequence"],
        usage_sequence=document["usage_sequence"],
        # Absent in those of before snapshots were told as changes.
        usage_facts={at: SnapshotTaken(**fact) for at, fact in document.get("usage_facts", ())},
        usage_until=document["usage_until"],
        usage_since_snapshot={
            b: _usage_in(r) for b, r in _by_number(document["unsampled"]).items()
        },
        budget_used={path: _by_number(days) for path, days in document["budget_used"].items()},
        # Absent in those of before there were alerts.
        quota_levels=document.get("quota_levels", {}),
        node_labels=document["node_labels"],
        node_taints=document["node_taints"],
        cordoned=set(document["cordoned"]),
        # Absent in those of before nodes rested.
        resting={name: Rest(**rest) for name, rest in document.get("resting", {}).items()},
        reservations={r.id: r for r in _RESERVATIONS.validate_python(document["reservations"])},
        claims={job_id: _claim_in(each) for job_id, each in document["claims"].items()},
        lost_time=_by_number(document["lost_time"]),
        recent_runs=OrderedDict(
            (user, [PastRun(*run) for run in runs])
            for user, runs in document["recent_runs"].items()
        ),
        ended=dict.fromkeys(document["ended"]),
        accepted=document["accepted"],
        counts={path: QueueCount(0, total) for path, total in document["totals"].items()},
    )
    for each in document["quotas"]:
        put_quota(state, Quota(**each))
    for node in _NODES.validate_python(document["nodes"]):
        put_node(state, node)
    for each in document["queues"]:
        queue = Queue(**each)
        state.queues[queue.path] = queue
        state.queue_paths[queue.id] = queue.path
        if queue.parent:
            state.children.setdefault(queue.parent, set()).add(queue.path)
    _load_jobs(state, document)
    return state


def _load_jobs(state: ShardState, document: dict[str, Any]) -> None:
    waiting: dict[str, int] = {}
    for job in unpack_jobs(document):
        state.jobs[job.spec.id] = job
        if job.is_live:
            state.ledger.hold(job)
        else:
            waiting[job.spec.queue] = waiting.get(job.spec.queue, 0) + 1
    for leaf, pending in waiting.items():
        for path in lineage(leaf):
            state.counts[path].pending += pending
