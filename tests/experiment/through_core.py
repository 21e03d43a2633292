"""The scenario through the whole core in virtual time: fold, usage, division, order, placement."""

from collections import defaultdict
from typing import Final

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.resources import MILLI
from evenflow.simulator.core_run.meter import UsagePolling
from evenflow.simulator.core_run.shard_run import ShardRun
from tests.experiment.held import Held, Step
from tests.experiment.scenario import GPUS, QUEUES, Scenario

BEGIN: Final = 1_767_225_600_000_000  # 2026-01-01: what is 0 in a scenario
_PER_NODE: Final = 8


def play(scenario: Scenario) -> dict[str, Held]:
    """Return what each queue held; instants are counted from the beginning."""
    run = ShardRun(
        queues_defined=_queues(scenario),
        nodes=[
            Node(f"n{number}", "simulated", {"gpu": _PER_NODE * MILLI})
            for number in range(GPUS // _PER_NODE)
        ],
        settings=SchedulerSettings(k=scenario.k, backfill="off"),
        begin=BEGIN,
        polling=UsagePolling(poll_us=scenario.poll_us, half_life_us=scenario.half_life_us),
    )
    for queue in QUEUES:
        for number, (comes, run_us, goes) in enumerate(scenario.jobs(queue)):
            job_id = f"{queue}-{number:06d}"
            run.submit(BEGIN + comes, _job(job_id, queue, BEGIN + comes, scenario), run_us)
            run.cancel(BEGIN + goes, job_id, queue)
    outcome = run.run()
    steps: dict[str, list[Step]] = defaultdict(list)
    for job in outcome.jobs.values():
        for attempt in job.attempts:
            steps[job.spec.queue].append((attempt.start - BEGIN, scenario.width))
            if attempt.end is not None:
                steps[job.spec.queue].append((attempt.end - BEGIN, -scenario.width))
    return {queue: Held.of(steps[queue]) for queue in QUEUES}


def _queues(scenario: Scenario) -> list[Queue]:
    return [
        Queue(
            f"queue-{path}",
            path,
            deserved={"gpu": gpus * MILLI} if (gpus := scenario.deserved_of(path)) else None,
            created_at=BEGIN,
        )
        for path in QUEUES
    ]


def _job(job_id: str, queue: str, at: int, scenario: Scenario) -> JobSpec:
    return JobSpec(
        job_id,
        queue,
        queue,
        queue,
        queue,
        at,
        executor="simulated",
        resources={"gpu": MILLI},
        tasks=scenario.width,
        preemptible=scenario.is_preemptible,
    )
