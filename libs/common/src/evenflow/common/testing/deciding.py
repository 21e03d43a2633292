"""Decisions told to a shard by hand, for tests of what they do to its state."""

from typing import Any

from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.testing.builders import T0
from evenflow.common.testing.shard import Shard


def decide(shard: Shard, *, at: int = T0, **parts: Any) -> Folded | Void:
    """Tell a decision of the shard's leader; `parts` are fields of `cycle.Decided`."""
    state = shard.state
    return shard.tell(cycle.Decided(state.epoch, state.sequence, T0, "1", **parts), at=at)


def place(
    shard: Shard, spec: JobSpec, *nodes: str, attempt: int | None = None, at: int = T0
) -> Folded | Void:
    """Place an attempt of a job, the current one unless told; without nodes all of it on n1."""
    job = shard.state.jobs.get(spec.id)
    tasks = tuple(TaskPlacement(node) for node in nodes or ("n1",) * spec.tasks)
    number = attempt or (job.attempt if job else 1)
    return decide(shard, at=at, placements=(Placement(spec.id, number, tasks),))


def voids(outcome: Folded | Void) -> list[str]:
    """Return why records of a fact changed nothing; the fact itself must not be void."""
    if isinstance(outcome, Void):
        raise TypeError(f"the whole fact is void: {outcome.reason}")
    return [void.reason for void in outcome.voids]
