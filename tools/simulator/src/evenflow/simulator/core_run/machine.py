"""The machine of a trace as the core sees it: nodes, a tree of queues, and jobs as gangs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.rules import MAX_TASKS
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue, lineage
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.resources import MILLI
from evenflow.simulator.core_run.ids import job_id
from evenflow.simulator.trace import Trace, TraceJob

BEGIN: Final[Instant] = 1_577_923_200_000_000  # 2020-01-02: a trace's first second on the clock
CLUSTER: Final = "simulated"
SLOTS_PER_NODE: Final = 8  # where slots are processors or single cards
NOBODY: Final = "anonymous"
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Machine:
    """What a trace runs on, and its jobs as they are submitted, in the trace's order."""

    nodes: Sequence[Node]
    queues: Sequence[Queue]  # parents before children
    specs: Sequence[JobSpec]
    quotas: Sequence[Quota] = ()


def machine_of(trace: Trace) -> Machine:
    """Return the machine that the trace's slots make.

    A slot of several cards is a node; single cards and processors stand eight on a node, which
    makes no difference to gangs of them. A job is a gang of one task a slot.

    Raises:
        InvalidValue: a job is wider than any gang may be.
    """
    wants = slot_of(trace)
    paths = sorted({level: None for job in trace.jobs for level in lineage(job.queue)})
    return Machine(
        _nodes(trace.slots, wants, 1 if trace.gpus_per_slot > 1 else SLOTS_PER_NODE),
        [Queue(f"queue-{path}", path, created_at=BEGIN) for path in paths],
        [_spec(index, job, wants) for index, job in enumerate(trace.jobs)],
    )


def slot_of(trace: Trace) -> dict[str, int]:
    """Return what one slot is, in the units of `resources`."""
    return {"gpu": trace.gpus_per_slot * MILLI} if trace.gpus_per_slot else {"cpu": MILLI}


def _nodes(slots: int, wants: dict[str, int], per_node: int) -> list[Node]:
    nodes = []
    for number, first in enumerate(range(0, slots, per_node)):
        here = min(per_node, slots - first)
        capacity = {name: amount * here for name, amount in wants.items()}
        nodes.append(Node(f"n{number:05d}", CLUSTER, capacity))
    return nodes


def _spec(index: int, job: TraceJob, wants: dict[str, int]) -> JobSpec:
    if job.width > MAX_TASKS:
        raise InvalidValue(f"jobs.{job.job_id}.width", job.width, f"must be at most {MAX_TASKS}")
    return JobSpec(
        job_id(index),
        (job.command or job.job_id)[:_LONGEST_NAME],
        job.queue.partition("/")[0],
        job.queue,
        job.user or NOBODY,
        BEGIN + job.submit_us,
        executor=CLUSTER,
        resources=wants,
        tasks=job.width,
        time_limit_us=job.limit_us,
    )
