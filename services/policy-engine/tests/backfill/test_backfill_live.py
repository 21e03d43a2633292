"""EASY backfill in the cycle (SCH-11): gaps are filled, and who goes first is not delayed."""

import pytest

from evenflow.common.testing.builders import T0, a_queue
from evenflow.policy_engine.core import availability
from evenflow.policy_engine.core.explain.explain import explain
from evenflow.policy_engine.core.explain.explanation import StartBasis
from tests.fleets.machine import MINUTE, Machine


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


def test_the_entry_point_of_backfill_decides_for_the_cycle(monkeypatch):
    monkeypatch.setattr(availability, "may_backfill", lambda *_: False)
    with pytest.raises(AssertionError):
        test_a_short_job_starts_before_the_blocked_head_and_a_long_one_does_not()


def test_a_blocked_head_is_predicted_to_start_when_it_is_promised_and_says_why():
    machine = Machine()
    machine.submit(16, 60)
    machine.submit(8, 90)
    wide = machine.submit(32, 60)
    machine.turn()
    found = explain(machine.engine, wide.id, machine.now)
    assert found.prediction.at == T0 + 90 * MINUTE
    assert found.prediction.basis is StartBasis.LIMITS
