"""When a waiting job may start, and what that rests on."""

import pytest

from evenflow.common.domain.clock import HOUR, SECOND
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import nodes, quotas, settings
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.domain.quotas.budget import period_end
from evenflow.common.testing.builders import T0, a_node, a_queue
from evenflow.policy_engine.core.explain.explanation import Prediction, StartBasis
from tests.fleets.asked import Asked


def predicted(engine, spec, now: int = T0) -> Prediction:
    found = engine.why(spec, now).prediction
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("fields", "after", "basis"),
    [
        pytest.param(
            {"estimated_duration_us": 7 * SECOND, "time_limit_us": 9 * SECOND},
            7 * SECOND,
            StartBasis.ESTIMATES,
            id="its estimate",
        ),
        pytest.param({"time_limit_us": 9 * SECOND}, 9 * SECOND, StartBasis.LIMITS, id="its limit"),
        pytest.param({}, HOUR, StartBasis.DEFAULT, id="what jobs are expected to last"),
    ],
)
def test_the_next_start_is_the_end_of_what_runs_by(fields, after, basis):
    engine = Asked()
    running = engine.submit(**fields)
    engine.turn()
    engine.shard.start(running, at=T0)
    job = engine.submit()
    engine.turn()
    assert predicted(engine, job) == Prediction(T0 + after, basis)


def test_an_overdue_estimate_gives_way_to_the_limit_and_then_to_any_moment():
    engine = Asked()
    running = engine.submit(estimated_duration_us=5 * SECOND, time_limit_us=9 * SECOND)
    engine.turn()
    engine.shard.start(running, at=T0)
    job = engine.submit()
    engine.turn()
    late = T0 + 6 * SECOND
    assert predicted(engine, job, late) == Prediction(T0 + 9 * SECOND, StartBasis.LIMITS)
    later = T0 + 60 * SECOND
    assert predicted(engine, job, later) == Prediction(later, StartBasis.LIMITS)


def test_those_ahead_start_first_and_their_ends_count():
    engine = Asked()
    for seconds in (5, 7):
        engine.submit(estimated_duration_us=seconds * SECOND)
    engine.turn()
    job = engine.submit()
    engine.turn()
    assert predicted(engine, job) == Prediction(T0 + 12 * SECOND, StartBasis.ESTIMATES)


def test_a_prediction_is_as_sure_as_the_least_sure_of_its_ends():
    engine = Asked(cpu=2000)
    engine.submit(estimated_duration_us=5 * SECOND)
    engine.submit(time_limit_us=7 * SECOND)
    engine.turn()
    job = engine.submit(resources={"cpu": 2000})
    engine.turn()
    assert predicted(engine, job) == Prediction(T0 + 7 * SECOND, StartBasis.LIMITS)


def test_room_that_is_free_in_sum_but_on_no_node_is_waited_for():
    engine = Asked(cpu=2000, nodes=2)
    for seconds in (5, 9):
        engine.submit(resources={"cpu": 1500}, estimated_duration_us=seconds * SECOND)
    engine.turn()
    job = engine.submit(resources={"cpu": 1000})
    engine.turn()
    assert predicted(engine, job) == Prediction(T0 + 5 * SECOND, StartBasis.ESTIMATES)


def test_a_job_that_no_cycle_has_seen_and_that_fits_starts_now():
    engine = Asked()
    engine.turn()
    job = engine.submit()
    engine.state.rebuild()
    assert predicted(engine, job) == Prediction(T0, StartBasis.NOW)


def test_jobs_on_nodes_that_take_no_work_free_nothing():
    engine = Asked(cpu=1000)
    engine.submit(estimated_duration_us=5 * SECOND)
    engine.turn()
    engine.shard.tell(nodes.Cordoned(("n1",)))
    engine.shard.with_nodes(a_node("n1", cpu=1000), a_node("n2", cpu=1000))
    engine.submit(estimated_duration_us=8 * SECOND)
    engine.turn()
    job = engine.submit()
    engine.turn()
    assert predicted(engine, job).at == T0 + 8 * SECOND


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"limit": {"cpu": 1000}}, id="a limit"),
        pytest.param({"max_concurrent_jobs": 1}, id="a number of jobs"),
    ],
)
def test_behind_a_gate_only_what_it_counts_must_end(limits):
    engine = Asked(a_queue("a/q", **limits), "b/q", cpu=3000)
    engine.submit("b/q", estimated_duration_us=2 * SECOND)
    engine.submit("a/q", estimated_duration_us=6 * SECOND)
    engine.turn()
    job = engine.submit("a/q")
    engine.turn()
    assert predicted(engine, job) == Prediction(T0 + 6 * SECOND, StartBasis.ESTIMATES)


def test_behind_a_quota_of_its_type_only_that_type_must_end():
    engine = Asked("a/q", cpu=3000)
    engine.shard.tell(quotas.Set((Quota("a", max_by_type={"inference": 1}),)))
    engine.submit(job_type="training", estimated_duration_us=2 * SECOND)
    engine.submit(job_type="inference", estimated_duration_us=6 * SECOND)
    engine.turn()
    job = engine.submit(job_type="inference")
    engine.turn()
    assert predicted(engine, job) == Prediction(T0 + 6 * SECOND, StartBasis.ESTIMATES)


def test_a_budget_that_is_used_up_comes_back_with_its_next_period():
    engine = Asked("a/q", cpu=3000, gpu=2000)
    engine.shard.tell(quotas.Set((Quota("a", gpu_hours=0, period="day"),)))
    job = engine.submit(resources={"cpu": 1000, "gpu": 1000})
    engine.turn()
    assert predicted(engine, job) == Prediction(period_end("day", T0), StartBasis.BUDGET)


def test_a_job_that_backs_off_starts_after_that():
    engine = Asked()
    job = engine.submit(retry_limit=1)
    engine.turn()
    engine.shard.end(job, Outcome.FAILED, exit_code=1)
    due = engine.shard.job(job).not_before
    assert due > T0
    engine.turn()
    assert predicted(engine, job) == Prediction(due, StartBasis.BACKOFF)


def test_nobody_knows_when_a_job_starts_that_never_fits_or_whose_queue_is_disabled():
    engine = Asked(a_queue("a/q"), a_queue("b/q", enabled=False))
    unfit = engine.submit("a/q", resources={"cpu": 9000})
    disabled = engine.submit("b/q")
    engine.turn()
    assert predicted(engine, unfit) == Prediction(unknown="it can never start as things are")
    assert predicted(engine, disabled) == Prediction(unknown="its queue is disabled")


def test_without_strict_order_a_job_that_is_passed_over_delays_nobody():
    engine = Asked(cpu=2000)
    engine.shard.tell(settings.Set(SchedulerSettings(strict_order=False)))
    engine.submit(resources={"cpu": 1000}, estimated_duration_us=5 * SECOND)
    engine.submit(resources={"cpu": 1000}, estimated_duration_us=9 * SECOND)
    engine.turn()
    engine.submit(resources={"cpu": 2000}, estimated_duration_us=100 * SECOND)
    job = engine.submit(resources={"cpu": 1000})
    engine.turn()
    assert predicted(engine, job) == Prediction(T0 + 5 * SECOND, StartBasis.ESTIMATES)


def test_a_task_that_runs_is_expected_to_end_from_when_it_started():
    engine = Asked()
    running = engine.submit(estimated_duration_us=5 * SECOND)
    engine.turn()
    engine.shard.report(running, TaskPhase.RUNNING, at=T0 + 2 * SECOND)
    job = engine.submit()
    engine.turn()
    assert predicted(engine, job).at == (engine.shard.job(running).started_at or 0) + 5 * SECOND
