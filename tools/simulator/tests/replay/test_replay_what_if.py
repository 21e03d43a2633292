"""Other rules on a recorded past: decisions that differ, and the past as it might have gone."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from evenflow.cli.main import app
from evenflow.common.domain.facts import cluster, jobs, queues
from evenflow.common.testing.builders import a_node, a_queue
from evenflow.policy_engine.core.replay.rules import AS_RECORDED, Rules
from evenflow.policy_engine.core.state.plugins import OURS
from evenflow.simulator.replay.recording.recorded_log import RecordedLog
from evenflow.simulator.replay.replay_log import replay_log
from evenflow.simulator.replay.what_if.compare import compare
from evenflow.simulator.replay.what_if.counterfactual import Scenario, run_by
from evenflow.simulator.replay.what_if.history import history_of
from evenflow.simulator.replay.what_if.run_times import run_times
from tests.golden.pasts import World, busy, two_colours

RED_FIRST = "queues: {red: {weight: 100}}\n"


def ask(past: Path, rules: str, *words: str) -> Result:
    policy = past.with_name("new.yaml")
    policy.write_text(rules)
    command = ["replay", "--log", str(past), "--policy", str(policy), *words]
    return CliRunner().invoke(app, command, env={"COLUMNS": "100"})


def asked(past: Path, rules: str) -> dict[str, Any]:
    done = ask(past, rules, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def scenario_of(past: RecordedLog) -> Scenario:
    history = history_of(past)
    return Scenario(past, history, run_times(history), OURS)


def starts(outcome) -> dict[str, int | None]:
    return {job_id: job.first_start for job_id, job in outcome.jobs.items()}


@pytest.fixture
def past(tmp_path: Path) -> Path:
    return two_colours().keep(tmp_path / "past.jsonl")


def test_another_weight_lists_the_decisions_that_change(past):
    told = asked(past, RED_FIRST)
    changes = told["decisions"]["changes"]
    assert told["decisions"]["differing"] == len(changes) > 0
    first = changes[0]
    assert first["differs_in"][0] == "placements"
    blue, red = first["changes"][0], first["changes"][1]
    assert {blue["recorded"] is None, red["recorded"] is None} == {True, False}


def test_rules_as_they_were_change_nothing(past):
    told = asked(past, "queues: {red: {weight: 1.0}}\nscheduler: {policy: fifo}\n")
    assert told["decisions"]["differing"] == 0
    assert told["decisions"]["differing_in_reasons_only"] == 0
    assert told["courses"]["recorded_rules"] == told["courses"]["new_rules"]
    assert told["jobs_that_wait_less"] == told["jobs_that_wait_more"] == 0


def test_who_has_the_weight_waits_less_and_the_others_more(past):
    told = asked(past, RED_FIRST)
    change = {row["name"]: row["change_seconds"] for row in told["users"]}
    assert change["ruby"] < 0 < change["bea"]
    assert {row["name"] for row in told["queues"]} == {"red/q", "blue/q"}
    assert all(row["user"] == "ruby" for row in told["jobs_that_gain_most"])
    assert all(row["user"] == "bea" for row in told["jobs_that_lose_most"])
    assert told["jobs_that_wait_less"] == len(told["jobs_that_gain_most"])


@given(st.integers(0, 10**6))
@hypothesis_settings(max_examples=10, deadline=None)
def test_the_model_by_the_recorded_rules_is_the_past_where_nothing_takes_time(seed):
    world = busy(seed, steps=40, measures=False)
    scenario = scenario_of(world.past())
    modelled = run_by(scenario, AS_RECORDED, lambda *_: None)
    assert starts(modelled) == starts(scenario.history.outcome)
    numbers = compare(scenario.history, modelled, modelled)
    assert numbers.model.mean_distance == 0
    assert numbers.recorded.utilisation == pytest.approx(numbers.modelled.utilisation)


def test_a_limit_that_was_not_there_halves_what_is_in_use(past):
    told = asked(past, "queues: {red/q: {limit: {gpu: 1}}}\n")
    before, after = told["courses"]["recorded_rules"], told["courses"]["new_rules"]
    assert after["mean_wait_seconds"] > before["mean_wait_seconds"]
    assert told["rules"] == [{"rule": "red/q: limit", "recorded": "none", "new": "gpu 1000"}]


def test_a_quota_is_put_on_a_queue_that_had_none(past):
    told = asked(past, "quotas: {red: {gpu: 1, max_concurrent_jobs: 1}}\n")
    red = next(row for row in told["queues"] if row["name"] == "red/q")
    assert red["change_seconds"] > 0
    assert told["decisions"]["differing"] > 0


def test_what_a_later_definition_says_does_not_undo_the_rules():
    world = two_colours()
    world.tell(queues.Defined((a_queue("red", weight=2.0),)))
    assert not replay_log(world.past(), OURS).differences
    for _ in range(3):
        world.submit("red/q", 5)
    rules = Rules(queues={"red": {"max_concurrent_jobs": 1}})
    last = replay_log(world.past(), OURS, rules=rules).differences[-1]
    assert last.sequence == world.cycles[-1]


def test_machines_that_come_and_go_do_so_in_the_model_too():
    world = World()
    for _ in range(5):
        world.submit("red/q", 30)
    world.pass_time(10)
    world.tell(cluster.Observed("simulated", (a_node("n2", cpu=16_000, gpu=4000),)))
    world.decide()
    world.pass_time(100)
    scenario = scenario_of(world.past())
    modelled = run_by(scenario, AS_RECORDED, lambda *_: None)
    assert starts(modelled) == starts(scenario.history.outcome)
    fifth = list(modelled.jobs.values())[4]
    assert fifth.first_start == fifth.submitted_at + 10_000_000


def test_a_job_that_was_cancelled_is_cancelled_in_the_model_too():
    world = World()
    world.submit("red/q", 50, resources={"gpu": 4000})
    waiting = world.submit("red/q", 50)
    world.pass_time(20)
    world.tell(jobs.CancelRequested((jobs.CancelRequest(waiting.id, "ann"),)))
    world.pass_time(100)
    scenario = scenario_of(world.past())
    modelled = run_by(scenario, AS_RECORDED, lambda *_: None)
    assert modelled.jobs[waiting.id].state == "cancelled"
    assert modelled.jobs[waiting.id].first_start is None


def test_jobs_that_had_not_ended_run_at_least_as_long_as_they_had(past):
    world = World()
    done = world.submit("red/q", 10)
    world.pass_time(20)
    running = world.submit("red/q", 500)
    world.pass_time(60)
    world.submit("red/q", 500, resources={"gpu": 4000})
    times = run_times(history_of(world.past()))
    assert times.known == {done.id: 10_000_000}
    assert times.guessed[running.id] == 60_000_000
    assert len(times.guessed) == 2


def test_from_a_base_the_model_goes_on_with_the_jobs_that_were_there():
    world = two_colours()
    part = world.past_from(world.cycles[2])
    scenario = scenario_of(part)
    assert scenario.history.carried
    modelled = run_by(scenario, AS_RECORDED, lambda *_: None)
    assert set(modelled.jobs) == set(scenario.history.outcome.jobs)
    assert all(job.state == "succeeded" for job in modelled.jobs.values())
    numbers = compare(scenario.history, modelled, modelled)
    assert not set(numbers.modelled.waits) & set(scenario.history.carried)


def test_the_report_is_one_page_and_the_terminal_tells_the_same(past):
    page = past.with_name("what-if.html")
    done = ask(past, RED_FIRST, "--html", str(page))
    assert done.exit_code == 0
    assert "red: weight: 1 -> 100" in done.stdout
    assert "would have started or stopped other jobs" in done.stdout
    assert "ruby" in done.stdout
    text = page.read_text()
    assert "<script" not in text
    assert "prefers-color-scheme: dark" in text
    for word in ("Who waits less, who more", "Utilisation", "Shares over time", "ruby", "bea"):
        assert word in text


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        pytest.param("schedular: {policy: fifo}", "did you mean scheduler?", id="unknown section"),
        pytest.param("scheduler: {polcy: fifo}", "did you mean scheduler.policy", id="unknown key"),
        pytest.param("scheduler: {policy: best}", "scheduler.policy = 'best'", id="unknown policy"),
        pytest.param("scheduler: {headroom: 7}", "scheduler.headroom = 7", id="value out of range"),
        pytest.param("scheduler: {interval: 2s}", "scheduler.interval", id="not of a cycle"),
        pytest.param("scheduler: fifo", "is a section and takes keys", id="no section"),
        pytest.param("queues: {rde: {weight: 2}}", "did you mean red", id="unknown queue"),
        pytest.param("queues: {red: {weigth: 2}}", "did you mean weight", id="unknown field"),
        pytest.param("queues: {red: {weight: -2}}", "queues.red.weight = -2.0", id="bad weight"),
        pytest.param("queues: {red: {limit: {gpu: x}}}", "queues.red.limit.gpu", id="bad amount"),
        pytest.param("queues: {red: 3}", "must map fields", id="no fields"),
        pytest.param("quotas: {blue: {gpuu: 1}}", "is unknown", id="unknown quota"),
        pytest.param("quotas: {blue: {gpu_hours: 1}}", "budget_period", id="half a budget"),
        pytest.param("quotas: {nobody: {gpu: 1}}", "is no queue of this past", id="no such queue"),
        pytest.param("", "must be a mapping", id="empty"),
        pytest.param("queues: {red: {}}", "must map fields", id="nothing of a queue"),
        pytest.param("scheduler:", "changes nothing", id="nothing at all"),
        pytest.param("a: [", "is not YAML", id="no YAML"),
    ],
)
def test_a_file_of_rules_that_makes_no_sense_is_refused(past, rules, told):
    done = ask(past, rules)
    assert done.exit_code == 2, done.stdout
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_all_that_is_wrong_with_a_file_of_rules_is_told_at_once(past):
    done = ask(
        past, "scheduler: {polcy: x, headroom: 7}\nqueues: {red: {weigth: 1, priority: x}}\n"
    )
    for key in (
        "scheduler.polcy",
        "scheduler.headroom",
        "queues.red.weigth",
        "queues.red.priority",
    ):
        assert key in done.stderr


def test_a_page_that_cannot_be_written_is_refused_before_the_work(past, tmp_path):
    done = ask(past, RED_FIRST, "--html", str(tmp_path / "nowhere" / "x.html"))
    assert done.exit_code == 2
    assert "--html" in done.stderr
