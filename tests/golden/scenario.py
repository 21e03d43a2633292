"""A past to record: gangs, quotas, cancels, lost nodes and retries, decided by the real core.

Deterministic: one seeded stream of numbers, one clock that moves a step at a time. The facts go
through the real fold; what a cluster would report is made up from what was placed.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Entry, Fact
from evenflow.common.domain.facts import clock, cluster, jobs, leader, queues, quotas, runs
from evenflow.common.domain.facts import nodes as node_facts
from evenflow.common.domain.facts import settings as settings_facts
from evenflow.common.domain.facts import usage as usage_facts
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec, job_id
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState

SECOND = 1_000_000
STEPS = 160
OUTCOMES = (
    *[Outcome.SUCCEEDED] * 11,
    *[Outcome.FAILED] * 3,
    Outcome.TIMEOUT,
    Outcome.LOST,
    Outcome.REFUSED,
    Outcome.STOPPED,
)
LEAVES = ("vision/train", "vision/serve", "speech/train", "speech/try", "default/default")


@dataclass
class Recorder:
    """A shard, the engine over it, and a cluster that does what the engine decided."""

    chance: random.Random
    shard: ShardState = field(default_factory=ShardState)
    entries: list[Entry] = field(default_factory=list)
    now: int = T0
    submitted: int = 0
    due: list[tuple[int, runs.RunReport]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = EngineState(self.shard)

    def tell(self, fact: Fact, actor: str) -> None:
        sequence = self.shard.sequence + self.chance.choice((1, 1, 1, 2))  # other services' facts
        event_id = job_id(1_000_000 + sequence)
        entry = Entry(sequence, event_id, self.now, actor, fact)
        self.entries.append(entry)
        outcome = apply(self.shard, entry)
        if isinstance(outcome, Folded):
            self.engine.note(outcome)
            for job in outcome.jobs.values():
                if job.must_stop and job.is_live:
                    self._plan_stop(job)

    def lead(self, instance: str) -> None:
        """Let another engine take over: it starts from the state alone."""
        self.tell(leader.Decided(instance, "1"), "policy-engine")
        self.engine.rebuild()

    def decide(self, *meanwhile: tuple[Fact, str]) -> None:
        """Run a cycle; `meanwhile` reaches the log before its decision does."""
        decision = run_cycle(self.engine, self.shard.settings, self.now)
        for fact, actor in meanwhile:
            self.tell(fact, actor)
        if is_empty(decision):
            return
        self.tell(decision, "policy-engine")
        for placement in decision.placements:
            job = self.shard.jobs.get(placement.job_id)
            if job is not None and job.is_live and job.attempt == placement.attempt:
                self._plan_run(job)

    def _plan_run(self, job: Job) -> None:
        outcome = self.chance.choice(OUTCOMES)
        started_at = self.now + self.chance.randrange(1, 4) * SECOND // 10
        ended_at = started_at + self.chance.randrange(20, 500) * SECOND // 10
        common: dict[str, Any] = {"job_id": job.spec.id, "attempt": job.attempt}
        if outcome is Outcome.REFUSED:
            end = runs.RunReport(
                **common,
                phase=TaskPhase.ENDED,
                at=started_at,
                outcome=outcome,
                message="no room on the machine",
                retryable=True,
            )
            self.due.append((started_at, end))
            return
        one_by_one = job.spec.tasks > 1 and self.chance.random() < 0.5
        for tasks in ((i,) for i in range(job.spec.tasks)) if one_by_one else (None,):
            at = started_at + (tasks[0] if tasks else 0) * SECOND // 20
            running = runs.RunReport(**common, phase=TaskPhase.RUNNING, at=at, tasks=tasks)
            self.due.append((at, running))
            end = runs.RunReport(
                **common,
                phase=TaskPhase.ENDED,
                at=ended_at,
                tasks=tasks,
                outcome=outcome,
                exit_code=0 if outcome is Outcome.SUCCEEDED else 1,
                started_at=at,
            )
            self.due.append((ended_at, end))
            if self.chance.random() < 0.1:
                self.due.append((ended_at, end))  # told twice

    def _plan_stop(self, job: Job) -> None:
        outcome = Outcome.CANCELLED if job.cancel_requested else Outcome.STOPPED
        at = self.now + SECOND // 2
        end = runs.RunReport(
            job.spec.id,
            job.attempt,
            TaskPhase.ENDED,
            at,
            outcome=outcome,
            started_at=job.started_at,
        )
        self.due.append((at, end))

    def report(self) -> None:
        """Tell what has happened on the cluster by now."""
        self.due.sort(key=lambda planned: planned[0])
        reached = [report for at, report in self.due if at <= self.now]
        self.due = self.due[len(reached) :]
        if reached:
            self.tell(runs.Reported(tuple(reached)), "binder")


def record(seed: int = 20) -> list[Entry]:
    """Return the log of a small cluster's busy quarter of an hour."""
    recorder = Recorder(random.Random(seed))
    _define(recorder)
    for step in range(STEPS):
        recorder.now += recorder.chance.randrange(2, 30) * SECOND // 10
        recorder.report()
        for happens_at, fact, actor in _INCIDENTS:
            if happens_at == step:
                recorder.tell(fact, actor)
        if step == STEPS // 2:
            recorder.lead("engine-2")
        _submit(recorder)
        meanwhile = _owners(recorder)
        recorder.decide(*meanwhile)
    return recorder.entries


def _define(recorder: Recorder) -> None:
    recorder.tell(clock.Set(T0, T0, 1), "gateway")
    recorder.tell(
        queues.Defined(
            (
                a_queue("vision", weight=2.0, max_concurrent_jobs=7),
                a_queue("vision/train", policy="priority"),
                a_queue("vision/serve", priority=5, max_concurrent_jobs=2),
                a_queue("speech", limit={"cpu": 30_000}),
                a_queue("speech/train", weight=0.3),
                a_queue("speech/try", weight=0.0),
                a_queue("default"),
                a_queue("default/default"),
                a_queue("default/none", enabled=False),
            )
        ),
        "gateway",
    )
    recorder.tell(
        quotas.Set(
            (
                Quota("vision", {"gpu": 7000, "memory": 150 * 2**30}, max_jobs=6),
                Quota("speech/try", {"cpu": 8000}, max_by_type={"inference": 1}),
                Quota("default", {"gpu": 1000}, enforce=False),
            )
        ),
        "gateway",
    )
    recorder.tell(
        cluster.Observed(
            "simulated", tuple(a_node(f"n{i}", cpu=20_000, gpu=4000) for i in range(1, 4))
        ),
        "exporter",
    )
    recorder.tell(
        cluster.Observed("local", (a_node("here", cluster="local", cpu=4000),)), "exporter"
    )
    recorder.lead("engine-1")
    recorder.tell(settings_facts.Set(SchedulerSettings(headroom_milli=20)), "policy-engine")


_INCIDENTS: tuple[tuple[int, Fact, str], ...] = (
    (25, node_facts.Cordoned(("n2",)), "gateway"),
    (35, node_facts.Uncordoned(("n2", "unknown")), "gateway"),
    (45, cluster.Observed("simulated", gone=("n3",)), "exporter"),
    (50, queues.Deleted(("speech/train", "default/none")), "gateway"),  # the first holds jobs
    (60, cluster.Observed("simulated", (a_node("n3", cpu=32_000, gpu=8000),)), "exporter"),
    (
        70,
        cluster.Observed("simulated", (a_node("n1", cpu=20_000, gpu=4000, is_ready=False),)),
        "exporter",
    ),
    (75, usage_facts.SnapshotTaken(1, T0, T0, "digest", "{}"), "usage-aggregator"),
    (78, cluster.Observed("simulated", (a_node("n1", cpu=20_000, gpu=4000),)), "exporter"),
    (85, cluster.Observed("simulated", (a_node("n2", cpu=20_000, is_ready=False),)), "exporter"),
    (88, cluster.Observed("simulated", (a_node("n2", cpu=20_000, gpu=2000),)), "exporter"),
    (90, queues.Defined((a_queue("vision/serve", priority=0, policy="fifo"),)), "gateway"),
    (100, quotas.Set((Quota("vision", {"gpu": 5000}),)), "gateway"),
    (120, queues.Defined((a_queue("vision/serve", max_concurrent_jobs=9),)), "gateway"),
    (
        110,
        settings_facts.Set(SchedulerSettings(policy="priority", strict_order=False)),
        "policy-engine",
    ),
)


def _submit(recorder: Recorder) -> None:
    chance, specs = recorder.chance, []
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        recorder.submitted += 1
        gpu = chance.choice((0, 0, 250, 500, 1000, 2000))
        resources = {
            "cpu": chance.randrange(500, 9000, 500),
            "memory": chance.randrange(48) * 2**30,
        }
        specs.append(
            a_spec(
                recorder.submitted,
                queue=chance.choice((*LEAVES, *LEAVES, "default/none", "nowhere/at-all")),
                user=chance.choice(("ann", "bob", "cy")),
                submitted_at=recorder.now,
                executor=chance.choice((*["simulated"] * 9, "local", "slurm")),
                job_type=chance.choice(("training", "training", "inference")),
                resources=resources | ({"gpu": gpu} if gpu else {}),
                tasks=chance.choice((1, 1, 1, 1, 1, 1, 2, 3, 40)),
                priority=chance.randrange(0, 100, 10),
                retry_limit=chance.choice((0, 1, 3)),
                backoff_limit=chance.choice((1, 3)),
            )
        )
    if specs:
        recorder.tell(jobs.Submitted(tuple(specs)), "gateway")


def _owners(recorder: Recorder) -> list[tuple[Fact, str]]:
    """Return what owners say while the engine decides."""
    chance, known = recorder.chance, list(recorder.shard.jobs)
    said: list[tuple[Fact, str]] = []
    if known and chance.random() < 0.2:
        request = jobs.CancelRequest(chance.choice(known), "ann")
        said.append((jobs.CancelRequested((request,)), "gateway"))
    if known and chance.random() < 0.1:
        change = jobs.JobChange(chance.choice(known), priority=chance.randrange(101))
        said.append((jobs.Changed((change,)), "gateway"))
    return said
