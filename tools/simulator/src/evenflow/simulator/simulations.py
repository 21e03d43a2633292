"""Which trace is read, and by which engine it is simulated."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.core_run.machine import Machine
from evenflow.simulator.core_run.simulate import simulate_core
from evenflow.simulator.pool import simulate_pool
from evenflow.simulator.schedule import Schedule
from evenflow.simulator.trace import Trace
from evenflow.simulator.traces.fleet import read_fleet
from evenflow.simulator.traces.ls6 import NODES, read_ls6
from evenflow.simulator.traces.philly import GPUS, read_philly
from evenflow.simulator.traces.swf import read_swf

FORMATS: Final = ("swf", "ls6", "philly", "fleet")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SchedulingOptions:
    """One way to schedule a trace."""

    policy: str = "fifo"
    backfill: str = "easy"  # none | easy | conservative
    backfill_order: str = "fcfs"  # fcfs | shortest | best
    estimate: str = "limit"  # limit | perfect | mean2 | learned


def read_trace(
    path: Path, trace_format: str, machine_size: int | None
) -> tuple[Trace, Machine | None]:
    """Return a trace, and the machine of a fleet; other formats have machines of equal slots.

    Raises:
        InvalidValue: no such format, or the file cannot be read.
    """
    if trace_format == "swf":
        return read_swf(path, machine_size), None
    if trace_format == "ls6":
        return read_ls6(path, NODES if machine_size is None else machine_size), None
    if trace_format == "philly":
        return read_philly(path, GPUS if machine_size is None else machine_size), None
    if trace_format == "fleet":
        if machine_size is not None:
            raise InvalidValue("machine_size", machine_size, "belongs to logs: a fleet has nodes")
        fleet = read_fleet(path)
        return fleet.trace, fleet.machine
    raise InvalidValue("format", trace_format, f"must be one of {', '.join(FORMATS)}")


def simulate(
    trace: Trace,
    machine: Machine | None,
    wanted: SchedulingOptions,
    progress: Progress | None = None,
) -> Schedule:
    """Simulate a trace: fifo on equal slots on a pool, all else through the whole core.

    Both ask the same functions who may fill a gap. The pool knows slots alone, and so is quick.

    Raises:
        InvalidValue: an option that is not known, or not there for that policy.
    """
    if wanted.policy == "fifo" and machine is None and not trace.gpus_per_slot:
        return simulate_pool(
            trace,
            backfill=wanted.backfill,
            order=wanted.backfill_order,
            estimate=wanted.estimate,
            progress=progress,
        )
    if wanted.backfill_order == "best":
        rule = "is there for fifo on a log in SWF; else it is fcfs or shortest"
        raise InvalidValue("backfill_order", wanted.backfill_order, rule)
    return simulate_core(
        trace,
        policy=wanted.policy,
        backfill=wanted.backfill,
        backfill_order=wanted.backfill_order,
        estimate=wanted.estimate,
        machine=machine,
        progress=progress,
    )
