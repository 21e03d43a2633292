"""What holds after any history: exact sums, one place a job, one state from the same facts."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from evenflow.common.contracts import checkpoint, codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.decisions import (
    Eviction,
    EvictionReason,
    Placement,
    TaskPlacement,
)
from evenflow.common.domain.facts import cluster, cycle, jobs, queues, runs
from evenflow.common.domain.fold import apply
from evenflow.common.domain.job import JobState, TaskPhase
from evenflow.common.domain.ledger import Ledger
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.run import Outcome
from evenflow.common.domain.state import ShardState
from evenflow.common.testing.builders import T0, Shard, a_node, a_queue, a_spec

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
        action = pick.randrange(8)
        if action <= 1 or job is None:
            self.number += 1
            gpu = pick.choice((0, 500, 1000))
            shard.submit(
                a_spec(
                    self.number,
                    queue=pick.choice((*LEAVES, "a/gone")),
                    tasks=pick.randint(1, 3),
                    retry_limit=pick.randint(0, 2),
                    resources={"cpu": pick.randint(0, 2000)} | ({"gpu": gpu} if gpu else {}),
                )
            )
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
            some = None if pick.random() < 0.5 else tuple(pick.sample(tasks, 1))
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
            )
            shard.tell(runs.Reported((report,)))
        if pick.random() < 0.05:
            path = pick.choice(LEAVES)
            shard.tell(queues.Deleted((path,)))
            shard.tell(queues.Defined((a_queue(path),)))

    def placement(self, job) -> Placement:
        nodes = [f"n{self.random.randrange(4)}" for _ in range(job.spec.tasks)]
        devices = (self.random.randrange(2),) if job.spec.resources.get("gpu") else ()
        return Placement(
            job.spec.id, job.attempt, tuple(TaskPlacement(node, devices) for node in nodes)
        )

    def decide(self, **parts) -> None:
        state = self.shard.state
        self.shard.tell(cycle.Decided(state.epoch, state.sequence, T0, "1", **parts))


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
    assert not state.jobs.keys() & state.ended.keys()


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
    return values | {"queues_held": state.ledger.queues, "nodes_held": state.ledger.nodes}
