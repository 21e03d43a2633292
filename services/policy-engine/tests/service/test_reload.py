"""Settings change without a restart: a real file, a real signal, a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenflow.common.runtime.settings import Settings, load
from evenflow.policy_engine.reload import changed_keys

PROGRAM = Path(__file__).with_name("reloading_service.py")
FIRST = "scheduler: {policy: fifo, headroom: 0.1}\nfairness: {kValue: 2}\n"


class Running:
    def __init__(self, folder: Path) -> None:
        self.config = folder / "evenflow.yaml"
        self.config.write_text(FIRST)
        self._folder = folder
        with (folder / "out").open("w") as out, (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), "--config", str(self.config)],
                stdout=out,
                stderr=log,
                cwd=folder,
                env=os.environ
                | {
                    "EVENFLOW_STATUS_FILE": str(folder / "status"),
                    "EVENFLOW_LOG__FORMAT": "json",
                },
            )
        until((folder / "status").exists)
        self.url = json.loads((folder / "status").read_text())["url"]
        until(lambda: self.reasons() == {})

    def changes(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self._folder / "out").read_text().splitlines()]

    def told(self, event: str) -> list[dict[str, Any]]:
        lines = (self._folder / "log").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def reasons(self) -> dict[str, str]:
        return dict(httpx.get(f"{self.url}/status").json()["reasons"])

    def signal(self) -> None:
        self.process.send_signal(signal.SIGHUP)


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    service = Running(tmp_path)
    yield service
    service.process.kill()
    service.process.wait()


def test_a_changed_file_is_read_by_itself(running: Running) -> None:
    running.config.write_text(FIRST.replace("fifo", "fair-tree"))
    until(running.changes)
    (change,) = running.changes()
    assert (change["policy"], change["headroom_milli"], change["k"]) == ("fair-tree", 100, 2)


def test_sighup_reads_at_once_and_what_is_the_same_is_no_change(running: Running) -> None:
    running.signal()
    until(lambda: running.told("settings_reloaded"))
    assert running.changes() == []
    running.config.write_text(FIRST.replace("kValue: 2", "k_value: 0"))
    running.signal()
    until(running.changes)
    assert running.changes()[0]["k"] == 0


def test_what_cannot_be_used_is_refused_with_all_problems_and_the_old_values_stay(
    running: Running,
) -> None:
    running.config.write_text("scheduler: {policy: gaps, headroom: 2}\nfairness: {mode: x}\n")
    running.signal()
    until(running.reasons)
    reason = running.reasons()["settings"]
    for key in (
        "scheduler.policy = 'gaps': is not known",
        "scheduler.headroom",
        "fairness.mode",
    ):
        assert key in reason
    (refused,) = running.told("reload_refused")
    assert len(refused["problems"]) == 3
    assert running.changes() == []
    running.config.write_text(FIRST)
    until(lambda: not running.reasons())
    assert running.changes() == [], "they were in use all the time"


def test_a_file_that_is_gone_is_refused(running: Running) -> None:
    running.config.unlink()
    until(running.reasons)
    assert "cannot be read" in running.reasons()["settings"]
    assert running.process.poll() is None


def test_keys_that_need_a_restart_are_named_and_the_others_change(running: Running) -> None:
    running.config.write_text(
        "scheduler: {policy: priority, interval: 5s}\nusage: {half_life: 1h}\nlog: {level: debug}\n"
    )
    running.signal()
    until(running.changes)
    (warning,) = running.told("restart_needed")
    assert warning["keys"] == ["scheduler.interval", "usage.half_life", "log.level"]
    assert running.changes()[0]["policy"] == "priority"
    running.signal()
    until(lambda: len(running.told("settings_reloaded")) == 2)
    assert len(running.told("restart_needed")) == 1, "said once"


def test_changed_keys_are_told_in_the_order_of_the_settings() -> None:
    new = load(
        environ={"EVENFLOW_SCHEDULER__MULTIFACTOR__AGE": "1", "EVENFLOW_CLUSTER": "simulated:1x1"},
        dotenv=None,
    )
    assert list(changed_keys(Settings(), new)) == ["scheduler.multifactor.age", "cluster"]
    assert list(changed_keys(new, new)) == []
