"""What ended attempts and usage snapshots do to the state's record of usage."""

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import usage
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.placed_tasks import PlacedTasks
from evenflow.common.domain.jobs.requests import request_between
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.state.budget import note_gpu_time
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.state.usage_documents import remember
from evenflow.common.domain.state.usage_since_snapshot import note_snapshot, note_usage


def fold_snapshot(folded: Folded, entry: Entry, fact: usage.SnapshotTaken) -> None:
    """Note which snapshot is the newest, and forget usage that it knows."""
    folded.state.usage_sequence = entry.sequence
    remember(folded.state.usage_facts, entry.sequence, fact)
    folded.is_usage_touched = True
    note_snapshot(folded.state, fact.data_until)


def note_end(
    state: ShardState, spec: JobSpec, placed_tasks: tuple[PlacedTasks, ...], ended_at: Instant
) -> None:
    """Count what an attempt that has just ended held, from when each task was placed."""
    for placed in placed_tasks:
        request = request_between(spec, placed.first, placed.end)
        key = spec.queue, spec.user
        note_usage(state, key, request, placed.since, ended_at)
        if gpus := request.get("gpu"):
            note_gpu_time(state, lineage(spec.queue), gpus, placed.since, ended_at)
