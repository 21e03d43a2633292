"""Reports of runs as a binder without hops would write them."""

from collections.abc import Iterable

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.facts.runs import RunReport
from evenflow.common.domain.jobs.job import Job, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.node import Node


def running(job: Job, now: Instant) -> RunReport:
    """Return that all tasks of the job's attempt run."""
    return RunReport(job.spec.id, job.attempt, TaskPhase.RUNNING, now)


def ended(job: Job, outcome: Outcome, now: Instant) -> RunReport:
    """Return that all tasks of the job's attempt ended so."""
    began = job.started_at
    return RunReport(
        job.spec.id, job.attempt, TaskPhase.ENDED, now, outcome=outcome, started_at=began
    )


def by_cluster(nodes: Iterable[Node]) -> dict[str, list[Node]]:
    """Return nodes by the cluster that tells of them, in the order given."""
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.cluster, []).append(node)
    return found
