"""The command line itself: help, mistakes in typing, exit codes. No system runs here."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenflow.cli.main import app
from evenflow.cli.registry import COMMANDS

NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments), env={"EVENFLOW_URL": NOBODY, "COLUMNS": "120"})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0, result.output
    assert COMMANDS[name].help.rstrip(".")[:40] in result.output


@pytest.mark.parametrize(
    "name", [name for name, each in COMMANDS.items() if not each.target.endswith(":app")]
)
def test_help_shows_an_example(name: str) -> None:
    shown = " ".join(run(name, "--help").output.split())
    assert f"Example: evenflow {name}" in shown


@pytest.mark.parametrize(
    "words",
    [
        ("queue", "create"), ("queue", "set"), ("queue", "show"), ("queue", "delete"),
        ("queue", "enable"), ("queue", "disable"), ("quota", "show"), ("quota", "set"),
        ("nodes",), ("nodes", "cordon"), ("nodes", "uncordon"),
        ("nodes", "label"), ("nodes", "taint"),
    ],
)  # fmt: skip
def test_commands_of_groups_show_an_example(words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0
    assert "Example: evenflow" in result.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("submit",), "say what to run", id="no command"),
        pytest.param(("submit", "--time-limit", "3x", "--", "true"), "--time-limit: '3x'",
                     id="a bad duration"),
        pytest.param(("submit", "--time-limit=-1h", "--", "true"), "must not be negative",
                     id="a negative duration"),
        pytest.param(("submit", "--env", "NOVALUE", "--", "true"), "must be KEY=VALUE", id="env"),
        pytest.param(("submit", "--simulate-seconds", "5", "--", "true"), "not both",
                     id="a command that is not run"),
        pytest.param(("jobs", "--status", "done"), "must be one of pending", id="a status"),
        pytest.param(("cancel",), "say which", id="nothing to cancel"),
        pytest.param(("cancel", "1", "--all"), "not both", id="ids and filters"),
        pytest.param(("queue", "set", "a"), "say what shall change", id="nothing to change"),
        pytest.param(("queue", "create", "a", "--limit", "gpu"), "must be as cpu=4", id="a limit"),
        pytest.param(("queue", "create", "a", "--max-jobs", "-3"), "whole number", id="a count"),
        pytest.param(("apply", "-f", "/nowhere.yaml"), "No such file", id="no file"),
        pytest.param(("replay-trace", "/nowhere.swf"), "is no file", id="no log"),
        pytest.param(("status", "--url", "ftp://x"), "must be a URL", id="no url"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_exit_code_2(words: tuple[str, ...], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stdout == ""


def test_an_unknown_option_is_refused_with_exit_code_2() -> None:
    assert run("jobs", "--no-such-thing").exit_code == 2


@pytest.mark.parametrize("words", [("status",), ("jobs",), ("submit", "--", "true")])
def test_nobody_at_the_url_is_exit_code_1_and_says_what_to_do(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert NOBODY in result.stderr
    assert "evenflow up" in result.stderr


def test_a_broken_fleet_file_is_exit_code_1_with_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("queues:\n  a: {wieght: 3}\n")
    result = run("apply", "-f", str(file))
    assert result.exit_code == 1
    assert "line 2" in result.stderr
    assert "did you mean weight?" in result.stderr


def test_help_loads_neither_http_nor_yaml_nor_pydantic() -> None:
    code = (
        "import sys; from evenflow.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'httpx', 'yaml', 'pydantic', 'nats'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
