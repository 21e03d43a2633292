"""The changes under `examples/` apply to this tree, and what they bring passes every check."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.checks.modules import read_modules
from tools.checks.rooms import check

ROOT = Path(__file__).resolve().parents[2]
CHANGES = sorted(path.parent for path in ROOT.glob("examples/*/change.diff"))
DISTRIBUTIONS = sorted(path.parent for path in ROOT.glob("examples/*/pyproject.toml"))
LINT_IMPORTS = """
import os, sys
from importlinter.cli import lint_imports_command
here = os.getcwd()  # else it would read modules of this tree as well: the namespace is both
sys.path[:] = [path for path in sys.path if path.startswith(here) or not path.endswith("/src")]
lint_imports_command()
"""
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "evenflow-data")


def touched(change: Path) -> list[str]:
    """Return the files of a change, in the order of the patch."""
    return re.findall(r"^\+\+\+ b/(.+)$", (change / "change.diff").read_text(), re.MULTILINE)


@pytest.fixture(scope="module", params=CHANGES, ids=lambda change: change.name)
def changed(request, tmp_path_factory) -> tuple[Path, list[str]]:
    """A copy of the tree with the change, drawn anew, and the files of the change."""
    tree = tmp_path_factory.mktemp(request.param.name) / "tree"
    shutil.copytree(ROOT, tree, ignore=IGNORED)
    subprocess.run(["git", "apply", request.param / "change.diff"], cwd=tree, check=True)
    passes(tree, "-m", "tools.docs")
    return tree, touched(request.param)


def passes(tree: Path, *words: str) -> None:
    """Run a program of the environment on the copy, and its modules before all others."""
    sources = [tree, *tree.glob("*/*/src")]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def listed(example: Path) -> list[str]:
    """Return the files in the table of an example's page."""
    return re.findall(r"^\| `([^`]+)` \|", (example / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_the_page_lists_the_files_that_are_touched(change):
    assert sorted(listed(change)) == sorted(touched(change))


@pytest.mark.parametrize("example", DISTRIBUTIONS, ids=lambda example: example.name)
def test_the_page_lists_the_files_of_a_distribution_and_its_tests(example):
    files = [example / "pyproject.toml", *example.rglob("*.py")]
    missing = {str(file.relative_to(ROOT)) for file in files} - set(listed(example))

    assert missing == set()
    assert any(Path(file).name.startswith("test_") for file in listed(example))


def test_contributors_are_shown_every_example():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    shown = re.findall(r"<!-- example:begin ([\w-]+) -->", page)

    assert sorted(shown) == sorted(example.name for example in (*CHANGES, *DISTRIBUTIONS))


def test_the_pages_and_schemas_are_drawn_with_it(changed):
    passes(changed[0], "-m", "tools.docs", "--check")


def test_its_own_tests_pass(changed):
    tree, files = changed
    tests = [file for file in files if Path(file).name.startswith("test_")]

    assert tests, "brings no test"
    passes(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


def test_its_files_keep_the_style(changed):
    tree, files = changed
    sources = [file for file in files if file.endswith(".py")]
    passes(tree, "-m", "ruff", "check", "--no-cache", *sources)
    passes(tree, "-m", "ruff", "format", "--no-cache", "--check", *sources)


def test_it_keeps_the_contracts_and_decides_alike_everywhere(changed):
    passes(changed[0], "-c", LINT_IMPORTS, "--no-cache")
    passes(changed[0], "-m", "tools.checks.determinism")


def test_it_brings_nothing_that_the_check_of_rooms_finds(changed):
    assert set(findings(changed[0])) <= set(findings(ROOT))


def findings(root: Path) -> list[tuple[str, str]]:
    return [(each.rule, each.where) for each in check(root, read_modules(root))]
