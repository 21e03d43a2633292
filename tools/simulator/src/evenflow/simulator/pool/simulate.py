"""A trace on one pool of slots, event by event in virtual time.

Tie rules: what happens at one instant is settled in one pass, ends before submissions, these in
the log's order. A planned end that is missed is noticed, and settled, before anything else of its
instant.
"""

import time
from collections.abc import Callable
from heapq import heappop
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue
from evenflow.policy_engine.core.availability import FOREVER
from evenflow.policy_engine.core.estimates import BUILT_IN
from evenflow.simulator.pool.conservative import ConservativeBackfill
from evenflow.simulator.pool.discipline import Discipline
from evenflow.simulator.pool.first_come import FirstCome
from evenflow.simulator.pool.forecast import Forecast, forecast_of
from evenflow.simulator.pool.machine import Machine
from evenflow.simulator.pool.most_urgent_first import MostUrgentFirst
from evenflow.simulator.pool.urgency_order import UrgencyOrder
from evenflow.simulator.pool.waiting_order import ArrivalOrder
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.trace import Trace

BACKFILLS: Final = ("none", "easy", "conservative")
ORDERS: Final = ("fcfs", "shortest", "best")
ESTIMATES: Final = (*BUILT_IN, "perfect")
Progress = Callable[[int, int], None]
"""Told now and then how many of how many events are worked off."""

_TELL_EVERY: Final = 1 << 12


def simulate_pool(
    trace: Trace,
    *,
    backfill: str = "easy",
    order: str = "fcfs",
    estimate: str = "limit",
    progress: Progress | None = None,
) -> Schedule:
    """Return when each job of a trace starts and ends on the trace's machine.

    Args:
        trace: its jobs may be in any order.
        backfill: of `BACKFILLS`.
        order: of `ORDERS`; `best` orders the queue too, not only what fills gaps.
        estimate: of `ESTIMATES`. Each simulation begins knowing nothing.
        progress: told now and then.

    Raises:
        InvalidValue: there is no such backfill, order or estimate.
    """
    for field, value, known in (
        ("backfill", backfill, BACKFILLS),
        ("backfill_order", order, ORDERS),
        ("estimate", estimate, ESTIMATES),
    ):
        if value not in known:
            raise InvalidValue(field, value, f"must be one of {', '.join(known)}")
    began = time.perf_counter()
    ranks = trace.by_submission()
    jobs = [trace.jobs[index] for index in ranks]
    submit_us = [job.submit_us for job in jobs]
    machine = Machine(trace.slots, [job.width for job in jobs], [job.run_us for job in jobs])
    forecast = forecast_of(jobs, estimate)
    _run(
        machine,
        forecast,
        _discipline_of(machine, forecast, submit_us, backfill, order),
        submit_us,
        progress,
    )
    start, end = [-1] * len(jobs), [-1] * len(jobs)
    for rank, index in enumerate(ranks):
        start[index] = machine.start[rank]
        end[index] = machine.start[rank] + jobs[rank].run_us
    label = f"fifo, {backfill}, {order}, {estimate}"
    return Schedule(trace, label, start, end, 2 * len(jobs), time.perf_counter() - began)


def _discipline_of(
    machine: Machine, forecast: Forecast, submit_us: list[Instant], backfill: str, order: str
) -> Discipline:
    is_best = order == "best"
    if backfill == "conservative":
        waiting = UrgencyOrder(machine, forecast, submit_us)
        return ConservativeBackfill(
            machine, waiting if is_best else ArrivalOrder(machine, forecast)
        )
    backfills = backfill == "easy"
    if is_best:
        return MostUrgentFirst(machine, forecast, submit_us, backfills=backfills)
    return FirstCome(machine, forecast, backfills=backfills, by_plan=order == "shortest")


def _run(
    machine: Machine,
    forecast: Forecast,
    discipline: Discipline,
    submit_us: list[Instant],
    progress: Progress | None,
) -> None:
    """Work off all submissions, ends and misses."""
    ends, misses, run_us = machine.ends, machine.misses, machine.run_us
    arrive, start_jobs, ended, learn = (
        discipline.arrive,
        discipline.start_jobs,
        discipline.ended,
        forecast.learn,
    )
    came, gone, jobs, told = 0, 0, len(submit_us), 0
    while came < jobs or ends:
        now = submit_us[came] if came < jobs else FOREVER
        if ends and ends[0][0] < now:
            now = ends[0][0]
        if misses and misses[0][0] <= now:
            now, job = heappop(misses)
            machine.miss(job, forecast.missed(job, now - machine.start[job]))
            start_jobs(now)
            continue
        while ends and ends[0][0] == now:
            job = heappop(ends)[1]
            machine.end(job)
            learn(job, run_us[job], now)
            ended(job)
            gone += 1
        while came < jobs and submit_us[came] == now:
            arrive(came)
            came += 1
        start_jobs(now)
        if progress is not None and came + gone - told >= _TELL_EVERY:
            told = came + gone
            progress(told, 2 * jobs)
