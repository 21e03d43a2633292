"""The check of rooms finds each thing it forbids, and nothing in a tree that keeps the rules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.checks.modules import read_modules
from tools.checks.rooms import MEDIAN_LINES, MOST_LINES, MOST_MODULES, check, main, summary

ROOT = Path(__file__).resolve().parents[2]
HOUSE = "libs/inn/src/evenflow/inn"
SAID = '"""What guests may expect of the room, and who cleans it."""\n'
CONTRACT = """
[[tool.importlinter.contracts]]
name = "{package}"
type = "layers"
containers = ["{package}"]
layers = {layers}
exhaustive = true
"""


def a_contract(package: str, *layers: str) -> str:
    return CONTRACT.format(package=package, layers=list(layers))


CONTRACTS = (
    "[tool.importlinter]\n"
    + a_contract("evenflow", "inn")
    + a_contract("evenflow.inn", "kitchen", "(cellar)")
)


@pytest.fixture
def tree(tmp_path):
    """A house of two rooms that keeps every rule."""
    plant(tmp_path, f"{HOUSE}/__init__.py", SAID)
    plant(tmp_path, f"{HOUSE}/kitchen/__init__.py", SAID)
    plant(tmp_path, f"{HOUSE}/kitchen/soup.py", "from evenflow.inn.cellar import wine\n")
    plant(tmp_path, f"{HOUSE}/cellar/__init__.py", SAID)
    plant(tmp_path, f"{HOUSE}/cellar/wine.py", "")
    plant(tmp_path, "pyproject.toml", CONTRACTS)
    return tmp_path


def plant(tree: Path, path: str, text: str) -> None:
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)


def found(tree: Path) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in check(tree, read_modules(tree))]


def test_a_tree_that_keeps_the_rules_has_no_findings(tree, capsys):
    assert main([str(tree)]) == 0
    assert capsys.readouterr().out == (
        "rooms: 5 modules in 3 packages; median 1 lines, nine of ten up to 1, longest 1; "
        "0 findings\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("import evenflow.inn.kitchen.soup", id="a plain import"),
        pytest.param("from evenflow.inn.kitchen import soup", id="from its package"),
        pytest.param("from evenflow.inn.kitchen.soup import bowl", id="a name of it"),
        pytest.param("from ..kitchen import soup", id="counted in dots"),
        pytest.param("from ..kitchen.soup import bowl", id="a name of it, counted in dots"),
        pytest.param("def f():\n    from evenflow.inn.kitchen import soup", id="in a function"),
        pytest.param(
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from evenflow.inn.kitchen import soup",
            id="for types only",
        ),
    ],
)
def test_a_circle_is_found_however_it_is_closed(tree, line):
    plant(tree, f"{HOUSE}/cellar/wine.py", line)

    assert found(tree) == [("circle", f"{HOUSE}/cellar/wine.py")]


def test_a_circle_is_printed_with_its_files_and_lines(tree, capsys):
    plant(tree, f"{HOUSE}/cellar/wine.py", "\nfrom evenflow.inn.kitchen import soup\n")

    assert main([str(tree)]) == 1
    assert (
        f"{HOUSE}/cellar/wine.py: [circle] 2 modules import each other:\n"
        f"    {HOUSE}/cellar/wine.py:2 imports evenflow.inn.kitchen.soup\n"
        f"    {HOUSE}/kitchen/soup.py:1 imports evenflow.inn.cellar.wine\n"
    ) in capsys.readouterr().out


def test_each_circle_is_found_once_and_a_path_between_two_is_none(tree):
    for one, others in {"a": "b", "b": "ac", "c": "d", "d": "c", "e": "a"}.items():
        lines = [f"import evenflow.inn.cellar.{other}" for other in others]
        plant(tree, f"{HOUSE}/cellar/{one}.py", "\n".join(lines))

    assert found(tree) == [
        ("circle", f"{HOUSE}/cellar/a.py"),
        ("circle", f"{HOUSE}/cellar/c.py"),
    ]


def test_a_folder_with_too_many_modules_is_found(tree):
    for number in range(MOST_MODULES - 2):  # beside `__init__` and `wine`
        plant(tree, f"{HOUSE}/cellar/cask_{number}.py", "")
    assert found(tree) == []

    plant(tree, f"{HOUSE}/cellar/cask.py", "")
    assert found(tree) == [("crowded", f"{HOUSE}/cellar")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("import os\n", id="no docstring"),
        pytest.param('"""Evenflow: the cellar of the inn, as a folder."""', id="a placeholder"),
        pytest.param('"""The cellar."""', id="its name again"),
    ],
)
def test_a_room_that_does_not_say_what_it_is_for_is_found(tree, text):
    plant(tree, f"{HOUSE}/cellar/__init__.py", text)

    assert found(tree) == [("docstring", f"{HOUSE}/cellar/__init__.py")]


def test_a_folder_without_an_init_is_found(tree):
    plant(tree, f"{HOUSE}/attic/dust.py", "")

    assert found(tree) == [("docstring", f"{HOUSE}/attic")]


@pytest.mark.parametrize(
    "path",
    [
        f"{HOUSE}/cellar/wine.py",
        "libs/inn/tests/test_inn.py",
        "tests/integration/test_inn.py",
        "tools/checks/inn.py",
    ],
)
def test_a_file_that_is_too_long_is_found_be_it_source_or_test(tree, path):
    plant(tree, "tools/checks/__init__.py", SAID)
    plant(tree, path, "\n" * MOST_LINES)
    assert ("long", path) not in found(tree)

    plant(tree, path, "\n" * (MOST_LINES + 1))
    assert ("long", path) in found(tree)


def test_files_that_are_long_in_sum_are_found(tree):
    for number in range(6):  # more than half of all
        plant(tree, f"{HOUSE}/cellar/cask_{number}.py", "\n" * (MEDIAN_LINES + 1))
    assert found(tree) == [("long", "source")]

    for number in range(2):  # more than one of ten
        plant(tree, f"{HOUSE}/cellar/cask_{number}.py", "\n" * MOST_LINES)
    assert found(tree) == [("long", "source")] * 2
    assert "median 91 lines, nine of ten up to 350, longest 350" in summary(read_modules(tree))


@pytest.mark.parametrize(
    "contracts",
    [
        pytest.param(a_contract("evenflow.inn", "kitchen"), id="a list without it"),
        pytest.param(
            a_contract("evenflow.barn", "kitchen", "cellar"), id="a list of another package"
        ),
        pytest.param(
            a_contract("evenflow.inn", "kitchen") + 'exhaustive_ignores = ["cellar"]',
            id="a list that excuses it",
        ),
    ],
)
def test_a_room_that_no_list_names_is_found(tree, contracts):
    planted = "[tool.importlinter]\n" + a_contract("evenflow", "inn") + contracts
    plant(tree, "pyproject.toml", planted)

    assert found(tree) == [("contract", HOUSE)]
    assert "cellar" in check(tree, read_modules(tree))[0].what


def test_a_list_that_may_forget_rooms_counts_for_nothing(tree):
    plant(tree, "pyproject.toml", CONTRACTS.replace("exhaustive = true", ""))

    assert found(tree) == [("contract", "evenflow"), ("contract", HOUSE)]


@pytest.mark.parametrize("package", ["evenflow.*", "evenflow.inn", "**.inn"])
@pytest.mark.parametrize("layers", [["kitchen | cellar"], ["kitchen : (cellar)"]])
def test_lists_are_read_as_import_linter_reads_them(tree, package, layers):
    plant(
        tree,
        "pyproject.toml",
        "[tool.importlinter]\n" + a_contract("evenflow", "inn") + a_contract(package, *layers),
    )

    assert found(tree) == []


def test_the_task_runs_it_and_fails_with_it(tree):
    task = (ROOT / "Makefile").read_text().partition("\nlayers:")[2].partition("\n\n")[0]
    assert "-m tools.checks.rooms" in task

    plant(tree, f"{HOUSE}/attic/dust.py", "")
    done = subprocess.run(
        [sys.executable, "-m", "tools.checks.rooms", tree],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "[docstring]" in done.stdout
