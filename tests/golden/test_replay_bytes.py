"""A recorded log is decided again byte for byte: under other hash seeds, on other Pythons."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.golden import interpreters, log_file

LOG = Path(__file__).with_name("log-0001.jsonl.gz")


def replayed(python: Path | str, hash_seed: str = "random") -> dict[str, Any]:
    done = subprocess.run(
        [python, "-m", "tests.golden.replay_log", LOG],
        cwd=interpreters.ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_same_bytes(told: dict[str, Any]) -> None:
    assert told["decisions"] == told["decided"] > 100
    assert told["differing"] == [], (
        "the core decides recorded facts otherwise than it did: if that is meant, let its version "
        "grow, run `make golden`, and review the difference"
    )


def test_the_recorded_log_holds_everything_that_can_bend_a_decision():
    entries = log_file.entries_of(log_file.read(LOG))
    kinds = {type(entry.fact).__module__.rpartition(".")[2] for entry in entries}
    decided = [e.fact for e in entries if hasattr(e.fact, "placements")]
    reasons = {change.reason.code.value for fact in decided for change in fact.reasons}
    outcomes = {
        run.outcome.value
        for entry in entries
        for run in getattr(entry.fact, "runs", ())
        if run.outcome is not None
    }

    assert kinds >= {"jobs", "runs", "cluster", "nodes", "queues", "quotas", "leader", "settings"}
    assert any(len(p.tasks) > 1 for fact in decided for p in fact.placements), "no gang"
    assert any(p.attempt > 2 for fact in decided for p in fact.placements), "no second retry"
    assert any(fact.evictions for fact in decided), "no lost node"
    assert reasons >= {"capacity", "unfittable", "queue_full", "queue_limit", "quota_gpu"}
    assert outcomes == {
        *("succeeded", "failed", "cancelled", "timeout", "lost", "refused", "stopped")
    }


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_hash_seeds_change_no_byte(hash_seed):
    assert_same_bytes(replayed(sys.executable, hash_seed))


@pytest.mark.timeout(600)  # the packages of another Python may have to be fetched
@pytest.mark.parametrize("version", interpreters.SUPPORTED)
def test_no_supported_python_changes_a_byte(version, tmp_path):
    python = interpreters.find(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    if python != Path(sys.executable):
        uv = interpreters.find_uv()
        if uv is None:
            pytest.skip("no uv to make an environment with: run `make setup`")
        python = interpreters.environment(python, uv, tmp_path / "venv")

    told = replayed(python)

    assert told["python"].startswith(f"{version}.")
    assert_same_bytes(told)
