"""Options of `submit` about groups and constraints, and marks of nodes: as typed, as sent."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from evenflow.cli.commands.jobs.job import _only_on, _placed, _together
from evenflow.cli.commands.jobs.jobs import wants
from evenflow.cli.commands.system.nodes import _COLUMNS, read_marks, table_of
from evenflow.cli.inputs.placement import PlacementOptions, read_group
from evenflow.cli.main import app
from evenflow.client.models.jobs import Job
from evenflow.client.requests import system as calls
from evenflow.common.domain.errors import InvalidValue


def test_no_wish_is_no_constraint():
    assert PlacementOptions().constraints() is None


def test_wishes_are_sent_as_constraints():
    where = PlacementOptions(
        selector=("gpu-model=a100", "gpu-model=h100", "ssd"),
        tolerate=("spot", "dedicated=vision"),
        apart="rack",
        apart_key="db",
        same="zone",
        near="rack",
        strategy="spread",
        on=("east", "west"),
    )
    assert where.constraints() == {
        "selector": {"gpu-model": ["a100", "h100"], "ssd": None},
        "tolerations": ["spot", "dedicated=vision"],
        "anti_affinity": {"level": "rack", "key": "db"},
        "required_level": "zone",
        "preferred_level": "rack",
        "strategy": "spread",
        "clusters": ["east", "west"],
    }


def test_a_key_alone_keeps_apart_by_node():
    assert PlacementOptions(apart_key="db").constraints() == {
        "anti_affinity": {"level": "node", "key": "db"}
    }


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("ps=2", {"name": "ps", "tasks": 2}),
        ("w=8:4,gpu=1", {"name": "w", "tasks": 8, "min_tasks": 4, "gpu_request": "1"}),
        (
            "w=1, cpu=500m, memory=4Gi, ssd=3",
            {"name": "w", "tasks": 1, "cpu_request": "500m", "memory_request": "4Gi",
             "resources": {"ssd": "3"}},
        ),
    ],
)  # fmt: skip
def test_a_group_is_read(text, group):
    assert read_group(text) == group


@pytest.mark.parametrize(
    "text", ["", "ps", "=2", "ps=x", "ps=2:", "ps=2:x", "ps=2,", "ps=2,gpu", "ps=2,=1", "ps=-1"]
)
def test_what_is_no_group_is_refused_with_its_text(text):
    with pytest.raises(InvalidValue, match="--group") as caught:
        read_group(text)
    assert caught.value.value == text


@given(st.text(max_size=12))
def test_any_text_is_a_group_or_a_clear_error(text):
    found = None
    with suppress(InvalidValue):
        found = read_group(text)
    assert found is None or found["name"]


def submit(*words):
    environment = {"EVENFLOW_URL": "http://127.0.0.1:9", "COLUMNS": "120"}
    return CliRunner().invoke(app, ["submit", *words, "--", "true"], env=environment)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("--group", "w=2", "--gpu", "1"), "--gpu: each --group says", id="a request"),
        pytest.param(("--group", "w=2", "--tasks", "2"), "--tasks: each --group", id="tasks"),
        pytest.param(("--group", "w"), "must be as worker=8,gpu=1", id="a group"),
        pytest.param(("--selector", "=x"), "must be LABEL=VALUE", id="a selector"),
        pytest.param(("--selector", "a", "--selector", "a=1"), "cannot be both", id="any and one"),
        pytest.param(("--tolerate", "=x"), "must be KEY, or KEY=VALUE", id="a taint"),
        pytest.param(("--strategy", "tetris"), "must be one of pack, spread", id="a strategy"),
    ],
)
def test_mistakes_in_typing_are_told_before_anything_is_sent(words, told):
    result = submit(*words)
    assert result.exit_code == 2, result.output
    assert told in result.stderr


def test_help_of_submit_names_the_options():
    shown = CliRunner().invoke(app, ["submit", "--help"], env={"COLUMNS": "120"}).output
    for option in ("--group", "--min-tasks", "--selector", "--tolerate", "--apart", "--same",
                   "--near", "--strategy", "--on", "--apart-key"):  # fmt: skip
        assert option in shown


def test_marks_are_set_and_taken_away():
    read = read_marks(["a=1", "b=", "c-", "d=x-"], needs_value=True)
    assert read == {"a": "1", "b": "", "c": None, "d": "x-"}
    assert read_marks(["spot", "bad=disk", "old-"], needs_value=False) == {
        "spot": "", "bad": "disk", "old": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "needs_value"),
    [(["a"], True), (["-"], True), (["=x"], False), (["a=1", "a-"], True), ([""], False)],
)
def test_marks_that_say_nothing_clear_are_refused(texts, needs_value):
    with pytest.raises(InvalidValue, match="NAME"):
        read_marks(texts, needs_value=needs_value)


def test_only_what_is_named_is_sent_of_a_node():
    call = calls.change_node("n/1", {"a": None}, {})
    assert (call.method, call.path) == ("PATCH", "/api/v1/nodes/n%2F1")
    assert call.body == {"labels": {"a": None}}


def node(**fields):
    return {
        "name": "n", "cluster": "c", "is_ready": True, "is_cordoned": False,
        "free": {}, "capacity": {}, "labels": {}, "taints": {},
    } | fields  # fmt: skip


def test_labels_and_taints_have_columns_only_when_there_are_any():
    columns, rows = table_of([node(), node()])
    assert (len(columns), len(rows[0])) == (len(_COLUMNS), len(_COLUMNS))
    columns, rows = table_of([node(), node(taints={"spot": "", "bad": "disk"})])
    assert columns[-1].title == "TAINTS"
    assert [row[-1] for row in rows] == ["", "bad=disk spot"]
    columns, rows = table_of([node(labels={"zone": "z", "rack": "r"})])
    assert (columns[-1].title, rows[0][-1]) == ("LABELS", "rack=r zone=z")


def a_job(**fields) -> Job:
    return fields  # type: ignore[return-value]  # what is looked at, nothing else


def a_group(name, tasks, least, placed=0, **resources):
    return {
        "name": name, "tasks": tasks, "min_tasks": least, "placed_tasks": placed,
        "resources": resources,
    }  # fmt: skip


def test_a_job_says_what_its_groups_want_and_how_many_run():
    groups = [a_group("ps", 2, 2, 2, cpu=4000), a_group("worker", 8, 3, 5, gpu=1000)]
    job = {"groups": groups, "tasks": 10, "min_tasks": 5, "placed_tasks": 7, "resources": {}}
    assert wants(a_job(**job)) == "ps 2 x cpu 4; worker 3-8 x gpu 1"
    assert _placed(job) == "7 of 10 tasks (ps 2 of 2, worker 5 of 8)"
    elastic = {**job, "groups": [a_group("task", 8, 3, 5, gpu=1000)], "tasks": 8, "min_tasks": 3}
    assert wants(a_job(**elastic)) == "3-8 x gpu 1"
    assert _placed({**elastic, "placed_tasks": 5}) == "5 of 8 tasks"
    assert _placed({**elastic, "placed_tasks": 0}) is None


def test_a_job_says_where_its_tasks_may_go():
    constraints = {
        "selector": {"ssd": None, "model": ["a", "b"]},
        "tolerations": [{"key": "spot", "value": None}, {"key": "for", "value": "vision"}],
        "anti_affinity": {"level": "rack", "key": "db"},
        "required_level": "zone",
        "preferred_level": None,
        "strategy": "pack",
        "clusters": ["east", "west"],
    }
    job = {"constraints": constraints}
    assert _only_on(job) == (
        "model=a|b, ssd of any value, tolerates spot, tolerates for=vision, first east, then west"
    )
    assert _together(job) == (
        "in one zone, each on a rack of its own from all with key db, strategy pack"
    )
    assert _only_on({"constraints": None}) is _together({"constraints": None}) is None
