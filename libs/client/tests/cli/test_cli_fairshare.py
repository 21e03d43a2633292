"""`evenflow fairshare` by its real command line; no system runs, and the guide's figures hold."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evenflow.cli.main import app

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "fair-share.md"
CASE = """
total: {gpu: 9, cpu: 10}
k_value: 0
queues:
  - {name: team, resources: {gpu: {deserved: 3}, cpu: {}}}
  - {name: a, parent: team, resources: {gpu: {request: 8, usage: 0.5}, cpu: {request: 4}}}
  - {name: b, resources: {gpu: {request: 8}}}
"""


def run(*arguments: str, text: str | None = None):
    return CliRunner().invoke(app, ["fairshare", *arguments], input=text)


def shares(*arguments: str, text: str = CASE) -> dict[str, dict[str, float]]:
    result = run("-f", "-", "--json", *arguments, text=text)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["fair_share"]


def test_json_has_every_queue_and_resource_and_what_remained() -> None:
    result = run("-f", "-", "--json", text=CASE)
    assert json.loads(result.stdout) == {
        "fair_share": {
            "team": {"gpu": 6, "cpu": 4},
            "a": {"gpu": 6, "cpu": 4},
            "b": {"gpu": 3, "cpu": 0},
        },
        "remaining": {"gpu": 0, "cpu": 6},
    }


def test_k_of_the_command_line_beats_the_file() -> None:
    said = CASE.replace("{deserved: 3}", "{deserved: 3, usage: 0.5}")
    assert shares(text=said)["b"]["gpu"] == 3
    assert shares("--k", "1", text=said)["b"]["gpu"] == pytest.approx(6 * 1.0 / 1.5)


def test_modes_and_rounding_are_options() -> None:
    odd = CASE.replace("gpu: 9", "gpu: 10")
    assert shares(text=odd)["b"]["gpu"] == 3.5
    assert shares("--round", text=odd)["b"]["gpu"] == 4  # "b" comes before "team"
    assert shares("--mode", "kai", text=odd)["b"]["gpu"] == 4


def test_a_table_indents_children_and_draws_bars() -> None:
    result = run("-f", "-", text=CASE)
    assert "gpu: 9 in total, 0 left over" in result.stdout
    assert "cpu: 10 in total, 6 left over" in result.stdout
    assert re.search(r"^  a +6 +▒{16}·{8} ", result.stdout, re.MULTILINE)
    assert re.search(r"^team +6 +█{8}▒{8}·{8} ", result.stdout, re.MULTILINE)


def test_promises_beyond_the_total_are_a_warning_in_kai_mode() -> None:
    said = "{total: {gpu: 2}, queues: [{name: a, resources: {gpu: {deserved: 5, request: 5}}}]}"
    result = run("-f", "-", "--mode", "kai", text=said)
    assert result.exit_code == 0
    assert "more than there is: 5" in result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", "it is empty", id="empty"),
        pytest.param("total: [", "is not YAML at line", id="no YAML"),
        pytest.param("\x00", "is not YAML", id="no text"),
        pytest.param("[" * 5000, "is not YAML", id="far too deep"),
        pytest.param("total: {gpu: 1, gpu: 2}", "'gpu' stands on line 1 already", id="key twice"),
        pytest.param("a: &a {}\nb: {<<: [*a, *a]}", "merge keys (<<) are not", id="merged"),
        pytest.param("#" * 8_000_001, "is longer than 8000000 characters", id="far too long"),
        pytest.param("a: &a [x]\n" + "".join(f"a{i}: &a{i} [{'*a, ' * 9}]\n" for i in range(3))
                     + "total: *a2", "total: [[…], […], […], …] must be a mapping", id="a bomb"),
        pytest.param("a: 1", "'a' is no field of it", id="something else"),
        pytest.param(CASE.replace("parent: team", "parent: b").replace(
            "{name: b,", "{name: b, parent: a,"), "parents form a cycle: a -> b -> a", id="cycle"),
        pytest.param(CASE.replace("k_value: 0", "k_value: -1"), "k_value: -1", id="k below 0"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_exit_code_2(text: str, told: str) -> None:
    result = run("-f", "-", text=text)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("error: ")
    assert told in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words", [("--k", "-1"), ("--k", "nan"), ("--mode", "fair")])
def test_options_that_make_no_sense_are_refused(words: tuple[str, ...]) -> None:
    result = run("-f", "-", *words, text=CASE)
    assert result.exit_code == 2
    assert f"{words[0]}: " in result.stderr


def test_a_file_that_is_not_there_is_refused() -> None:
    result = run("-f", "/nowhere.yaml")
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def examples() -> Iterator[tuple[str, list[str], str]]:
    """The guide's cases, command lines and what it says they print."""
    case = ""
    for kind, body in re.findall(
        r"^```(\w+)\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL
    ):
        if kind == "yaml":
            case = body
        for command, printed in re.findall(
            r"^\$ evenflow fairshare (.*)\n((?:[^$].*\n)*)", body, re.MULTILINE
        ):
            yield case, command.split(), printed


@pytest.mark.parametrize(("case", "arguments", "printed"), list(examples()))
def test_the_guide_prints_what_it_says(
    case: str, arguments: list[str], printed: str, tmp_path: Path
) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(case)
    result = run(*(str(file) if each == "case.yaml" else each for each in arguments))
    assert result.exit_code == 0, result.output
    assert [line.rstrip() for line in result.stdout.splitlines()] == printed.splitlines()


def test_the_guide_has_examples() -> None:
    assert len(list(examples())) >= 6
