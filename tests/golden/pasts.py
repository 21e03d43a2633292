"""Pasts to replay in tests: a small cluster decided by the real core, kept as a file."""

import random
from collections.abc import Iterator
from pathlib import Path

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.facts import (
    clock,
    cluster,
    cycle,
    jobs,
    leader,
    queues,
    runs,
    settings,
    usage,
)
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.usage.snapshot import SCHEMA, parse_snapshot, seal
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.simulator.replay.recording.log_file import write_log_file
from evenflow.simulator.replay.recording.recorded_log import RecordedLog, message_of

SECOND = 1_000_000
SHARD = "main"
OFF = SchedulerSettings(backfill="off", reclaim=False, preempt=False)


class World:
    """One node of four GPUs, two queues, and jobs that run as long as they say."""

    def __init__(self, scheduler: SchedulerSettings = OFF) -> None:
        self.state = ShardState()
        self.engine = EngineState(self.state)
        self.entries: list[Entry] = []
        self.now = T0
        self.number = 0
        self.ends: list[tuple[int, str, int]] = []
        self.run_us: dict[str, int] = {}
        self.cycles: list[int] = []
        self.snapshots = 0
        self.tell(clock.Set(T0, T0, 1), "gateway")
        self.tell(queues.Defined((a_queue("red"), a_queue("red/q"))), "gateway")
        self.tell(queues.Defined((a_queue("blue"), a_queue("blue/q"))), "gateway")
        self.tell(cluster.Observed("simulated", (a_node("n1", cpu=16_000, gpu=4000),)), "exporter")
        self.tell(leader.Decided("engine-1", "1"), "policy-engine")
        self.engine.rebuild()
        self.tell(settings.Set(scheduler), "policy-engine")

    def tell(self, fact: Fact, actor: str = "test") -> Folded:
        entry = Entry(self.state.sequence + 1, f"e{self.state.sequence + 1}", self.now, actor, fact)
        self.entries.append(entry)
        outcome = apply(self.state, entry)
        assert isinstance(outcome, Folded), outcome
        self.engine.note(outcome)
        return outcome

    def submit(self, queue: str, run_seconds: float, **fields: object) -> JobSpec:
        self.number += 1
        spec = a_spec(
            self.number, queue=queue, submitted_at=self.now,
            **({"resources": {"gpu": 1000, "cpu": 1000}} | fields),
        )  # fmt: skip
        self.run_us[spec.id] = round(run_seconds * SECOND)
        self.tell(jobs.Submitted((spec,)), "gateway")
        self.decide()
        return spec

    def decide(self) -> None:
        """Decide until nothing more is to be said; what was decided happens at once."""
        while not is_empty(decision := run_cycle(self.engine, self.state.settings, self.now)):
            self._carry_out(decision)

    def _carry_out(self, decision: cycle.Decided) -> None:
        self.tell(decision, "policy-engine")
        self.cycles.append(self.state.sequence)
        for eviction in decision.evictions:
            self._end(eviction.job_id, Outcome.STOPPED)
        for placement in decision.placements:
            job_id, attempt = placement.job_id, placement.attempt
            report = runs.RunReport(job_id, attempt, TaskPhase.RUNNING, self.now)
            self.tell(runs.Reported((report,)), "binder")
            self.ends.append((self.now + self.run_us[job_id], job_id, attempt))
        self.ends.sort()

    def pass_time(self, seconds: float) -> None:
        """Let runs end, each at its time, and decide after each."""
        until = self.now + round(seconds * SECOND)
        while self.ends and self.ends[0][0] <= until:
            self.now = self.ends[0][0]
            while self.ends and self.ends[0][0] == self.now:
                _, job_id, attempt = self.ends.pop(0)
                job = self.state.jobs.get(job_id)
                if job is not None and job.is_live and job.attempt == attempt:
                    self._end(job_id, Outcome.SUCCEEDED)
            self.decide()
        self.now = until

    def _end(self, job_id: str, outcome: Outcome) -> None:
        job = self.state.jobs[job_id]
        report = runs.RunReport(
            job_id, job.attempt, TaskPhase.ENDED, self.now,
            outcome=outcome, started_at=job.started_at,
        )  # fmt: skip
        self.tell(runs.Reported((report,)), "binder")

    def measure(self, half_life_seconds: int = 3600) -> None:
        """Take a usage snapshot and decide by it from now on."""
        self.snapshots += 1
        nobody = {"names": [], "raw_hours": {}, "normalized": {}}
        document, digest = seal(
            {
                "schema": SCHEMA,
                "sequence": self.snapshots,
                "generated_at": self.now,
                "data_until": self.now,
                "half_life_seconds": half_life_seconds,
                "capacity": {"gpu": 4.0},
                "capacity_unknown": [],
                "queues": nobody,
                "projects": nobody,
                "users": nobody,
            }
        )
        fact = usage.SnapshotTaken(self.snapshots, self.now, self.now, digest, document)
        self.tell(fact, "usage-aggregator")
        self.engine.use(parse_snapshot(document), self.state.sequence)

    def past(self) -> RecordedLog:
        lines = [message_of(entry, SHARD) for entry in self.entries]
        return RecordedLog("test", lines, 1, self.state.sequence)

    def past_from(self, sequence: int, *, is_forgetful: bool = False) -> RecordedLog:
        """Return what comes after a checkpoint at `sequence`, which is a base then.

        `is_forgetful`: it is of a release whose bases remembered no usage snapshots.
        """
        state = ShardState()
        for entry in self.entries:
            if entry.sequence <= sequence:
                apply(state, entry)
        if is_forgetful:
            state.usage_facts = {}
        whole = self.past()
        lines = [line for line in whole.lines if line[0] > sequence]
        base = checkpoint.dump(state, "log-1")
        return RecordedLog("test", lines, sequence + 1, whole.end, base, sequence, "log-1")

    def keep(self, path: Path) -> Path:
        write_log_file(self.past(), path)
        return path


def two_colours() -> World:
    """Red fills the machine for long, blue comes later: their weights matter."""
    world = World()
    for _ in range(12):
        world.submit("red/q", 100, user="ruby")
    for _ in range(8):
        world.pass_time(5)
        world.submit("blue/q", 60, user="bea")
    world.pass_time(2000)
    return world


def busy(seed: int, steps: int = 60, *, measures: bool = True) -> World:
    """Jobs of both queues at random, with snapshots between; no two things at one instant."""
    chance = random.Random(seed)
    world = World(SchedulerSettings())
    for _ in range(steps):
        if measures and chance.random() < 0.15:
            world.measure()
        world.submit(
            chance.choice(("red/q", "blue/q")), chance.uniform(1, 60),
            user=chance.choice(("ruby", "bea", "cy")), priority=chance.randrange(3) * 10,
            resources={"gpu": chance.choice((500, 1000, 2000)), "cpu": 1000},
        )  # fmt: skip
        world.pass_time(chance.randint(1, 30))
    world.pass_time(10_000)
    return world


def lines_of(path: Path) -> Iterator[str]:
    yield from path.read_text().splitlines()
