"""A trace through the whole core: the live engine's own functions over virtual time."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from evenflow.common.domain.decisions.settings import (
    BACKFILL_ORDERS,
    BACKFILLS,
    ESTIMATES,
    SchedulerSettings,
)
from evenflow.common.domain.errors import InvalidValue
from evenflow.policy_engine.core.state.plugins import OURS, Plugins
from evenflow.simulator.core_run.ids import index_of
from evenflow.simulator.core_run.machine import BEGIN, Machine, machine_of
from evenflow.simulator.core_run.meter import UsagePolling
from evenflow.simulator.core_run.outcome import RunOutcome
from evenflow.simulator.core_run.shard_run import Progress, ShardRun
from evenflow.simulator.core_run.user_shares import add_user_shares
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.trace import Trace

PERFECT: Final = "perfect"
"""The estimate that knows how long a job will run."""
_DEFAULTS: Final = SchedulerSettings()
_EVERY_HOUR: Final = UsagePolling()


@dataclass(frozen=True, slots=True)
class CoreRun:
    """A schedule, and all that the run tells besides."""

    schedule: Schedule
    outcome: RunOutcome


def simulate_core(
    trace: Trace,
    *,
    policy: str,
    backfill: str = "off",
    backfill_order: str = "fcfs",
    estimate: str = "limit",
    settings: SchedulerSettings = _DEFAULTS,
    machine: Machine | None = None,
    polling: UsagePolling | None = _EVERY_HOUR,
    progress: Progress | None = None,
) -> Schedule:
    """Return the schedule that the core makes of a trace; see `run_core`."""
    wanted = settings_for(
        settings, policy=policy, backfill=backfill, backfill_order=backfill_order, estimate=estimate
    )
    is_perfect = estimate == PERFECT
    return run_core(
        trace, wanted, machine=machine, polling=polling, progress=progress, is_perfect=is_perfect
    ).schedule


def settings_for(
    settings: SchedulerSettings,
    *,
    policy: str,
    backfill: str = "off",
    backfill_order: str = "fcfs",
    estimate: str = "limit",
    plugins: Plugins = OURS,
) -> SchedulerSettings:
    """Return the settings with these in place of theirs; `none` is `off`.

    Raises:
        InvalidValue: there is no such policy, backfill, order or estimate.
    """
    backfill = "off" if backfill == "none" else backfill
    _check("policy", policy, sorted(plugins.policies))
    _check("backfill", backfill, BACKFILLS)
    _check("backfill_order", backfill_order, BACKFILL_ORDERS)
    _check("estimate", estimate, (*ESTIMATES, PERFECT))
    return replace(
        settings,
        policy=policy,
        backfill=backfill,
        backfill_order=backfill_order,
        estimates="limit" if estimate == PERFECT else estimate,
    )


def run_core(
    trace: Trace,
    settings: SchedulerSettings,
    *,
    machine: Machine | None = None,
    polling: UsagePolling | None = _EVERY_HOUR,
    progress: Progress | None = None,
    is_perfect: bool = False,
    is_recorded: bool = False,
) -> CoreRun:
    """Run a trace through the core by these settings.

    The machine is made of the trace's slots unless it is given. With `is_perfect` each job brings
    its real run time as its estimate. A job that was stopped and started again counts in the
    schedule from its last start on.
    """
    began = time.perf_counter()
    made = machine or machine_of(trace)
    run = ShardRun(
        queues_defined=made.queues,
        nodes=made.nodes,
        quotas_set=made.quotas,
        settings=settings,
        begin=BEGIN,
        polling=polling,
        is_recorded=is_recorded,
    )
    for index in trace.by_submission():
        job, spec = trace.jobs[index], made.specs[index]
        if is_perfect:
            spec = replace(spec, estimated_duration_us=job.run_us)
        run.submit(BEGIN + job.submit_us, spec, job.run_us)
    outcome = run.run(progress)
    schedule = _schedule(trace, settings, outcome)
    schedule.wall_seconds = time.perf_counter() - began
    schedule.share_error = add_user_shares(outcome)
    return CoreRun(schedule, outcome)


def _schedule(trace: Trace, settings: SchedulerSettings, outcome: RunOutcome) -> Schedule:
    start, end = [-1] * len(trace.jobs), [-1] * len(trace.jobs)
    for job_id, found in outcome.jobs.items():
        if found.last_start is not None and found.ended_at is not None:
            index = index_of(job_id)
            start[index], end[index] = found.last_start - BEGIN, found.ended_at - BEGIN
    notes: dict[str, float | int | str] = {
        "cycles": outcome.cycles,
        "evictions": outcome.evictions,
        "never_started": start.count(-1),
        "refused": len(outcome.refused),
    }
    label = f"{settings.policy}, backfill {settings.backfill}"
    return Schedule(trace, label, start, end, outcome.events, notes=notes)


def _check(field: str, value: str, known: Iterable[str]) -> None:
    allowed = tuple(known)
    if value not in allowed:
        raise InvalidValue(field, value, f"must be one of {', '.join(allowed)}")
