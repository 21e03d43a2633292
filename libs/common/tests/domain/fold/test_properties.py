"""What holds after any history: exact sums, one place a job, one state from the same facts."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from evenflow.common.contracts import checkpoint, codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    Placement,
    TaskPlacement,
)
from evenflow.common.domain.facts import cluster, cycle, jobs, queues, quotas, runs, usage
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.placed_tasks import placed_tasks_of
from evenflow.common.domain.jobs.requests import request_between, request_of_task
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.domain.resources import total
from evenflow.common.domain.state.ledger import Ledger
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.common.testing.shard import Shard

LEAVES = ("a/x", "a/y/z", "b/x")


class History:
    """A random history that a whole system might write, races included."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.shard = Shard().with_leader().with_queues(*LEAVES)
        self.shard.with_nodes(*(a_node(f"n{i}", cpu=4000, gpu=2000) for i in range(4)))
        self.number = 0

    def step(self) -> None:
        pick, shard = self.random, self.shard
        known = list(shard.state.jobs.values())
        job = pick.choice(known) if known else None
        action = pick.randrange(10)
        if action <= 1 or job is None:
            self.number += 1
            shard.submit(self.submission())
        elif action >= 8:
            self.decide(growths=(self.growth(job),))
        elif action == 2:
            self.decide(placements=(self.placement(job),))
        elif action == 3:
            shard.tell(jobs.CancelRequested((jobs.CancelRequest(job.spec.id, "u"),)))
        elif action == 4:
            self.decide(evictions=(Eviction(job.spec.id, job.attempt, EvictionReason.NODE_LOST),))
        elif action == 5:
            node = a_node(f"n{pick.randrange(4)}", cpu=pick.choice((1000, 4000)), gpu=2000)
            shard.tell(cluster.Observed("simulated", (node,), gone=(f"n{pick.randrange(4)}",)))
        else:
            tasks = tuple(range(job.spec.tasks))
            is_whole = pick.random() < 0.5 and not job.spec.groups
            some = None if is_whole else tuple(pick.sample(tasks, 1))
            phase = pick.choice((TaskPhase.STARTING, TaskPhase.RUNNING, TaskPhase.ENDED))
            ended = phase is TaskPhase.ENDED
            report = runs.RunReport(
                job.spec.id,
                pick.choice((job.attempt, max(1, job.attempt - 1))),
                phase,
                T0 + self.number,
                some,
                pick.choice(list(Outcome)) if ended else None,
                started_at=T0 if ended and pick.random() < 0.7 else None,
                retryable=pick.random() < 0.5,
                node_fault=ended and pick.random() < 0.5,
            )
            shard.tell(runs.Reported((report,)))
        if pick.random() < 0.1:
            until = T0 + pick.randrange(60_000_000)
            shard.tell(usage.SnapshotTaken(1, until, until, "", ""))
            budget = pick.choice(((None, None), (5, "day"), (7, "week"), (0, "month")))
            shard.tell(quotas.Set((Quota(pick.choice(LEAVES), {}, None, {}, True, 0, 0, *budget),)))
        if pick.random() < 0.05:
            path = pick.choice(LEAVES)
            shard.tell(queues.Deleted((path,)))
            shard.tell(queues.Defined((a_queue(path),)))

    def submission(self) -> JobSpec:
        pick = self.random
        shape: dict[str, Any] = {"tasks": pick.randint(1, 3), "resources": self.request()}
        if pick.random() < 0.5:
            groups = tuple(
                TaskGroup(name, tasks, self.request(), pick.randint(0, tasks))
                for name in ("a", "b")
                for tasks in (pick.randint(1, 2),)
            )
            shape = {"groups": groups, "tasks": sum(g.tasks for g in groups), "resources": {}}
        queue = pick.choice((*LEAVES, "a/gone"))
        return a_spec(self.number, queue=queue, retry_limit=pick.randint(0, 2), **shape)

    def request(self) -> dict[str, int]:
        gpu = self.random.choice((0, 500, 1000))
        return {"cpu": self.random.randint(0, 2000)} | ({"gpu": gpu} if gpu else {})

    def placement(self, job) -> Placement:
        count = self.random.randint(job.spec.least_tasks, job.spec.tasks)
        return Placement(job.spec.id, job.attempt, self.tasks(job, 0, count))

    def growth(self, job) -> Placement:
        held = len(job.placement)
        count = held + self.random.randint(1, 2)
        return Placement(job.spec.id, job.attempt, self.tasks(job, held, count))

    def tasks(self, job, first: int, end: int) -> tuple[TaskPlacement, ...]:
        return tuple(
            TaskPlacement(
                f"n{self.random.randrange(4)}",
                (self.random.randrange(2),) if request_of_task(job.spec, index).get("gpu") else (),
            )
            for index in range(first, end)
        )

    def decide(self, **parts) -> None:
        state = self.shard.state
        decision = cycle.Decided(state.epoch, state.sequence, T0, "1", **parts)
        self.shard.tell(decision, at=T0 + self.random.randrange(1000))

    def end_everything(self) -> None:
        """Cancel every job and report all its tasks gone."""
        for job in list(self.shard.state.jobs.values()):
            self.shard.tell(jobs.CancelRequested((jobs.CancelRequest(job.spec.id, "u"),)))
            if job.is_live:
                self.shard.end(job.spec, Outcome.CANCELLED, tasks=None)


def recomputed(state: ShardState) -> tuple[Ledger, dict[str, int]]:
    ledger, pending = Ledger(), {}
    for job in state.jobs.values():
        if job.is_live:
            ledger.hold(job)
        else:
            assert job.state is JobState.PENDING
            for path in lineage(job.spec.queue):
                pending[path] = pending.get(path, 0) + 1
    return ledger, pending


@given(st.integers(0, 10**9), st.integers(1, 250))
@settings(max_examples=150, deadline=None)
def test_sums_are_exact_after_any_history(seed, steps):
    history = History(seed)
    for _ in range(steps):
        history.step()
    state = history.shard.state
    ledger, pending = recomputed(state)
    assert state.ledger.queues == ledger.queues
    assert state.ledger.nodes == ledger.nodes
    assert {path: c.pending for path, c in state.counts.items() if c.pending} == pending
    assert state.ledger.gpus_since == ledger.gpus_since
    assert not state.jobs.keys() & state.ended.keys()
    for job in state.jobs.values():
        assert len(job.placement) == len(job.phases)
        if job.is_live:
            assert job.spec.least_tasks <= len(job.placement) <= job.spec.tasks
            requests = [request_of_task(job.spec, i) for i in range(len(job.placement))]
            of_parts = [request_between(job.spec, c.first, c.end) for c in placed_tasks_of(job)]
            assert total(requests) == total(of_parts)


@given(st.integers(0, 10**9), st.integers(1, 150))
@settings(max_examples=60, deadline=None)
def test_once_everything_has_ended_nothing_is_held(seed, steps):
    history = History(seed)
    for _ in range(steps):
        history.step()
    history.end_everything()
    state = history.shard.state
    assert not state.jobs
    assert not state.ledger.queues
    assert not state.ledger.nodes
    assert not state.ledger.gpus_since


def test_histories_grow_gangs_that_run():
    grown = 0
    for seed in range(30):
        history = History(seed)
        for _ in range(150):
            history.step()
            grown += sum(1 for job in history.shard.state.jobs.values() if job.grown_at)
    assert grown > 100


@given(st.integers(0, 10**9), st.integers(0, 200), st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_a_state_from_a_checkpoint_goes_on_like_the_one_that_was_folded(seed, before, after):
    history = History(seed)
    for _ in range(before):
        history.step()
    data = checkpoint.dump(history.shard.state, "log")
    restored = checkpoint.load(data, "log")
    for _ in range(after):
        history.step()
    for entry in history.shard.entries:
        if entry.sequence > restored.sequence:
            apply(restored, entry)
    assert as_values(restored) == as_values(history.shard.state)


@given(st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_facts_come_back_from_the_wire_as_they_were_and_fold_alike(seed):
    history = History(seed)
    for _ in range(80):
        history.step()
    again = ShardState()
    for entry in history.shard.entries:
        envelope = codec.Envelope(
            event_id=entry.event_id, occurred_at=entry.occurred_at, shard="main", actor="test"
        )
        data = codec.encode(envelope, entry.fact)
        read = codec.decode(subject_of(entry.fact, "main"), data, entry.sequence)
        assert read == entry
        apply(again, read)
    assert as_values(again) == as_values(history.shard.state)


def as_values(state: ShardState) -> dict[str, object]:
    values = {name: getattr(state, name) for name in ShardState.__slots__ if name != "ledger"}
    values["children"] = {path: below for path, below in state.children.items() if below}
    return values | {
        "queues_held": state.ledger.queues,
        "nodes_held": state.ledger.nodes,
        "gpus_since": state.ledger.gpus_since,
    }
