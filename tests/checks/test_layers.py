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
FOR_TYPES = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import {}"
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
    """Make a module of one line. A new one: existing ones may be read where they are installed."""
    module = tree / path
    folder = module.parent
    made_folder = not folder.exists()
    folder.mkdir(exist_ok=True)
    if made_folder:
        (folder / "__init__.py").touch()
    module.write_text(f"{line}\n")
    yield
    if made_folder:
        shutil.rmtree(folder)
    else:
        module.unlink()


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
            "common-layers",
            "evenflow/common/ports/planted.py",
            "import evenflow.common.adapters.nats.streams",
            id="a port: an adapter",
        ),
        pytest.param(
            "common-layers", "evenflow/common/utils/planted.py", "", id="a folder of no layer"
        ),
        pytest.param(
            "domain-rooms",
            "evenflow/common/domain/nodes/planted.py",
            "import evenflow.common.domain.jobs.job",
            id="nodes: jobs",
        ),
        pytest.param(
            "domain-rooms",
            "evenflow/common/domain/state/planted.py",
            "import evenflow.common.domain.fold.fold",
            id="the state: the fold",
        ),
        pytest.param(
            "domain-rooms",
            "evenflow/common/domain/queues/planted.py",
            "import evenflow.common.domain.quotas.quota",
            id="queues: quotas, beside them",
        ),
        pytest.param(
            "domain-rooms",
            "evenflow/common/domain/planted/__init__.py",
            "",
            id="a folder in no list of the domain",
        ),
        pytest.param(
            "domain-rooms",
            "evenflow/common/domain/planted.py",
            "",
            id="a file in no list of the domain",
        ),
        pytest.param(
            "contract-rooms",
            "evenflow/common/contracts/planted.py",
            "",
            id="a file in no list of contracts",
        ),
        pytest.param(
            "port-rooms",
            "evenflow/common/ports/planted.py",
            "",
            id="a file in no list of ports",
        ),
        pytest.param(
            "adapter-rooms",
            "evenflow/common/adapters/nats/planted.py",
            "import evenflow.common.adapters.log.reader",
            id="NATS: the log",
        ),
        pytest.param(
            "adapter-rooms",
            "evenflow/common/adapters/simulated/planted.py",
            "import evenflow.common.adapters.local.machine",
            id="the simulated fleet: this machine",
        ),
        pytest.param(
            "adapter-rooms",
            "evenflow/common/adapters/planted/__init__.py",
            "",
            id="a folder in no list of adapters",
        ),
        pytest.param(
            "bare-runner",
            "evenflow/common/adapters/local/runner/planted.py",
            "import structlog",
            id="a bare runner: a library",
        ),
        pytest.param(
            "runtime-rooms",
            "evenflow/common/runtime/settings/planted.py",
            "import evenflow.common.runtime.process.service",
            id="settings: the process",
        ),
        pytest.param(
            "runtime-rooms",
            "evenflow/common/runtime/planted/__init__.py",
            "",
            id="a folder in no list of the runtime",
        ),
        pytest.param(
            "settings-rooms",
            "evenflow/common/runtime/settings/sections/planted.py",
            "import evenflow.common.runtime.settings.sources",
            id="sections: who reads them",
        ),
        pytest.param(
            "testing-rooms",
            "evenflow/common/testing/servers/planted.py",
            "import evenflow.common.testing.shard",
            id="servers: a shard",
        ),
        pytest.param(
            "testing-rooms",
            "evenflow/common/testing/planted/__init__.py",
            "",
            id="a folder in no list for tests",
        ),
        pytest.param(
            "service-layers",
            "evenflow/policy_engine/core/planted.py",
            "import evenflow.policy_engine.handlers",
            id="a core: its handlers",
        ),
        pytest.param(
            "client-below-command",
            "evenflow/client/discovery/planted.py",
            "import evenflow.cli.launcher.layout.state_file",
            id="the client: the command",
        ),
        pytest.param(
            "client-rooms",
            "evenflow/client/models/planted.py",
            "import evenflow.client.requests.call",
            id="a type of the client: a request",
        ),
        pytest.param(
            "client-rooms",
            "evenflow/client/utils/planted.py",
            "",
            id="a room of the client that is not in the list",
        ),
        pytest.param(
            "cli-rooms",
            "evenflow/cli/display/planted.py",
            "import evenflow.cli.inputs.options",
            id="how things look: what is typed",
        ),
        pytest.param(
            "command-rooms",
            "evenflow/cli/commands/jobs/planted.py",
            "import evenflow.cli.commands.queues.queue",
            id="a command: one of another kind",
        ),
        pytest.param(
            "launcher-rooms",
            "evenflow/cli/launcher/layout/planted.py",
            "import evenflow.cli.launcher.process.child",
            id="a layout: a process",
        ),
        pytest.param(
            "binder-rooms",
            "evenflow/binder/metrics.py",
            "import evenflow.binder.term",
            id="what a term works with: the term",
        ),
        pytest.param(
            "binder-rooms",
            "evenflow/binder/orders.py",
            FOR_TYPES.format("evenflow.binder.dispatcher"),
            id="a circle for types only",
        ),
        pytest.param(
            "binder-core-rooms",
            "evenflow/binder/core/desired.py",
            "import evenflow.binder.core.reconciler",
            id="what is desired: who compares it",
        ),
        pytest.param(
            "exporter-rooms",
            "evenflow/exporter/adapters/planted.py",
            "import evenflow.exporter.sampler",
            id="an adapter: the sampler",
        ),
        pytest.param(
            "exporter-core-rooms",
            "evenflow/exporter/core/totals.py",
            "import evenflow.exporter.core.line_protocol",
            id="counters: how they are written",
        ),
        pytest.param(
            "aggregator-rooms",
            "evenflow/usage_aggregator/adapters/planted.py",
            "import evenflow.usage_aggregator.term",
            id="a store of usage: the term",
        ),
        pytest.param(
            "aggregator-core-rooms",
            "evenflow/usage_aggregator/core/series.py",
            "import evenflow.usage_aggregator.core.groups",
            id="series: their groups",
        ),
        pytest.param(
            "simulator-rooms",
            "evenflow/simulator/html/planted.py",
            "import evenflow.simulator.replay.report.terminal",
            id="drawing: replay",
        ),
        pytest.param(
            "replay-rooms",
            "evenflow/simulator/replay/recording/planted.py",
            "import evenflow.simulator.replay.replay_log",
            id="a recorded log: its replay",
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
