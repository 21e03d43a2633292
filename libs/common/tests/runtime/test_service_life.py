"""The life of a service, seen from outside: real processes, real signals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

DEMO = Path(__file__).with_name("demo_service.py")


class Demo:
    def __init__(self, process: subprocess.Popen[str], status_file: Path, errors: Path) -> None:
        self.process = process
        self._status_file = status_file
        self._errors = errors

    @property
    def url(self) -> str:
        until = time.monotonic() + 20
        while not self._status_file.exists():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.02)
        return str(json.loads(self._status_file.read_text())["url"])

    @property
    def log(self) -> str:
        return self._errors.read_text()

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.splitlines()]

    def ends(self) -> int:
        return self.process.wait(timeout=15)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, pass_fds: tuple[int, ...] = (), **environment: str) -> Demo:
        status, errors = tmp_path / "demo.json", tmp_path / "stderr"
        with errors.open("w") as sink:
            process = subprocess.Popen(
                [sys.executable, str(DEMO), *arguments],
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
                cwd=tmp_path,
                pass_fds=pass_fds,
                env={
                    **os.environ,
                    "EVENFLOW_STATUS_FILE": str(status),
                    "EVENFLOW_LOG__FORMAT": "json",
                    **environment,
                },
            )
        started.append(process)
        return Demo(process, status, errors)

    yield run
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.mark.parametrize(
    ("number", "told"),
    [
        pytest.param(signal.SIGTERM, "SIGTERM jobs=False", id="SIGTERM leaves the work running"),
        pytest.param(signal.SIGINT, "SIGINT jobs=True", id="SIGINT stops the work too"),
    ],
)
def test_a_signal_drains_the_service_and_it_exits_with_0(
    start: Callable[..., Demo], tmp_path: Path, number: signal.Signals, told: str
) -> None:
    demo = start(DEMO_DRAINED=str(tmp_path / "drained"))
    assert httpx.get(f"{demo.url}/readyz").status_code == 200
    demo.process.send_signal(number)
    assert demo.ends() == 0
    assert (tmp_path / "drained").read_text() == told


def test_a_crashed_task_tells_its_story_and_the_service_exits_with_1(
    start: Callable[..., Demo],
) -> None:
    demo = start(DEMO="crash")
    assert demo.ends() == 1
    failures = [line for line in demo.lines() if line["event"] == "task_failed"]
    assert [line["task"] for line in failures] == ["fold"]
    assert failures[0]["story"] == ["first at 7", "again at 9"]
    assert failures[0]["service"] == "demo"


def test_a_service_ends_when_its_supervisor_is_gone(
    start: Callable[..., Demo], tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    demo = start(
        pass_fds=(reading,), EVENFLOW_LEASH_FD=str(reading), DEMO_DRAINED=str(tmp_path / "drained")
    )
    os.close(reading)
    assert httpx.get(f"{demo.url}/healthz").status_code == 200
    os.close(writing)  # what the kernel does to a supervisor that was killed
    assert demo.ends() == 0
    assert (tmp_path / "drained").read_text() == "supervisor gone jobs=False"


def test_a_drain_that_overruns_is_cut_off_and_told(start: Callable[..., Demo]) -> None:
    demo = start(DEMO="hang", DEMO_LIMIT="0.2")
    assert demo.url
    demo.process.terminate()
    assert demo.ends() == 1
    assert "drain_overran" in {line["event"] for line in demo.lines()}


def test_a_second_signal_cuts_the_drain_short(start: Callable[..., Demo]) -> None:
    demo = start(DEMO="hang", DEMO_LIMIT="60")
    assert demo.url
    demo.process.terminate()
    until = time.monotonic() + 10
    while httpx.get(f"{demo.url}/readyz").json()["status"] != "stopping":
        assert time.monotonic() < until
    demo.process.terminate()
    assert demo.ends() == 1


def test_a_service_that_returns_by_itself_ends(start: Callable[..., Demo]) -> None:
    assert start(DEMO="return").ends() == 0


def test_status_names_the_process_and_metrics_carry_the_prefix(start: Callable[..., Demo]) -> None:
    demo = start()
    status = httpx.get(f"{demo.url}/status").json()
    assert status["pid"] == demo.process.pid
    assert (status["service"], status["state"], status["url"]) == ("demo", "ready", demo.url)
    metrics = httpx.get(f"{demo.url}/metrics").text
    assert 'evenflow_build_info{service="demo",shard="main"' in metrics
    assert "evenflow_ready 1.0" in metrics


def test_bad_settings_are_all_told_at_once_and_the_exit_code_is_2(
    start: Callable[..., Demo], tmp_path: Path
) -> None:
    config = tmp_path / "evenflow.yaml"
    config.write_text("usage:\n  pollInterval: -5s\n  halflife: 3h\nclusters: local\n")
    demo = start("--config", str(config), EVENFLOW_GATEWAY__PORT="99999")
    assert demo.ends() == 2
    for part in ("usage.poll_interval", "'-5s'", "half_life", "gateway.port", "cluster?"):
        assert part in demo.log


def test_check_config_only_judges(start: Callable[..., Demo]) -> None:
    demo = start("--check-config")
    assert demo.ends() == 0
    assert demo.log == ""


def test_a_taken_health_port_is_an_error_that_names_it(start: Callable[..., Demo]) -> None:
    first = start()
    port = first.url.rpartition(":")[2]
    second = start(EVENFLOW_BIND__PORT=port)
    assert second.ends() == 1
    assert port in str(second.lines()[-1]["reason"])
