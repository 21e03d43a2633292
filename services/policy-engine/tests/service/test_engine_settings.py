"""What is configured is what cycles decide by, and what makes no sense is refused by name."""

from dataclasses import fields
from pathlib import Path

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.runtime.settings import InvalidSettings, load
from evenflow.policy_engine.config import scheduler_settings

EVERYTHING = """
scheduler:
  policy: multifactor
  strictOrder: false
  backfill: off
  headroom: 0.25
  maxPlacements: 7
  strategy: spread
  clusterStrategy: cost
  topology: [region, zone]
  priceLabel: example.com/price
  expectedDuration: 2h
  multifactor: {age: 1, fairShare: 2, size: 3, priority: 4, maxAge: 1d, damping: 5}
backfill: {reservations: 2, testedJobs: 50, order: shortest, estimates: learned}
preemption:
  reclaim: false
  preempt: false
  consolidate: true
  threshold: 3
  scope: cluster
  maxPerCycle: 9
  minimumRun: 90s
  lostGpuSecondsPerCycle: 0.5
  lostGpuSecondsPerHour: 3600
fairness: {mode: kai, kValue: 0.5, roundToUnits: true}
"""


def test_without_settings_cycles_decide_by_the_defaults_of_the_domain() -> None:
    assert scheduler_settings(load(environ={}, dotenv=None)) == SchedulerSettings()


def test_every_setting_reaches_the_cycle(tmp_path: Path) -> None:
    config = tmp_path / "evenflow.yaml"
    config.write_text(EVERYTHING)
    found = scheduler_settings(load(config, environ={}, dotenv=None))
    assert found == SchedulerSettings(
        policy="multifactor",
        strict_order=False,
        headroom_milli=250,
        max_placements=7,
        strategy="spread",
        cluster_strategy="cost",
        topology=("region", "zone"),
        price_label="example.com/price",
        fairness_mode="kai",
        k=0.5,
        round_to_units=True,
        expected_duration_us=7_200_000_000,
        weight_age=1,
        weight_fair_share=2,
        weight_size=3,
        weight_priority=4,
        max_age_us=86_400_000_000,
        damping=5,
        backfill="off",
        backfill_order="shortest",
        backfill_reservations=2,
        backfill_tested_jobs=50,
        estimates="learned",
        reclaim=False,
        preempt=False,
        consolidate=True,
        preemption_threshold=3,
        preemption_scope="cluster",
        most_victims=9,
        minimum_run_us=90_000_000,
        lost_gpu_per_cycle=500,
        lost_gpu_per_hour=3_600_000,
    )
    defaults = SchedulerSettings()
    for field in fields(found):
        assert getattr(found, field.name) != getattr(defaults, field.name), field.name


@pytest.mark.parametrize(
    ("given", "milli"),
    [
        pytest.param("null", None, id="no limit"),
        pytest.param("-1", None, id="no limit, said otherwise"),
        pytest.param("0", 0, id="nothing"),
    ],
)
def test_a_budget_of_lost_time_may_be_absent_or_nothing(
    tmp_path: Path, given: str, milli: int | None
) -> None:
    config = tmp_path / "evenflow.yaml"
    config.write_text(f"preemption: {{lostGpuSecondsPerCycle: {given}}}")
    found = scheduler_settings(load(config, environ={}, dotenv=None))
    assert found.lost_gpu_per_cycle == milli


@pytest.mark.parametrize("policy", ["fair-tree", "fairshare", "multifactor", "shortest-first"])
def test_the_old_variable_takes_the_new_names(policy: str) -> None:
    assert load(environ={"SCHEDULING_POLICY": policy}, dotenv=None).scheduler.policy == policy


def test_the_policy_backfill_is_fifo_that_fills_gaps() -> None:
    found = scheduler_settings(load(environ={"SCHEDULING_POLICY": "backfill"}, dotenv=None))
    assert (found.policy, found.backfill) == ("fifo", "easy")


@pytest.mark.parametrize(
    ("environ", "key", "rule"),
    [
        (
            {"SCHEDULING_POLICY": "gap-filling"},
            "scheduler.policy",
            "is not known; known are backfill",
        ),
        ({"EVENFLOW_SCHEDULER__STRATEGY": "best"}, "scheduler.strategy", "known are best-fit, ch"),
        ({"EVENFLOW_SCHEDULER__CLUSTER_STRATEGY": "x"}, "scheduler.cluster_strategy", "affinity"),
        ({"EVENFLOW_SCHEDULER__TOPOLOGY": '["a b"]'}, "scheduler.topology", "label's name"),
        ({"EVENFLOW_SCHEDULER__TOPOLOGY": '["rack", "node"]'}, "scheduler.topology", "finest"),
        ({"EVENFLOW_SCHEDULER__TOPOLOGY": '["r", "r"]'}, "scheduler.topology", "twice"),
        ({"EVENFLOW_SCHEDULER__PRICE_LABEL": ""}, "scheduler.price_label", "label's name"),
        ({"EVENFLOW_SCHEDULER__EXPECTED_DURATION": "0"}, "scheduler.expected_duration", "longer"),
        ({"EVENFLOW_SCHEDULER__MULTIFACTOR__AGE": "-1"}, "scheduler.multifactor.age", "greater"),
        ({"EVENFLOW_SCHEDULER__MULTIFACTOR__DAMPING": "0"}, "scheduler.multifactor.damping", "1"),
        ({"EVENFLOW_SCHEDULER__MULTIFACTOR__AGES": "1"}, "scheduler.multifactor.ages", "did you"),
        ({"EVENFLOW_PREEMPTION__SCOPE": "queue"}, "preemption.scope", "known are cluster, project"),
        ({"EVENFLOW_PREEMPTION__THRESHOLD": "101"}, "preemption.threshold", "less than or equal"),
        ({"EVENFLOW_PREEMPTION__MAX_PER_CYCLE": "-1"}, "preemption.max_per_cycle", "greater than"),
        ({"EVENFLOW_PREEMPTION__MINIMUM_RUN": "-1s"}, "preemption.minimum_run", "negative"),
        (
            {"EVENFLOW_PREEMPTION__LOST_GPU_SECONDS_PER_HOUR": "-2"},
            "preemption.lost_gpu_seconds_per_hour",
            "greater than or equal to 0",
        ),
        (
            {"EVENFLOW_PREEMPTION__LOST_GPU_SECONDS_PER_CYCLE": "nan"},
            "preemption.lost_gpu_seconds_per_cycle",
            "finite",
        ),
        ({"EVENFLOW_FAIRNESS__MODE": "fair"}, "fairness.mode", "known are corrected, kai"),
        ({"EVENFLOW_FAIRNESS__K_VALUE": "-0.1"}, "fairness.k_value", "greater than or equal to 0"),
        ({"EVENFLOW_FAIRNESS__K_VALUE": "nan"}, "fairness.k_value", "finite"),
        ({"EVENFLOW_FAIRNESS__K_VALUE": "2e6"}, "fairness.k_value", "less than or equal"),
    ],
)
def test_a_setting_outside_its_rule_is_refused(
    environ: dict[str, str], key: str, rule: str
) -> None:
    with pytest.raises(InvalidSettings) as invalid:
        load(environ=environ, dotenv=None)
    (problem,) = invalid.value.problems
    assert problem.key == key
    assert rule in problem.rule
