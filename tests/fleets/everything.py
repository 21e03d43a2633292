"""The core that follows event by event decides like one that indexes the whole state anew.

Random histories of everything the log can tell: not only the placements agree, but the whole
decision, reasons included, byte for byte.
"""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.contracts import codec
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import (
    cluster,
    cycle,
    jobs,
    leader,
    nodes,
    queues,
    quotas,
    reservations,
    runs,
    settings,
    usage,
)
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import AntiAffinity, Constraints, TaskGroup, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.domain.usage.snapshot import parse_snapshot, seal
from evenflow.common.testing.builders import T0, Shard, a_node, a_queue, a_reservation, a_spec
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.replay.replay import replay
from evenflow.policy_engine.core.state.engine_state import EngineState

LEAVES = ("a/x", "a/y/z", "b/x", "b/w", "c")
POLICIES = (
    None,
    "fifo",
    "priority",
    "fairshare",
    "fair-tree",
    "multifactor",
    "shortest-first",
    "deadline",
)
USERS = ("ann", "bob", "eve")
PLACES = (
    Constraints(),
    Constraints(),
    Constraints(selector={"disk": ("ssd",)}),
    Constraints(anti_affinity=AntiAffinity()),
    Constraints(preferred_level="rack"),
    Constraints(required_level="rack"),
    Constraints(strategy="spread"),
    Constraints(strategy="least-fragmentation"),
)


def columns(names, rng):
    known = [name for name in names if rng.random() < 0.8]
    numbers = [round(rng.random(), 3) for _ in known]
    return {"names": known, "raw_hours": {"cpu": numbers}, "normalized": {"cpu": numbers}}


class World:
    """A shard in which everything happens at random, and an engine that follows it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.shard = Shard().with_leader()
        self.shard.with_queues("a", "a/x", "a/y", a_queue("a/y/z", weight=2.0), "b/x", "b/w", "c")
        self.shard.with_nodes(*(self.node(i) for i in range(5)))
        self.engine = EngineState(self.shard.state)
        self.now = T0
        self.jobs = 0
        self.snapshots = 0

    def node(self, number: int):
        labels = {"rack": f"r{number // 2}", "disk": "ssd" if number % 2 else "hdd"}
        return a_node(f"n{number}", cpu=4000, gpu=2000, labels=labels)

    def tell(self, fact: object) -> None:
        outcome = self.shard.tell(fact, at=self.now)
        if isinstance(outcome, Folded):
            self.engine.note(outcome)
        if isinstance(fact, leader.Decided):
            self.engine.rebuild()

    def submission(self):
        pick = self.rng
        self.jobs += 1
        fields: dict[str, Any] = {
            "queue": pick.choice(LEAVES),
            "user": pick.choice(USERS),
            "priority": pick.choice((0, 0, 50, 90)),
            "preemptible": pick.random() < 0.8,
            "retry_limit": pick.randint(0, 1),
            "job_type": pick.choice(("training", "inference")),
            "constraints": pick.choice(PLACES),
            "submitted_at": self.now,
            "deadline_at": pick.choice((None, self.now + 1, self.now + 30_000_000)),
            "estimated_duration_us": pick.choice((None, 4_000_000, 60_000_000, 600_000_000)),
            "time_limit_us": pick.choice((None, 5_000_000, 300_000_000)),
        }
        request = {
            "cpu": pick.choice((500, 1000, 2000)),
            "gpu": pick.choice((0, 500, 600, 1000, 2000)),
        }
        if pick.random() < 0.2:
            group = TaskGroup("worker", pick.randint(2, 5), request, min_tasks=pick.randint(1, 2))
            fields |= {"groups": (group,), "tasks": group.tasks, "resources": {}}
        else:
            fields |= {"tasks": pick.choice((1, 1, 1, 3, 40)), "resources": request}
        return a_spec(self.jobs, **fields)

    def report(self) -> None:
        pick = self.rng
        live = [job for job in self.shard.state.jobs.values() if job.is_live]
        for job in pick.sample(live, min(len(live), pick.randint(1, 3))):
            outcome = pick.choice((Outcome.SUCCEEDED, Outcome.FAILED, Outcome.LOST))
            phase = pick.choice((TaskPhase.RUNNING, TaskPhase.ENDED, TaskPhase.ENDED))
            ended = outcome if phase is TaskPhase.ENDED else None
            report = runs.RunReport(job.spec.id, job.attempt, phase, self.now, None, ended)
            self.tell(runs.Reported((report,)))

    def change_nodes(self) -> None:
        name = f"n{self.rng.randrange(5)}"
        match self.rng.randrange(4):
            case 0:
                self.tell(cluster.Observed("simulated", (), gone=(name,)))
            case 1:
                self.tell(nodes.Cordoned((name,)))
            case 2:
                self.tell(nodes.Uncordoned((name,)))
            case _:
                self.tell(cluster.Observed("simulated", (self.node(int(name[1:])),)))

    def define(self) -> None:
        pick = self.rng
        path = pick.choice((*LEAVES, "a", "b", "a/y"))
        if pick.random() < 0.5:
            self.tell(
                queues.Defined(
                    (
                        a_queue(
                            path,
                            weight=pick.choice((0.0, 1.0, 3.0)),
                            priority=pick.choice((0, 0, 5)),
                            policy=pick.choice(POLICIES),
                            enabled=pick.random() < 0.9,
                            deserved=pick.choice((None, {"cpu": 2000})),
                            limit=pick.choice((None, None, {"cpu": 3000}, {"gpu": 2000})),
                            max_concurrent_jobs=pick.choice((None, None, 1, 2)),
                            target_wait_us=pick.choice((None, None, 0, 4_000_000)),
                        ),
                    )
                )
            )
        else:
            quota = Quota(
                path,
                pick.choice(({}, {"cpu": 5000}, {"gpu": 3000})),
                max_jobs=pick.choice((None, 2)),
                max_by_type=pick.choice(({}, {"training": 1})),
                gpu_hours=pick.choice((None, 1)),
                period="day",
            )
            self.tell(quotas.Set((quota,)))

    def set(self) -> None:
        pick = self.rng
        wanted = SchedulerSettings(
            policy=pick.choice(POLICIES[1:]),
            strict_order=pick.random() < 0.6,
            max_placements=pick.choice((1, 3, 500)),
            reclaim=pick.random() < 0.8,
            preempt=pick.random() < 0.8,
            consolidate=pick.random() < 0.5,
            preemption_scope=pick.choice(("project", "cluster")),
            most_victims=pick.choice((1, 2, 5)),
            minimum_run_us=pick.choice((0, 0, 4_000_000)),
            lost_gpu_per_cycle=pick.choice((None, None, 5_000)),
            lost_gpu_per_hour=pick.choice((None, None, 50_000)),
            backfill=pick.choice(("easy", "easy", "conservative", "off")),
            backfill_order=pick.choice(("fcfs", "shortest")),
            backfill_reservations=pick.choice((1, 1, 3)),
            estimates=pick.choice(("limit", "limit", "mean2", "learned")),
            backfill_tested_jobs=pick.choice((None, None, 2)),
            strategy=pick.choice(("pack", "spread", "least-fragmentation")),
            k=pick.choice((0.0, 1.0, 5.0)),
            fairness_mode=pick.choice(("corrected", "corrected", "kai")),
        )
        self.tell(settings.Set(wanted))

    def reserve(self) -> None:
        pick, known = self.rng, list(self.shard.state.reservations)
        if known and pick.random() < 0.4:
            gone = reservations.Cancellation(pick.choice(known), "u")
            self.tell(reservations.Cancelled((gone,)))
            return
        start = self.now + pick.choice((0, 1_000_000, 20_000_000))
        kept = a_reservation(
            f"r{self.shard.state.sequence}",
            queue=pick.choice((*LEAVES, "a")),
            start_at=start,
            end_at=start + pick.choice((1_000_000, 30_000_000)),
            created_at=self.now,
            tasks=pick.randint(1, 5),
            resources=pick.choice(({"gpu": 1000}, {"gpu": 2000, "cpu": 500}, {"cpu": 4000})),
            constraints=pick.choice(
                (
                    Constraints(),
                    Constraints(selector={"disk": ("ssd",)}),
                    Constraints(anti_affinity=AntiAffinity()),
                    Constraints(required_level="rack"),
                )
            ),
        )
        self.tell(reservations.Defined((kept,)))

    def snapshot(self) -> None:
        self.snapshots += 1
        names = set(LEAVES)
        fields = {
            "schema": 1,
            "sequence": self.snapshots,
            "generated_at": self.now,
            "data_until": self.now - self.rng.randrange(5_000_000),
            "window": {},
            "half_life_seconds": 3600.0,
            "capacity": {"cpu": 20.0},
            "capacity_hours": {"cpu": 100.0, "gpu": 50.0},
            "capacity_unknown": [],
            "queues": columns(sorted(names | {"a", "b", "a/y"}), self.rng),
            "projects": columns(("a", "b", "c"), self.rng),
            "users": columns(USERS, self.rng),
            "queue_users": columns([f"{x}:{u}" for x in LEAVES for u in USERS], self.rng),
        }
        document, digest = seal(fields)
        until = int(json.loads(document)["data_until"])
        self.tell(usage.SnapshotTaken(self.snapshots, self.now, until, digest, document))
        self.engine.use(parse_snapshot(document), self.shard.state.sequence)

    def happen(self) -> None:
        self.now += self.rng.randrange(3_000_000)
        action = self.rng.randrange(43)
        known = list(self.shard.state.jobs)
        if action < 14:
            self.tell(jobs.Submitted(tuple(self.submission() for _ in range(3))))
        elif action < 28:
            self.report()
        elif action < 30 and known:
            request = jobs.CancelRequest(self.rng.choice(known), "u")
            self.tell(jobs.CancelRequested((request,)))
        elif action == 30 and known:
            change = jobs.JobChange(self.rng.choice(known), priority=self.rng.choice((0, 90)))
            self.tell(jobs.Changed((change,)))
        elif action < 34:
            self.define()
        elif action == 34:
            self.set()
        elif action == 35:
            self.snapshot()
        elif action >= 40:
            self.reserve()
        elif action == 36:
            self.tell(leader.Decided("other", "1"))
        else:
            self.change_nodes()

    def decide(self) -> cycle.Decided:
        decision = run_cycle(self.engine, self.shard.state.settings, self.now)
        if not is_empty(decision):
            epoch = self.shard.state.epoch
            for _ in range(self.rng.randrange(2)):
                self.happen()  # between deciding and the decision's place in the log
            if self.shard.state.epoch == epoch:
                self.tell(decision)
        return decision

    def anew(self) -> cycle.Decided:
        fresh = EngineState(self.shard.state)
        fresh.use(self.engine.usage, self.engine.usage_sequence)
        return run_cycle(fresh, self.shard.state.settings, self.now)


def as_bytes(decision: cycle.Decided) -> bytes:
    return codec.encode(codec.Envelope(event_id="", occurred_at=0, shard="", actor=""), decision)


def follow(seed: int) -> None:
    """Compare a core that follows a history with one that is indexed anew at each step."""
    world = World(seed)
    for _ in range(60):
        world.happen()
        world.decide()
        anew = world.anew()
        kept = run_cycle(world.engine, world.shard.state.settings, world.now)
        assert as_bytes(anew) == as_bytes(kept)


@given(st.integers(0, 10**9))
# The same histories each time: new ones are searched by hand, by the thousand.
@hypothesis_settings(max_examples=60, deadline=None, derandomize=True)
def test_following_event_by_event_decides_like_indexing_the_whole_state_anew(seed):
    follow(seed)


@pytest.mark.parametrize("seed", [25, 344, 516, 4031, 7132, 9405])
def test_histories_on_which_the_two_once_differed(seed):
    follow(seed)


@pytest.mark.parametrize("seed", range(10))
def test_any_history_is_decided_again_byte_for_byte(seed):
    world = World(seed)
    for _ in range(100):
        world.happen()
        world.decide()
    for one in replay(world.shard.entries):
        assert as_bytes(one.again) == as_bytes(one.recorded)
