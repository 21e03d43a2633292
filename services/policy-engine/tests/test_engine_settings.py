"""What is configured is what cycles decide by, and what makes no sense is refused by name."""

from dataclasses import fields
from pathlib import Path

import pytest

from evenflow.common.domain.settings import SchedulerSettings
from evenflow.common.runtime.settings import InvalidSettings, load
from evenflow.policy_engine.config import scheduler_settings

EVERYTHING = """
scheduler:
  policy: multifactor
  strictOrder: false
  headroom: 0.25
  maxPlacements: 7
  strategy: spread
  clusterStrategy: cost
  topology: [region, zone]
  priceLabel: example.com/price
  expectedDuration: 2h
  multifactor: {age: 1, fairShare: 2, size: 3, priority: 4, maxAge: 1d, damping: 5}
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
    )
    defaults = SchedulerSettings()
    for field in fields(found):
        assert getattr(found, field.name) != getattr(defaults, field.name), field.name


@pytest.mark.parametrize("policy", ["fair-tree", "fairshare", "multifactor", "shortest-first"])
def test_the_old_variable_takes_the_new_names(policy: str) -> None:
    assert load(environ={"SCHEDULING_POLICY": policy}, dotenv=None).scheduler.policy == policy


@pytest.mark.parametrize(
    ("environ", "key", "rule"),
    [
        (
            {"SCHEDULING_POLICY": "backfill"},
            "scheduler.policy",
            "is not known; known are fair-tree",
        ),
        ({"EVENFLOW_SCHEDULER__STRATEGY": "best"}, "scheduler.strategy", "known are cheapest, le"),
        ({"EVENFLOW_SCHEDULER__CLUSTER_STRATEGY": "x"}, "scheduler.cluster_strategy", "affinity"),
        ({"EVENFLOW_SCHEDULER__TOPOLOGY": '["a b"]'}, "scheduler.topology", "label's name"),
        ({"EVENFLOW_SCHEDULER__TOPOLOGY": '["rack", "node"]'}, "scheduler.topology", "finest"),
        ({"EVENFLOW_SCHEDULER__TOPOLOGY": '["r", "r"]'}, "scheduler.topology", "twice"),
        ({"EVENFLOW_SCHEDULER__PRICE_LABEL": ""}, "scheduler.price_label", "label's name"),
        ({"EVENFLOW_SCHEDULER__EXPECTED_DURATION": "0"}, "scheduler.expected_duration", "longer"),
        ({"EVENFLOW_SCHEDULER__MULTIFACTOR__AGE": "-1"}, "scheduler.multifactor.age", "greater"),
        ({"EVENFLOW_SCHEDULER__MULTIFACTOR__DAMPING": "0"}, "scheduler.multifactor.damping", "1"),
        ({"EVENFLOW_SCHEDULER__MULTIFACTOR__AGES": "1"}, "scheduler.multifactor.ages", "did you"),
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
