"""A file of other rules is read in the words of the settings, whatever these come to be."""

from dataclasses import fields

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.policy_engine.config import POLICIES
from evenflow.policy_engine.core.replay.rules import Rules
from evenflow.simulator.replay.rules.policy_file import read_rules
from evenflow.simulator.replay.rules.setting_fields import KEYS, domain_fields


@pytest.fixture
def read(tmp_path):
    def read(text: str) -> Rules:
        path = tmp_path / "new.yaml"
        path.write_text(text)
        return read_rules(path, POLICIES.every())

    return read


def test_every_setting_that_cycles_decide_by_can_be_named():
    named = frozenset[str]().union(*map(domain_fields, KEYS))
    assert named == {each.name for each in fields(SchedulerSettings)}


def test_a_key_decides_what_the_engine_makes_of_it():
    assert domain_fields("fairness.k_value") == {"k"}
    assert domain_fields("scheduler.multifactor.max_age") == {"max_age_us"}
    assert domain_fields("scheduler.interval") == frozenset()


def test_a_value_that_is_the_default_still_takes_the_place_of_another(read):
    rules = read("scheduler: {policy: fifo, headroom: 0}\n")
    recorded = SchedulerSettings(policy="priority", headroom_milli=50, k=3.0)
    assert rules.settings_of(recorded) == SchedulerSettings(policy="fifo", k=3.0)


def test_names_in_camel_case_units_and_off_are_read_as_in_the_settings(read):
    rules = read(
        "fairness: {kValue: 2}\n"
        "scheduler: {backfill: off, headroom: 0.25, multifactor: {maxAge: 2h}}\n"
        "preemption: {minimumRun: 5m}\n"
    )
    assert rules.settings == {
        "k": 2.0,
        "backfill": "off",
        "headroom_milli": 250,
        "max_age_us": 7_200_000_000,
        "minimum_run_us": 300_000_000,
    }


def test_the_policy_backfill_means_fifo_with_backfill(read):
    recorded = SchedulerSettings(policy="priority", backfill="off")
    changed = read("scheduler: {policy: backfill}\n").settings_of(recorded)
    assert (changed.policy, changed.backfill) == ("fifo", "easy")


def test_queues_and_quotas_are_read_in_the_words_of_fleets(read):
    rules = read(
        "queues:\n"
        "  a/x: {limit: {gpu: 1.5, memory: 2}, policy: fair-tree, target_wait_seconds: 60}\n"
        "quotas: {a: {cpu: 500m, memory: null, max_training_jobs: 3, gpu_hours: 2, period: day}}\n"
    )
    assert rules.queues == {
        "a/x": {
            "limit": {"gpu": 1500, "memory": 2 * 2**30},
            "policy": "fair-tree",
            "target_wait_us": 60_000_000,
        }
    }
    assert rules.quotas == {
        "a": {
            "resources": {"cpu": 500, "memory": None},
            "max_by_type": {"training": 3},
            "gpu_hours": 2000,
            "period": "day",
        }
    }
