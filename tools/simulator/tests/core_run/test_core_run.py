import pytest

from evenflow.common.domain.clock import HOUR, SECOND
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.errors import BrokenInvariant, InvalidValue
from evenflow.common.domain.facts import cluster
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.testing.builders import a_node, a_queue, a_spec
from evenflow.simulator.core_run.machine import BEGIN
from evenflow.simulator.core_run.shard_run import ShardRun
from evenflow.simulator.core_run.simulate import run_core, settings_for, simulate_core
from evenflow.simulator.trace import Trace, TraceJob

STRICT = SchedulerSettings(backfill="off", reclaim=False, preempt=False)


def trace_of(*jobs, slots=4, gpus_per_slot=1):
    """Jobs as (submit, run, width) or (submit, run, width, user), in seconds."""
    made = []
    for number, (submit, run, width, *user) in enumerate(jobs):
        who = user[0] if user else ""
        limit = 2 * run * SECOND
        made.append(
            TraceJob(f"j{number}", submit * SECOND, run * SECOND, width, limit_us=limit, user=who)
        )
    return Trace("small", slots, made, gpus_per_slot=gpus_per_slot)


def starts(schedule):
    return [start // SECOND for start in schedule.start_us]


def a_run(*nodes, settings=STRICT, **given):
    return ShardRun(
        queues_defined=[a_queue("default"), a_queue("default/default")],
        nodes=nodes or [a_node(gpu=4000)],
        settings=settings,
        begin=BEGIN,
        **given,
    )


def a_gpu_job(number, gpus=1, **fields):
    return a_spec(number, resources={"gpu": 1000}, tasks=gpus, **fields)


def test_a_strict_queue_gives_the_schedule_computed_by_hand():
    # 4 slots. The wide third job waits for both, and holds back the fourth, which would fit.
    trace = trace_of((0, 100, 2), (10, 50, 2), (20, 30, 4), (30, 10, 1))
    schedule = simulate_core(trace, policy="fifo", backfill="off", settings=STRICT)
    assert starts(schedule) == [0, 10, 100, 130]
    assert [end // SECOND for end in schedule.end_us] == [100, 60, 130, 140]
    assert schedule.events == 8


def test_with_backfill_a_short_job_passes_the_blocked_head_and_delays_nobody():
    trace = trace_of((0, 100, 2), (10, 50, 2), (20, 30, 4), (70, 10, 1), (70, 90, 1))
    schedule = simulate_core(trace, policy="fifo", backfill="easy", settings=STRICT)
    # The head is reserved for 200, when limits say that there is room; it starts at 100 though.
    assert starts(schedule)[:4] == [0, 10, 100, 70]
    assert starts(schedule)[4] == 130  # it might run past 200 on room that the head needs


def test_what_ends_makes_room_for_what_comes_at_the_same_instant():
    trace = trace_of((0, 100, 4), (100, 10, 4))
    assert starts(simulate_core(trace, policy="fifo", settings=STRICT)) == [0, 100]


def test_jobs_of_one_instant_keep_the_order_of_the_log():
    trace = trace_of((5, 10, 4), (5, 20, 4), (0, 5, 4))
    assert starts(simulate_core(trace, policy="fifo", settings=STRICT)) == [5, 15, 0]


def test_fair_share_lets_those_go_first_who_have_used_less():
    hog = [(0, 3600, 4, "hog") for _ in range(6)]
    trace = trace_of(*hog, (3 * 3600 - 60, 600, 4, "new"))
    fair = simulate_core(trace, policy="fairshare", settings=STRICT)
    fifo = simulate_core(trace, policy="fifo", settings=STRICT)
    assert starts(fair)[6] == 3 * 3600
    assert starts(fifo)[6] == 6 * 3600
    assert (fair.share_error or 0) < (fifo.share_error or 0)


def test_whole_nodes_of_several_cards_are_taken_whole():
    trace = trace_of((0, 10, 2), (0, 10, 2), (0, 10, 1), slots=4, gpus_per_slot=3)
    run = run_core(trace, STRICT)
    assert starts(run.schedule) == [0, 0, 10]


def test_a_job_wider_than_the_machine_never_starts_and_stops_nobody():
    trace = trace_of((0, 10, 5), (1, 10, 4))
    schedule = simulate_core(trace, policy="fifo", settings=STRICT)
    assert schedule.start_us[0] == schedule.end_us[0] == -1
    assert starts(schedule)[1] == 1
    assert schedule.notes["never_started"] == 1


def test_a_job_is_stopped_at_its_limit():
    run = a_run()
    spec = a_gpu_job(1, time_limit_us=10 * SECOND)
    run.submit(BEGIN, spec, 60 * SECOND)
    found = run.run().jobs[spec.id]
    assert found.state is JobState.TIMEOUT
    assert found.ended_at == BEGIN + 10 * SECOND


def test_cancels_end_a_waiting_job_at_once_and_a_running_one_too():
    run = a_run()
    first, second, third = (a_gpu_job(n, 4) for n in (1, 2, 3))
    for spec in (first, second, third):
        run.submit(BEGIN, spec, HOUR)
    run.cancel(BEGIN + 10 * SECOND, second.id, "ann")
    run.cancel(BEGIN + 20 * SECOND, first.id, "ann")
    run.cancel(BEGIN + 3 * HOUR, third.id, "ann")  # it is over by then
    jobs = run.run().jobs
    assert jobs[second.id].first_start is None
    assert jobs[second.id].ended_at == BEGIN + 10 * SECOND
    assert jobs[first.id].ended_at == jobs[third.id].first_start == BEGIN + 20 * SECOND
    assert [jobs[spec.id].state for spec in (first, second, third)] == [
        JobState.CANCELLED,
        JobState.CANCELLED,
        JobState.SUCCEEDED,
    ]


def test_a_lost_node_makes_its_jobs_run_again_from_the_beginning():
    run = a_run(a_node("n1", gpu=1000), a_node("n2", gpu=1000))
    specs = [a_gpu_job(n) for n in (1, 2)]
    for spec in specs:
        run.submit(BEGIN, spec, 100 * SECOND)
    run.tell(BEGIN + 40 * SECOND, cluster.Observed("simulated", gone=("n1",)))
    outcome = run.run()
    moved = next(job for job in outcome.jobs.values() if len(job.attempts) > 1)
    assert [(s.start - BEGIN) // SECOND for s in moved.attempts] == [0, 100]
    assert [(s.end - BEGIN) // SECOND for s in moved.attempts] == [40, 200]
    assert outcome.evictions == 1
    assert all(job.state is JobState.SUCCEEDED for job in outcome.jobs.values())


def test_a_job_that_was_lost_counts_in_the_schedule_from_its_last_start():
    run = a_run(a_node("n1", gpu=1000))
    spec = a_gpu_job(1)
    run.submit(BEGIN, spec, 100 * SECOND)
    run.tell(BEGIN + 40 * SECOND, cluster.Observed("simulated", gone=("n1",)))
    back = a_node("n1", gpu=1000)
    run.tell(BEGIN + 50 * SECOND, cluster.Observed("simulated", nodes=(back,)))
    found = run.run().jobs[spec.id]
    assert (found.first_start, found.last_start) == (BEGIN, BEGIN + 50 * SECOND)


def test_a_submission_that_the_fold_refuses_is_told_with_its_reason():
    run = a_run()
    run.submit(BEGIN, a_gpu_job(1, queue="nowhere/at-all"), SECOND)
    outcome = run.run()
    assert not outcome.jobs
    assert "no queue" in next(iter(outcome.refused.values()))


def test_a_job_told_twice_runs_once():
    run = a_run()
    spec = a_gpu_job(1)
    run.submit(BEGIN, spec, 10 * SECOND)
    run.submit(BEGIN + SECOND, spec, 10 * SECOND)
    outcome = run.run()
    assert len(outcome.jobs[spec.id].attempts) == 1
    assert not outcome.refused


def test_a_budget_that_is_used_up_lets_jobs_go_on_in_the_next_period():
    day = 24 * HOUR
    quota = Quota("default", gpu_hours=1000, period="day")
    run = a_run(quotas_set=[quota])
    specs = [a_gpu_job(n) for n in (1, 2)]
    run.submit(BEGIN, specs[0], HOUR)
    run.submit(BEGIN + 2 * HOUR, specs[1], HOUR)
    jobs = run.run().jobs
    assert jobs[specs[1].id].first_start == (BEGIN // day + 1) * day


def test_a_budget_of_nothing_ends_the_run_and_starts_nobody():
    run = a_run(quotas_set=[Quota("default", gpu_hours=0, period="day")])
    spec = a_gpu_job(1)
    run.submit(BEGIN, spec, HOUR)
    assert run.run().jobs[spec.id].first_start is None


def test_quotas_and_queues_that_cannot_stand_are_an_error_at_once():
    with pytest.raises(BrokenInvariant, match="no such queue"):
        a_run(quotas_set=[Quota("elsewhere", {"gpu": 1000})])


def test_the_series_tell_the_cluster_hour_by_hour():
    trace = trace_of((0, 3 * 3600, 2, "ann"), (0, 2 * 3600, 4, "bob"), (0, 3600, 1, "ann"))
    series = run_core(trace, STRICT).outcome.hourly
    assert series.at == [BEGIN + hour * HOUR for hour in range(1, 7)]
    assert series.utilisation[:4] == [0.5, 0.5, 0.5, 1.0]
    assert series.pending[:4] == [2, 2, 2, 1]
    assert series.running[:4] == [1, 1, 1, 1]
    assert series.fragmentation[0] == 1.0  # all that is free stands on the one node, in part used
    assert series.user_share["ann"][:2] == [1.0, 1.0]
    assert series.user_entitlement[:3] == [0.5, 0.5, 0.5]
    assert series.queue_share["default/default"][0] == 0.5


def test_progress_is_told_up_to_the_last_job():
    told = []
    trace = trace_of((0, 10, 1), (5, 10, 1))
    run_core(trace, STRICT, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (2, 2)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("field", ["policy", "backfill", "backfill_order", "estimate"])
def test_a_choice_that_there_is_not_is_named_with_those_that_there_are(field):
    with pytest.raises(InvalidValue, match=f"{field}: 'best-of-all' must be one of"):
        settings_for(STRICT, **({"policy": "fifo"} | {field: "best-of-all"}))


def test_a_project_takes_back_what_it_deserves_and_who_gave_way_runs_again():
    queues = [
        a_queue(path, deserved={"gpu": 2000} if path in {"a", "b"} else None)
        for path in ("a", "a/x", "b", "b/x")
    ]
    run = ShardRun(
        queues_defined=queues,
        nodes=[a_node(gpu=4000)],
        settings=SchedulerSettings(),
        begin=BEGIN,
    )
    first, second = (a_gpu_job(n, 2, queue="a/x") for n in (1, 2))
    guest = a_gpu_job(3, 2, queue="b/x")
    for at, spec in ((0, first), (1, second), (100, guest)):
        run.submit(BEGIN + at * SECOND, spec, 1000 * SECOND)
    outcome = run.run()
    assert outcome.evictions == 1
    assert outcome.jobs[guest.id].first_start == BEGIN + 100 * SECOND
    victim = next(job for job in outcome.jobs.values() if len(job.attempts) == 2)
    assert victim.spec.queue == "a/x"
    assert victim.attempts[0].end == BEGIN + 100 * SECOND
    assert victim.state is JobState.SUCCEEDED
