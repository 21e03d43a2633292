"""What a job may say to its executor, and how the rest is refused."""

import pytest

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.executor_config import (
    LocalConfig,
    SimulatedConfig,
    local_config,
    simulated_config,
)


def test_a_command_is_a_program_with_its_arguments():
    config = {"command": ["a", "b c"], "env": {"X": "1"}, "working_directory": "/srv"}
    assert local_config(config) == LocalConfig(("a", "b c"), {"X": "1"}, "/srv")


def test_a_command_that_is_one_text_goes_to_the_shell():
    assert local_config({"command": "a | b"}).argv == ("/bin/sh", "-c", "a | b")


def test_a_simulated_run_lasts_one_second_and_succeeds_unless_told_otherwise():
    assert simulated_config({}) == SimulatedConfig(1_000_000, 0)
    assert simulated_config({"run_seconds": 0.25, "exit_code": 3}) == SimulatedConfig(250_000, 3)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        pytest.param({}, "command", id="no command"),
        pytest.param({"command": []}, "command", id="empty command"),
        pytest.param({"command": "  "}, "command", id="blank text"),
        pytest.param({"command": [""]}, "command[0]", id="no program"),
        pytest.param({"command": ["a", 1]}, "command[1]", id="an argument that is no text"),
        pytest.param({"command": ["a\0b"]}, "command[0]", id="a zero byte"),
        pytest.param({"command": ["\ud800"]}, "command[0]", id="half a character"),
        pytest.param({"command": ["a", "x" * 200_000]}, "command[1]", id="an endless argument"),
        pytest.param({"command": ["x" * 100_000] * 11}, "command", id="too much altogether"),
        pytest.param({"command": {"a": 1}}, "command", id="a mapping"),
        pytest.param({"command": ["a"], "env": ["X=1"]}, "env", id="env as a list"),
        pytest.param({"command": ["a"], "env": {"1X": ""}}, "env", id="a bad name"),
        pytest.param({"command": ["a"], "env": {"X": 1}}, "env.X", id="a value that is no text"),
        pytest.param(
            {"command": ["a"], "working_directory": "b"}, "working_directory", id="a relative path"
        ),
        pytest.param({"command": ["a"], "image": "b"}, "image", id="an unknown key"),
    ],
)
def test_a_bad_local_config_names_its_field(config, field):
    with pytest.raises(InvalidValue) as caught:
        local_config(config)
    assert caught.value.field == f"executor_config.{field}"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        pytest.param({"run_seconds": -1}, "run_seconds", id="negative"),
        pytest.param({"run_seconds": float("nan")}, "run_seconds", id="not a number"),
        pytest.param({"run_seconds": float("inf")}, "run_seconds", id="endless"),
        pytest.param({"run_seconds": "1"}, "run_seconds", id="text"),
        pytest.param({"run_seconds": True}, "run_seconds", id="a truth value"),
        pytest.param({"exit_code": 256}, "exit_code", id="above 255"),
        pytest.param({"exit_code": 1.0}, "exit_code", id="a float"),
        pytest.param({"command": ["a"]}, "command", id="an unknown key"),
    ],
)
def test_a_bad_simulated_config_names_its_field(config, field):
    with pytest.raises(InvalidValue) as caught:
        simulated_config(config)
    assert caught.value.field == f"executor_config.{field}"
