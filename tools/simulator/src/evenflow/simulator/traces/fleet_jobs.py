"""The jobs of a fleet file: listed one by one, or drawn by generators that begin from a seed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.constraints import ANYWHERE, Constraints
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.rules import MAX_TASKS
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.resources import MILLI
from evenflow.simulator.core_run.machine import BEGIN, CLUSTER, NOBODY
from evenflow.simulator.trace import TraceJob
from evenflow.simulator.traces.fields import Fields, duration_us
from evenflow.simulator.traces.fleet_parts import DEFAULT

_ALIKE: Final = ("name", "queue", "resources", "priority", "preemptible", "selector", "limit")
_JOB_KEYS: Final = (*_ALIKE, "id", "user", "submit", "run", "tasks")
_GENERATOR_KEYS: Final = (
    *_ALIKE,
    "users",
    "count",
    "begin",
    "every",
    "seed",
    "run",
    "limit_factor",
    "tasks",
)


@dataclass(slots=True)
class Draft:
    """A job of the file; `where` leads to it."""

    label: str
    spec: JobSpec  # its id is still to be given
    run_us: int
    where: str

    def traced(self, unit: str) -> TraceJob:
        """Return it as a trace has it, `unit` being what a slot is: cards or cores, rounded up."""
        spec = self.spec
        width = -(-whole_request(spec).get(unit, 0) // MILLI)
        limit = spec.time_limit_us
        return TraceJob(
            self.label,
            spec.submitted_at - BEGIN,
            self.run_us if limit is None else min(self.run_us, limit),
            width,
            limit,
            "" if spec.user == NOBODY else spec.user,
            spec.queue,
            spec.name,
        )


def listed_job(found: object, number: int, leaves: Collection[str]) -> Draft:
    """Return one job of the list."""
    fields = Fields(found, f"jobs[{number}]", known=_JOB_KEYS)
    fields.need("run", "resources")
    run_us = fields.duration_us("run", least=1) or 1
    label = fields.text("id", f"job-{number}")
    spec = JobSpec(
        "",
        fields.text("name", label),
        "",
        "",
        fields.text("user", NOBODY),
        BEGIN + (fields.duration_us("submit") or 0),
        tasks=fields.whole("tasks", 1, least=1, most=MAX_TASKS),
        time_limit_us=fields.duration_us("limit", least=1),
    )
    return Draft(label, _with_rest(spec, fields, leaves), run_us, fields.where)


def drawn_jobs(
    found: object, number: int, leaves: Collection[str], *, most: int
) -> Iterator[Draft]:
    """Yield the jobs of a generator: arrivals as of a Poisson process, the same for the same seed.

    Args:
        found: the generator as it stands in the file.
        number: its place there, for errors.
        leaves: queues that jobs may name.
        most: how many jobs it may make.
    """
    fields = Fields(found, f"generators[{number}]", known=_GENERATOR_KEYS)
    fields.need("count", "every", "run", "resources")
    count = fields.whole("count", 1, least=1, most=most)
    every = fields.duration_us("every", least=1) or 1
    users = [str(user) for user in fields.items("users")] or [NOBODY]
    least, longest = _span(fields)
    widths = _widths(fields)
    factor = fields.number("limit_factor", 0.0)
    if factor and (factor < 1 or fields.has("limit")):
        rule = "must be at least 1, and stand without a limit"
        raise InvalidValue(fields.at("limit_factor"), factor, rule)
    limit = fields.duration_us("limit", least=1)
    name, chance = fields.text("name", f"generator-{number}"), Random(fields.whole("seed", 0))
    base = _with_rest(JobSpec("", name, "", "", "", BEGIN), fields, leaves)
    at = BEGIN + (fields.duration_us("begin") or 0)
    for index in range(count):
        at += round(chance.expovariate(1.0) * every)
        # Evenly over the orders of magnitude, as run times of logs are.
        run_us = round(least * (longest / least) ** chance.random())
        spec = JobSpec(
            "",
            base.name,
            base.project,
            base.queue,
            chance.choice(users),
            at,
            executor=CLUSTER,
            resources=base.resources,
            tasks=chance.choice(widths),
            priority=base.priority,
            preemptible=base.preemptible,
            time_limit_us=_whole_second(run_us * factor) if factor else limit,
            constraints=base.constraints,
        )
        yield Draft(f"{name}-{index}", spec, run_us, fields.where)


def _with_rest(spec: JobSpec, fields: Fields, leaves: Collection[str]) -> JobSpec:
    """Return the job with what lists and generators say alike."""
    queue = fields.text("queue", DEFAULT)
    if queue not in leaves:
        known = ", ".join(sorted(leaves))
        raise InvalidValue(fields.at("queue"), queue, f"must be a queue without others: {known}")
    labels = fields.labels("selector")
    where = Constraints(selector={k: (v,) for k, v in labels.items()}) if labels else ANYWHERE
    return JobSpec(
        "",
        spec.name,
        queue.partition("/")[0],
        queue,
        spec.user,
        spec.submitted_at,
        executor=CLUSTER,
        resources=fields.amounts("resources") or {},
        tasks=spec.tasks,
        priority=fields.whole("priority", 0),
        preemptible=fields.truth("preemptible", default=True),
        time_limit_us=spec.time_limit_us,
        constraints=where,
    )


def _span(fields: Fields) -> tuple[int, int]:
    """Return the shortest and the longest run time of a generator."""
    found = fields.raw("run")
    if not isinstance(found, dict):
        run_us = duration_us(found, fields.at("run"), least=1)
        return run_us, run_us
    span = Fields(found, fields.at("run"), known=("least", "most"))
    span.need("least", "most")
    least, most = span.duration_us("least", least=1) or 1, span.duration_us("most", least=1) or 1
    if most < least:
        raise InvalidValue(span.at("most"), found["most"], "must not be below `least`")
    return least, most


def _widths(fields: Fields) -> list[int]:
    """Return the numbers of tasks that a generator draws from, each alike."""
    if not isinstance(fields.raw("tasks"), list):
        return [fields.whole("tasks", 1, least=1, most=MAX_TASKS)]
    rule = f"must be whole numbers, 1 to {MAX_TASKS}"
    widths = []
    for each in fields.items("tasks"):
        if isinstance(each, bool) or not isinstance(each, int) or not 1 <= each <= MAX_TASKS:
            raise InvalidValue(fields.at("tasks"), each, rule)
        widths.append(each)
    if not widths:
        raise InvalidValue(fields.at("tasks"), [], rule)
    return widths


def _whole_second(duration: float) -> int:
    return -(-round(duration) // SECOND) * SECOND
