"""What labels, taints and constraints may look like."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.jobs.constraints import AntiAffinity, Constraints, Toleration
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.rules import broken_rules
from evenflow.common.domain.nodes.labels import broken_labels, is_label_name, is_label_value
from evenflow.common.testing.builders import a_spec
from evenflow.common.testing.shard import Shard


@pytest.mark.parametrize("name", ["rack", "gpu-model", "a.b_c", "example.com/rack", "R2", "9"])
def test_such_names_are_labels(name):
    assert is_label_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a/", "/a", "a/b/c", "ä", "a\n", "a" * 64])
def test_such_names_are_none(name):
    assert not is_label_name(name)


def test_a_value_may_be_empty_and_has_no_prefix():
    assert is_label_value("")
    assert is_label_value("a100-80G.x")
    assert not is_label_value("a/b")
    assert not is_label_value("x" * 64)


@given(st.dictionaries(st.text(max_size=70), st.none() | st.text(max_size=70), max_size=5))
def test_labels_are_sound_exactly_when_each_name_and_value_is(labels):
    sound = all(
        is_label_name(name) and (value is None or is_label_value(value))
        for name, value in labels.items()
    )
    assert sound is (not list(broken_labels(labels, "labels")))


@pytest.mark.parametrize(
    ("constraints", "field"),
    [
        pytest.param(Constraints(selector={"a b": ()}), "constraints.selector", id="a label"),
        pytest.param(Constraints(selector={"a": ("x y",)}), "constraints.selector.a", id="a value"),
        pytest.param(
            Constraints(selector={"a": ("x",) * 51}), "constraints.selector.a", id="many values"
        ),
        pytest.param(
            Constraints(selector={f"a{i}": () for i in range(51)}), "constraints.selector",
            id="many labels",
        ),
        pytest.param(
            Constraints(tolerations=(Toleration(""),)), "constraints.tolerations", id="a taint"
        ),
        pytest.param(
            Constraints(anti_affinity=AntiAffinity("a b")), "constraints.anti_affinity.level",
            id="a level apart",
        ),
        pytest.param(
            Constraints(anti_affinity=AntiAffinity(key="")), "constraints.anti_affinity.key",
            id="a key",
        ),
        pytest.param(
            Constraints(required_level="?"), "constraints.required_level", id="a level"
        ),
        pytest.param(
            Constraints(preferred_level=""), "constraints.preferred_level", id="a wished level"
        ),
        pytest.param(Constraints(strategy="tetris"), "constraints.strategy", id="a strategy"),
        pytest.param(Constraints(clusters=("",)), "constraints.clusters", id="a cluster"),
    ],
)  # fmt: skip
def test_constraints_that_break_a_rule_are_refused_by_the_fold_too(constraints, field):
    spec = a_spec(constraints=constraints)
    assert [rule.field for rule in broken_rules(spec)] == [field]
    shard = Shard().with_queues("default/default")
    shard.submit(spec)
    assert spec.id not in shard.state.jobs


def test_constraints_as_people_write_them_are_accepted():
    constraints = Constraints(
        selector={"gpu-model": ("a100", "h100"), "example.com/ssd": ()},
        tolerations=(Toleration("dedicated", "vision"), Toleration("spot")),
        anti_affinity=AntiAffinity("rack", "db"),
        required_level="zone",
        preferred_level="rack",
        strategy="spread",
        clusters=("simulated",),
    )
    spec = a_spec(constraints=constraints)
    assert list(broken_rules(spec)) == []
    shard = Shard().with_queues("default/default")
    assert shard.job(shard.submit(spec)).state is JobState.PENDING
    assert replace(spec) == shard.job(spec).spec
