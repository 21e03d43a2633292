"""The import contracts of pyproject.toml fail when somebody breaks them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", *chosen],
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
    before = module.read_text() if module.exists() else None
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
    [
        pytest.param(
            "pure",
            "evenflow/common/domain/planted.py",
            "import pydantic",
            id="the domain: pydantic",
        ),
        pytest.param(
            "pure", "evenflow/exporter/core/planted.py", "import asyncio", id="a core: asyncio"
        ),
        pytest.param(
            "pure",
            "evenflow/policy_engine/core/planted.py",
            "import evenflow.common.contracts.codec",
            id="a core: the wire",
        ),
        pytest.param(
            "pure",
            "evenflow/gateway/quotas/rules/planted.py",
            "import evenflow.gateway.edge.problems",
            id="rules of a noun: the edge, which knows pydantic",
        ),
        pytest.param(
            "pure",
            "evenflow/gateway/values/planted.py",
            "import structlog",
            id="plain values: structlog",
        ),
        pytest.param(
            "gateway-rooms",
            "evenflow/gateway/queues/planted.py",
            "import evenflow.gateway.jobs.documents",
            id="a noun: another one above it",
        ),
        pytest.param(
            "gateway-rooms",
            "evenflow/gateway/gateway.py",
            "import evenflow.gateway.jobs.commands",
            id="the container: a part of a noun",
        ),
        pytest.param(
            "gateway-rooms",
            "evenflow/gateway/usage/planted.py",
            "import evenflow.gateway.jobs.documents",
            id="a noun: one beside it",
        ),
        pytest.param(
            "gateway-rooms", "evenflow/gateway/utils/planted.py", "", id="a room of no layer"
        ),
        pytest.param(
            "common-layers",
            "evenflow/common/ports/planted.py",
            "import evenflow.common.adapters.nats.streams",
            id="a port: an adapter",
        ),
        pytest.param(
            "common-layers", "evenflow/common/utils/planted.py", "", id="a folder of no layer"
        ),
        pytest.param(
            "service-layers",
            "evenflow/policy_engine/core/planted.py",
            "import evenflow.policy_engine.handlers",
            id="a core: its handlers",
        ),
        pytest.param(
            "independence",
            "evenflow/binder/planted.py",
            "import evenflow.policy_engine.core.cycle",
            id="a service: another service",
        ),
        pytest.param(
            "no-service-below",
            "evenflow/cli/planted.py",
            "import evenflow.gateway",
            id="the command: a service",
        ),
        pytest.param(
            "simulator",
            "evenflow/simulator/replay/planted.py",
            "import evenflow.policy_engine.handlers",
            id="the simulator: a service's handlers",
        ),
        pytest.param(
            "simulations-need-no-bus",
            "evenflow/simulator/pool/planted.py",
            "import evenflow.common.adapters.nats.streams",
            id="a simulation: nats-py through an adapter",
        ),
        pytest.param(
            "one-library-one-layer",
            "evenflow/policy_engine/planted.py",
            "import nats",
            id="a service: nats-py",
        ),
    ],
)
def test_a_planted_import_breaks_its_contract(copied, contract, path, line):
    with planted(copied, path, line):
        result = lint_imports(copied, contract)

    assert result.returncode == 1, result.stdout
    assert " 1 broken" in result.stdout
