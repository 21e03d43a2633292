"""Fleets of one's own: a YAML file of nodes, queues and jobs, listed or drawn, to a machine.

    name: two-teams
    nodes:
      - {name: dgx, count: 4, resources: {cpu: 64, memory: 512Gi, gpu: 8}, labels: {rack: r1}}
    queues:
      research/train: {weight: 2, deserved: {gpu: 8}, limit: {gpu: 24}, policy: fairshare}
      product/batch: {}
    jobs:
      - {queue: product/batch, user: bob, submit: 1h, run: 2h, limit: 3h, tasks: 8,
         resources: {gpu: 1}}
    generators:
      - {name: small, queue: research/train, users: [ann, cleo], count: 200, every: 10m, seed: 1,
         run: {least: 1m, most: 4h}, limit: 4h, tasks: [1, 1, 2], resources: {gpu: 1}}

examples/fleets/two-teams.yaml names every field.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evenflow.cli.inputs.yaml_file import read_document
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.rules import broken_rules
from evenflow.common.domain.resources import MILLI, total
from evenflow.simulator.core_run.ids import job_id
from evenflow.simulator.core_run.machine import Machine
from evenflow.simulator.trace import Trace, TraceJob
from evenflow.simulator.traces.fields import Fields
from evenflow.simulator.traces.fleet_jobs import drawn_jobs, listed_job
from evenflow.simulator.traces.fleet_parts import read_nodes, read_queues

MOST_JOBS: Final = 1_000_000
_KEYS: Final = ("name", "nodes", "queues", "jobs", "generators")


@dataclass(frozen=True, slots=True)
class Fleet:
    """A trace and the machine for it; one slot is a card, or a core where there are no cards."""

    trace: Trace
    machine: Machine


def read_fleet(path: str | Path) -> Fleet:
    """Read a fleet file.

    Raises:
        InvalidValue: it cannot be read, or a field of it is not as it must be; names the field.
    """
    fields = Fields(read_document(str(path)), "", known=_KEYS)
    fields.need("nodes")
    nodes = read_nodes(fields)
    queues, quotas = read_queues(fields)
    leaves = _leaves([queue.path for queue in queues])
    drafts = [listed_job(found, n, leaves) for n, found in enumerate(fields.items("jobs"))]
    for number, found in enumerate(fields.items("generators")):
        drafts += drawn_jobs(found, number, leaves, most=MOST_JOBS - len(drafts))
    if not drafts:
        raise InvalidValue("jobs", None, "is missing: a fleet needs jobs, or generators of them")
    has_gpus = bool(total(node.capacity for node in nodes).get("gpu"))
    unit = "gpu" if has_gpus else "cpu"
    jobs: list[TraceJob] = []
    for draft in drafts:
        draft.spec = replace(draft.spec, id=job_id(len(jobs)))
        if broken := next(broken_rules(draft.spec), None):
            raise InvalidValue(f"{draft.where}.{broken.field}", broken.value, broken.rule)
        jobs.append(draft.traced(unit))
    slots = total(node.capacity for node in nodes).get(unit, 0) // MILLI
    name = fields.text("name", Path(path).stem)
    trace = Trace(name, slots, jobs, gpus_per_slot=int(has_gpus))
    machine = Machine(nodes, queues, [draft.spec for draft in drafts], quotas)
    return Fleet(trace, machine)


def _leaves(paths: list[str]) -> set[str]:
    return {p for p in paths if not any(other.startswith(f"{p}/") for other in paths)}
