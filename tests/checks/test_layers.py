"""The import contracts of pyproject.toml fail when somebody breaks them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.checks.planted import PLANTED

ROOT = Path(__file__).resolve().parents[2]
# Where distributions are installed from their sources, those are on the path behind the copy, and
# which of two files of one module is read would be chance.
COMMAND = """
import sys
sys.path = [place for place in sys.path if not place.endswith("/src")]
from importlinter.cli import lint_imports_command
lint_imports_command()
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """All of `evenflow` as one tree, to plant things in."""
    tree = tmp_path_factory.mktemp("copied")
    for source in (
        *ROOT.glob("libs/*/src"),
        *ROOT.glob("services/*/src"),
        *ROOT.glob("tools/*/src"),
    ):
        shutil.copytree(
            source, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def lint_imports(tree: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "--no-cache", *chosen],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def planted(tree: Path, path: str, line: str) -> Iterator[None]:
    """Add a line to a module, which is made when it is not there."""
    module = tree / path
    folder = module.parent
    made_folder = not folder.exists()
    folder.mkdir(exist_ok=True)
    if made_folder:
        (folder / "__init__.py").touch()
    before = module.read_text() if module.exists() and not made_folder else None
    module.write_text(f"{before or ''}\n{line}\n")
    yield
    if made_folder:
        shutil.rmtree(folder)
    elif before is None:
        module.unlink()
    else:
        module.write_text(before)


def test_the_tree_as_it_is_keeps_every_contract(copied):
    result = lint_imports(copied)

    assert result.returncode == 0, result.stdout
    assert " 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("contract", "path", "line"),
    [pytest.param(*plant, id=claim) for *plant, claim in PLANTED],
)
def test_a_planted_import_breaks_its_contract(copied, contract, path, line):
    with planted(copied, path, line):
        result = lint_imports(copied, contract)

    assert result.returncode == 1, result.stdout
    assert " 1 broken" in result.stdout
