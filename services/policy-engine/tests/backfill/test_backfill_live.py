"""EASY backfill in the cycle (SCH-11): gaps are filled, and who goes first is not delayed."""

import random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cluster, jobs, runs, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core import backfill
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.explain.explain import explain
from evenflow.policy_engine.core.explain.explanation import StartBasis
from evenflow.policy_engine.core.state.engine_state import EngineState

MINUTE = 60_000_000


class Machine:
    """Nodes of 8 GPUs, jobs of 1-GPU tasks, and a clock; `turn` runs cycles until all is said."""

    def __init__(self, *queues, nodes=4, **fields) -> None:
        self.now = T0
        self.jobs = 0
        self.started: dict[str, int] = {}
        self.shard = Shard().with_leader().with_queues(*(queues or ("default/default",)))
        self.shard.with_nodes(*(a_node(f"n{i}", cpu=64_000, gpu=8_000) for i in range(nodes)))
        self.shard.tell(settings.Set(SchedulerSettings(**fields)))
        self.state = EngineState(self.shard.state)

    def tell(self, fact) -> None:
        outcome = self.shard.tell(fact, at=self.now)
        assert isinstance(outcome, Folded)
        self.state.note(outcome)

    def submit(self, gpus: int, minutes: float | None = None, **fields):
        limit = None if minutes is None else int(minutes * MINUTE)
        request = {"cpu": 1000, "gpu": 1000}
        self.jobs += 1
        spec = a_spec(self.jobs, resources=request, tasks=gpus, time_limit_us=limit, **fields)
        self.tell(jobs.Submitted((spec,)))
        return spec

    def turn(self) -> list[str]:
        started = []
        while True:
            decision = run_cycle(self.state, self.shard.state.settings, self.now)
            if is_empty(decision):
                return started
            self.tell(decision)
            placed = [p.job_id for p in decision.placements]
            started += placed
            for job_id in placed:
                self.started[job_id] = self.now
                self.report(job_id, TaskPhase.RUNNING)

    def report(self, job_id, phase, outcome=None) -> None:
        job = self.shard.state.jobs[job_id]
        self.tell(
            runs.Reported((runs.RunReport(job_id, job.attempt, phase, self.now, None, outcome),))
        )

    def end(self, spec) -> None:
        self.report(spec.id, TaskPhase.ENDED, Outcome.SUCCEEDED)

    def is_running(self, spec) -> bool:
        job = self.shard.state.jobs.get(spec.id)
        return job is not None and job.is_live


def test_a_short_job_starts_before_the_blocked_head_and_a_long_one_does_not():
    machine = Machine()
    running = machine.submit(16, 60)
    wide = machine.submit(32, 60)
    long, short = machine.submit(8, 120), machine.submit(8, 30)
    assert machine.turn() == [running.id, short.id]
    machine.now += 30 * MINUTE
    machine.end(short)
    assert machine.turn() == []
    machine.now += 30 * MINUTE
    machine.end(running)
    assert machine.turn() == [wide.id]
    assert not machine.is_running(long)


def test_what_ends_exactly_when_the_head_starts_does_not_delay_it():
    machine = Machine()
    machine.submit(16, 60)
    machine.submit(32, 60)
    exact = machine.submit(8, 60)
    assert exact.id in machine.turn()


def test_what_the_head_leaves_over_may_be_held_for_longer():
    machine = Machine()
    machine.submit(16, 60)
    head = machine.submit(24, 60)
    first, second = machine.submit(8, 600), machine.submit(8, 600)
    started = machine.turn()
    assert first.id in started
    assert second.id not in started
    assert not machine.is_running(head)


def test_without_a_limit_a_job_counts_as_endless():
    machine = Machine()
    machine.submit(16, 60)
    machine.submit(32, 60)
    endless = machine.submit(1)
    assert endless.id not in machine.turn()


def test_an_early_end_lets_the_head_start_at_once():
    machine = Machine()
    running, head = machine.submit(16, 60), machine.submit(32, 60)
    gap = machine.submit(8, 30)
    machine.turn()
    machine.now += MINUTE
    machine.end(running)
    machine.end(gap)
    assert machine.turn() == [head.id]


def test_a_job_that_runs_on_past_its_limit_may_end_at_any_moment():
    machine = Machine()
    machine.submit(16, 60)
    machine.submit(32, 60)
    machine.turn()
    machine.now += 61 * MINUTE
    late = machine.submit(8, 30)
    assert late.id not in machine.turn()


def test_a_missed_estimate_falls_back_to_the_limit():
    machine = Machine()
    machine.submit(16, 60, estimated_duration_us=10 * MINUTE)
    machine.submit(32, 60)
    machine.turn()
    half_hour = machine.submit(8, 30)
    assert half_hour.id not in machine.turn()
    machine.now += 11 * MINUTE
    assert half_hour.id in machine.turn()


def test_a_queue_that_comes_later_by_right_does_not_delay_the_head_of_another():
    machine = Machine(a_queue("a", priority=1), a_queue("a/q"), a_queue("b/q"))
    machine.submit(16, 60, queue="a/q")
    head = machine.submit(32, 60, queue="a/q")
    long, short = machine.submit(8, 600, queue="b/q"), machine.submit(8, 10, queue="b/q")
    started = machine.turn()
    assert short.id in started
    assert long.id not in started
    assert not machine.is_running(head)


def test_who_comes_first_by_right_is_not_held_back_by_a_blocked_job():
    machine = Machine(a_queue("a/q"), a_queue("b", priority=1), a_queue("b/q"))
    machine.submit(16, 60, queue="a/q")
    machine.submit(32, 60, queue="a/q")
    machine.turn()
    urgent = machine.submit(8, 600, queue="b/q")
    assert urgent.id in machine.turn()


def test_the_head_of_ones_own_queue_is_not_delayed_although_another_is_first():
    machine = Machine(a_queue("a", priority=1), a_queue("a/q"), a_queue("b/q"))
    machine.submit(16, 60, queue="a/q")
    machine.submit(32, 60, queue="a/q")  # is promised all of it in an hour
    machine.submit(20, 600, queue="b/q")  # and this one 20 GPUs at the same time
    long = machine.submit(1, 61, queue="b/q")
    assert long.id not in machine.turn()


def test_nobody_passes_a_head_that_a_gate_refuses():
    machine = Machine(a_queue("a/q", limit={"gpu": 8_000}))
    machine.submit(8, 60, queue="a/q")
    machine.submit(4, 60, queue="a/q")
    small = machine.submit(1, 1, queue="a/q")
    assert small.id not in machine.turn()


def test_off_means_that_nothing_passes_a_blocked_head():
    machine = Machine(backfill="off")
    machine.submit(16, 60)
    machine.submit(32, 60)
    short = machine.submit(8, 1)
    assert short.id not in machine.turn()


def test_no_more_jobs_are_looked_at_than_the_settings_say():
    machine = Machine(backfill_tested_jobs=2)
    machine.submit(16, 60)
    machine.submit(32, 60)
    for _ in range(2):
        machine.submit(8, 600)
    third = machine.submit(8, 1)
    assert third.id not in machine.turn()


def test_shortest_first_takes_the_shortest_of_those_that_fit_the_gap():
    machine = Machine(backfill_order="shortest")
    machine.submit(24, 60)
    machine.submit(32, 60)
    middle, short = machine.submit(8, 40), machine.submit(8, 20)
    started = machine.turn()
    assert short.id in started
    assert middle.id not in started


def test_several_blocked_jobs_are_promised_room_when_the_settings_say_so():
    machine = Machine(
        a_queue("a", priority=2),
        a_queue("a/q"),
        a_queue("b", priority=1),
        a_queue("b/q"),
        "c/q",
        backfill_reservations=2,
    )
    machine.submit(16, 60, queue="a/q")
    machine.submit(8, 120, queue="a/q")
    machine.submit(24, 60, queue="a/q")  # in an hour
    machine.submit(32, 60, queue="b/q")  # in two
    long = machine.submit(8, 600, queue="c/q")
    assert long.id not in machine.turn()


def test_the_entry_point_of_backfill_decides_for_the_cycle(monkeypatch):
    monkeypatch.setattr(backfill, "may_backfill", lambda *_: False)
    with pytest.raises(AssertionError):
        test_a_short_job_starts_before_the_blocked_head_and_a_long_one_does_not()


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=40, deadline=None)
def test_a_promised_job_starts_no_later_than_promised_when_all_ends_as_planned(seed):
    """Every blocked head of a single queue, over random jobs that run exactly to their limits."""
    rng = random.Random(seed)
    machine = Machine(nodes=3)
    promised: dict[str, int] = {}
    for _ in range(25):
        machine.submit(rng.choice((1, 2, 4, 8, 16, 24)), rng.choice((1, 5, 10, 30, 60)))
    for _ in range(200):
        machine.turn()
        live = [job for job in machine.shard.state.jobs.values() if job.is_live]
        if not live:
            break
        _promise(machine, promised)
        machine.now = min(_end(job) for job in live)
        for job in live:
            if _end(job) <= machine.now:
                machine.end(job.spec)
    assert not machine.shard.state.jobs
    late = {i: at for i, at in promised.items() if machine.started[i] > at}
    assert not late


def _end(job) -> int:
    return job.started_at + job.spec.time_limit_us


def _promise(machine: Machine, promised: dict[str, int]) -> None:
    head = machine.state.waiting.head_or_none("default/default")
    if head is None:
        return
    needs = machine.state.outlooks.needs(head[1].shape, machine.now)
    (_, shadow), *_ = needs[0].outlook.shadows(needs[0].slots, machine.now)
    promised.setdefault(head[0], shadow.at)


def test_a_blocked_head_is_predicted_to_start_when_it_is_promised_and_says_why():
    machine = Machine()
    machine.submit(16, 60)
    machine.submit(8, 90)
    wide = machine.submit(32, 60)
    machine.turn()
    found = explain(machine.state, wide.id, machine.now)
    assert found.prediction.at == T0 + 90 * MINUTE
    assert found.prediction.basis is StartBasis.LIMITS


def test_conservative_backfill_holds_back_what_would_delay_the_second_blocked_job():
    started = {}
    for backfill_mode in ("easy", "conservative"):
        machine = Machine(backfill=backfill_mode)
        machine.submit(16, 60)
        machine.submit(24, 60)  # from one hour on
        machine.submit(32, 60)  # from two hours on
        long = machine.submit(8, 600)
        started[backfill_mode] = long.id in machine.turn()
    assert started == {"easy": True, "conservative": False}


def test_an_outlook_follows_nodes_on_which_its_ask_never_fits():
    machine = Machine(nodes=1)
    machine.tell(cluster.Observed("simulated", (a_node("small", cpu=64_000, gpu=1_000),)))
    machine.jobs += 1
    whole = a_spec(machine.jobs, resources={"gpu": 8_000}, time_limit_us=60 * MINUTE)
    shape = machine.state.rooms.shape_of(whole)

    def wide_slots() -> int:
        (need,) = machine.state.outlooks.needs(shape, machine.now)
        return len(list(need.outlook.shadows(1, machine.now)))

    assert wide_slots() == 1
    machine.tell(cluster.Observed("simulated", (), gone=("n0",)))
    assert wide_slots() == 0
    little = machine.submit(1, 10)
    assert machine.turn() == [little.id]  # the node that is left changes
    assert wide_slots() == 0
    machine.tell(cluster.Observed("simulated", (a_node("n0", cpu=64_000, gpu=8_000),)))
    assert wide_slots() == 1
