"""Rounds of all faults on one running system under one load, and the table of what they did."""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from tests.chaos.audit import Findings, History, judge, read_history
from tests.chaos.duplicates import a_doubling_system
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.load import CONFIG, Load, a_load
from tests.chaos.system import System, a_small_disk, a_system

JOBS: Final = 2_000
"""Submitted in one round, in all phases together."""
_SPREAD_SECONDS: Final = 2.0  # over which the jobs of a phase are submitted
_BACK_SECONDS: Final = 90.0  # after that it does not come back
TWICE: Final = "every message delivered twice"


@dataclass(slots=True)
class Row:
    """What one fault did over all rounds."""

    fault: str
    rounds: int = 0
    jobs: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    quota_error: int = 0
    work_seconds: list[float] = field(default_factory=list)
    """From the fault to the start of the command of a job submitted right after it."""
    ready_seconds: list[float] = field(default_factory=list)
    """From the fault until the service or server that was struck is there again."""
    struck: int = 0
    stuck: list[str] = field(default_factory=list)
    """Why work did not go on by itself, where it did not; the round ends there."""

    @property
    def came_back(self) -> str:
        """How often it came back by itself, in percent."""
        return f"{100 * (self.struck - len(self.stuck)) // self.struck}%" if self.struck else "-"


@dataclass(slots=True)
class Report:
    """All rounds."""

    rows: dict[str, Row] = field(default_factory=dict)
    late_decisions: int = 0  # in the log behind the barrier of a later leader
    crashes: list[str] = field(default_factory=list)
    """Services that ended by themselves: what happens to others is no reason to."""
    is_view_right: bool = True
    seconds: float = 0.0

    def row(self, fault: str) -> Row:
        """Return the row of a fault, a new one at first."""
        return self.rows.setdefault(fault, Row(fault))

    def add(self, load: Load, history: History, findings: Findings) -> None:
        """Take in a finished round."""
        for job, phase in load.accepted.items():
            row = self.row(phase)
            row.jobs += 1
            row.lost += [f"{load.names[job]} {job}: {told}" for told in findings.lost.get(job, ())]
            told = findings.doubled.get(job, ())
            row.doubled += [f"{load.names[job]} {job}: {problem}" for problem in told]
        for phase in {*load.accepted.values()}:
            row = self.row(phase)
            row.rounds += 1
            row.quota_error = max(row.quota_error, findings.quota_error)
        unknown = findings.doubled.keys() - load.accepted.keys()
        if unknown:
            self.row("unknown jobs").doubled += sorted(unknown)
        self.late_decisions += len(history.late_decisions())
        self.is_view_right &= findings.is_view_right

    def table(self) -> Iterator[str]:
        """Yield the lines of the table."""
        head = (
            "fault",
            "rounds",
            "jobs",
            "lost",
            "doubled",
            "quota",
            "itself",
            "runs again",
            "back",
        )
        yield "{:<36}{:>7}{:>7}{:>6}{:>9}{:>7}{:>8}{:>14}{:>14}".format(*head, "back")
        for row in self.rows.values():
            yield (
                f"{row.fault:<36}{row.rounds:>7}{row.jobs:>7}{len(row.lost):>6}"
                f"{len(row.doubled):>9}{row.quota_error:>7}{row.came_back:>8}"
                f"{_middle_and_most(row.work_seconds):>14}{_middle_and_most(row.ready_seconds):>14}"
            )
        jobs = sum(row.jobs for row in self.rows.values())
        yield (
            f"{jobs} jobs in {self.seconds:.0f} s; seconds are median/max; decisions of deposed "
            f"leaders in the log: {self.late_decisions}; crashes: {len(self.crashes)}; REST counts "
            f"{'equal' if self.is_view_right else 'DIFFER FROM'} those of the log"
        )


def _middle_and_most(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f}/{max(seconds):.1f}" if seconds else "-"


def run_rounds(rounds: int, *, faults: Iterable[Fault] = FAULTS, jobs: int = JOBS) -> Report:
    """Run all faults `rounds` times, each round on a fresh system."""
    report = Report()
    began = time.monotonic()
    for number in range(rounds):
        asyncio.run(_round(report, number, tuple(faults), jobs))
    report.seconds = time.monotonic() - began
    return report


async def _round(report: Report, number: int, faults: Sequence[Fault], jobs: int) -> None:
    each = jobs // (len(faults) + 1)
    shared = [fault for fault in faults if not fault.needs_disk]
    alone = [[fault] for fault in faults if fault.needs_disk]
    for together in filter(None, (shared, *alone)):
        with (
            tempfile.TemporaryDirectory(prefix="evenflow-chaos-") as directory,
            a_small_disk(Path(directory) / "data") if together in alone else nullcontext(),
        ):
            async with (
                a_system(Path(directory), config=CONFIG) as system,
                a_load(system, seed=number) as load,
            ):
                await _strike_all(report, together, each, system, load)
    with tempfile.TemporaryDirectory(prefix="evenflow-chaos-") as directory:
        async with (
            a_doubling_system(Path(directory), config=CONFIG) as (system, doubler),
            a_load(system, seed=number) as load,
        ):
            await load.send(TWICE, each, _SPREAD_SECONDS)
            await _judge(report, system, load)
            assert doubler.doubled >= report.row(TWICE).jobs, "the proxy doubled nothing"


async def _strike_all(
    report: Report, faults: Sequence[Fault], each: int, system: System, load: Load
) -> None:
    """Strike with one fault after the other; the first that leaves work standing ends it."""
    phases = _Phases(system, load)
    row = None
    try:
        for fault in faults:
            row = report.row(fault.name)
            row.struck += 1
            async with asyncio.timeout(_BACK_SECONDS):
                await phases.play(fault, each, row)
        await phases.whole()
        await _judge(report, system, load)
    except* (AssertionError, TimeoutError) as errors:
        if row is not None:
            row.stuck += [str(error)[:200] for error in _leaves(errors)][:1]
            print(f"{row.fault}: does not come back: {row.stuck[-1]}", file=sys.stderr)


def _leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


class _Phases:
    """One fault after the other on one system. A victim may come back while the next is struck."""

    def __init__(self, system: System, load: Load) -> None:
        self._system = system
        self._load = load
        self._recoveries: dict[str, asyncio.Task[None]] = {}

    async def play(self, fault: Fault, jobs: int, row: Row) -> None:
        """Strike in the middle of a load and wait until work goes on."""
        victim = fault.victim
        if victim in self._recoveries:
            await self._recoveries[victim]
        pid = self._system.pids().get(victim or "", 0)
        struck = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            trickling = group.create_task(self._load.trickle(fault.name))
            group.create_task(self._load.send(fault.name, jobs, _SPREAD_SECONDS))
            await asyncio.sleep(random.uniform(0.2, 0.6) * _SPREAD_SECONDS)
            striking = group.create_task(fault.strike(self._system, struck.set))
            await struck.wait()
            began = time.monotonic()
            if victim is not None:
                recovery = self._time_recovery(victim, pid, row)
                self._recoveries[victim] = asyncio.create_task(recovery)
            await self._load.probe(fault.name)
            row.work_seconds.append(time.monotonic() - began)
            await striking
            trickling.cancel()
        print(f"{fault.name}: runs again after {row.work_seconds[-1]:.1f} s", file=sys.stderr)

    async def whole(self) -> None:
        """Wait until everybody is back."""
        await asyncio.gather(*self._recoveries.values())
        await self._system.ready()

    async def _time_recovery(self, victim: str, pid: int, row: Row) -> None:
        began = time.monotonic()
        await self._system.ready(victim, not_pid=pid)
        row.ready_seconds.append(time.monotonic() - began)


async def _judge(report: Report, system: System, load: Load) -> None:
    await load.drained()
    totals = await load.totals()
    async with system.log() as log:
        history = await read_history(log)
    report.add(load, history, judge(history, load, totals))
    report.crashes += system.crashes()
