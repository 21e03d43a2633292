"""`evenflow up` seen from outside: real servers, stand-ins for the five services, real kills."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from evenflow.cli.launcher.services import SERVICES
from evenflow.client.discovery.processes import identity
from evenflow.client.discovery.running import RunningSystem, running_systems
from evenflow.common.adapters.nats.accounts.identities import IDENTITIES

UP = Path(__file__).with_name("stand_in_up.py")
FIVE = {spec.name for spec in SERVICES}


def eventually(look: Callable[[], bool], what: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.02)


class Up:
    def __init__(self, process: subprocess.Popen[str], root: Path, home: Path) -> None:
        self.process = process
        self.root = root
        self.state_dir = home / "evenflow" / "running"

    def ready_line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.told()
        return line

    def told(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def state(self) -> RunningSystem:
        (found,) = running_systems(self.state_dir)
        return found
        return found

    def pids(self) -> dict[str, int]:
        noted = json.loads((self.root / "run" / "servers.json").read_text())
        return {name: child["pid"] for name, child in noted.items()}

    def endings(self) -> list[str]:
        return (self.root / "ended").read_text().splitlines()

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=25)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def run(*options: str, root: str = "data", **environment: str) -> Up:
        process = subprocess.Popen(
            [sys.executable, str(UP), str(tmp_path / root), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "home"), **environment},
        )
        started.append(Up(process, tmp_path / root, tmp_path / "home"))
        return started[-1]

    yield run
    for system in started:
        if system.process.poll() is None:
            system.stop()
        for stream in (system.process.stdout, system.process.stderr):
            if stream:
                stream.close()


def test_a_system_starts_says_where_it_is_and_stops_in_order(up: Callable[..., Up]) -> None:
    system = up(UP_SERVICES=" ".join(FIVE))
    line = system.ready_line()
    state = system.state()
    assert state.url in line
    assert httpx.get(f"{state.url}/readyz").status_code == 200
    assert set(system.pids()) == FIVE | {"nats", "valkey"}
    assert len(set(system.pids().values())) == 7
    assert state.pid == system.process.pid
    pids = list(system.pids().values())
    began = time.monotonic()
    assert system.stop() == 0
    assert time.monotonic() - began < 20
    assert system.endings()[0] == "binder SIGINT jobs=True"
    assert sorted(system.endings()[1:]) == sorted(
        f"{name} SIGTERM jobs=False" for name in FIVE - {"binder"}
    )
    assert [pid for pid in pids if identity(pid)] == []
    assert running_systems(system.state_dir) == []
    told = system.told()
    for word in ("nats: ready", "jobs: are being stopped", "services: are draining", "stopped"):
        assert word in told


def test_jobs_are_left_running_when_asked(up: Callable[..., Up]) -> None:
    system = up("keep_jobs=1")
    system.ready_line()
    assert system.stop(signal.SIGTERM) == 0
    assert system.endings()[0] == "binder SIGTERM jobs=False"


def test_a_killed_service_or_server_comes_back_and_the_others_stay(up: Callable[..., Up]) -> None:
    system = up()
    system.ready_line()
    for victim in ("gateway", "nats"):
        before = system.pids()
        os.kill(before[victim], signal.SIGKILL)

        def restarted(victim: str = victim, before: dict[str, int] = before) -> bool:
            return system.pids().get(victim, before[victim]) != before[victim]

        eventually(restarted, f"{victim} runs again")
        after = system.pids()
        assert {name for name in after if after[name] != before[name]} == {victim}
    url = httpx.URL(system.state().nats_url.replace("nats://", "http://"))
    port = url.port
    assert port is not None

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    eventually(answers, "the broker listens on its old port")


def test_what_a_broker_has_lost_is_made_again_when_it_comes_back(up: Callable[..., Up]) -> None:
    system = up()
    system.ready_line()
    (bucket,) = (system.root / "nats" / "jetstream").rglob("streams/KV_EVENFLOW_main_leases")
    shutil.rmtree(bucket)
    os.kill(system.pids()["nats"], signal.SIGKILL)
    eventually(bucket.exists, "the bucket is there again")
    system.stop()
    assert system.told().count("nats: EVENFLOW_main: made") == 1, "what is there stays"


def test_a_service_and_a_server_that_live_and_do_not_answer_are_started_again(
    up: Callable[..., Up],
) -> None:
    system = up(EVENFLOW_SUPERVISOR__PATIENCE="2s")
    system.ready_line()
    before = system.pids()
    for name in ("binder", "valkey"):
        os.kill(before[name], signal.SIGSTOP)
    eventually(
        lambda: all(system.pids().get(name, 0) != before[name] for name in ("binder", "valkey")),
        "what is stopped is replaced",
        40,
    )
    noted = json.loads((system.root / "run" / "servers.json").read_text())
    assert noted["binder"]["restarts"] == 1
    assert "did not answer for" in noted["binder"]["reason"]
    assert system.pids()["gateway"] == before["gateway"]
    assert system.stop() == 0


def test_nothing_outlives_a_killed_supervisor_and_the_next_one_starts(
    up: Callable[..., Up],
) -> None:
    system = up()
    system.ready_line()
    pids = system.pids()
    system.process.kill()
    system.process.wait()
    eventually(lambda: not any(map(identity, pids.values())), "all children are gone", 6)
    assert running_systems(system.state_dir) == []
    assert {line.split(" ", 1)[1] for line in system.endings()} == {"supervisor gone jobs=False"}
    again = up()
    again.ready_line()
    assert again.stop() == 0


def test_a_server_left_by_a_killed_supervisor_is_ended_by_the_next(up: Callable[..., Up]) -> None:
    system = up()
    system.ready_line()
    broker = system.pids()["nats"]
    os.kill(broker, signal.SIGSTOP)  # it cannot follow its supervisor now
    system.process.kill()
    system.process.wait()
    again = up()
    again.ready_line()
    assert identity(broker) is None
    assert again.stop() == 0
    told = next(line for line in again.told().splitlines() if "killed predecessor left" in line)
    assert "nats" in told


def test_a_second_up_on_one_directory_is_refused_and_told_who_has_it(up: Callable[..., Up]) -> None:
    first = up()
    first.ready_line()
    second = up("name=other")
    assert second.process.wait(timeout=20) == 2
    told = second.told()
    assert str(first.process.pid) in told
    assert str(first.root) in told


def test_names_of_running_systems_are_unique(up: Callable[..., Up]) -> None:
    first = up("name=lab")
    first.ready_line()
    second = up("name=lab", root="elsewhere")
    assert second.process.wait(timeout=20) == 2
    assert "lab" in second.told()


def test_credentials_are_private_and_kept(up: Callable[..., Up]) -> None:
    def secrets(system: Up) -> dict[str, str]:
        files = list((system.root / "secrets").iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        return {file.name: file.read_text() for file in files}

    first = up()
    first.ready_line()
    before = secrets(first)
    assert first.stop() == 0
    second = up()
    second.ready_line()
    assert secrets(second) == before
    assert set(before) == {"redis", "token", *(f"nats-{name}" for name in IDENTITIES)}
    written = "".join(file.read_text() for file in (second.root / "logs").iterdir())
    assert not [name for name, secret in before.items() if secret.strip() in written]


@pytest.mark.parametrize(
    ("options", "environment", "told"),
    [
        pytest.param(["speed=10"], {}, "simulated cluster", id="real work has its own pace"),
        pytest.param(["cluster=simulated"], {}, "simulated:100x8", id="half a cluster"),
        pytest.param([], {"EVENFLOW_USAGE__HALF_LIFE": "-1h"}, "negative", id="bad settings"),
        pytest.param(["config=none.yaml"], {}, "none.yaml", id="no such file"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_starts(
    up: Callable[..., Up], options: list[str], environment: dict[str, str], told: str
) -> None:
    system = up(*options, **environment)
    assert system.process.wait(timeout=20) == 2
    assert told in system.told()
    assert not (system.root / "nats").exists()


def test_a_wanted_port_that_is_taken_is_an_error(up: Callable[..., Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        port = occupant.getsockname()[1]
        system = up(f"port={port}")
        assert system.process.wait(timeout=20) == 1
    assert f"port {port} is taken" in system.told()


def test_a_service_that_refuses_its_settings_ends_the_start_with_its_words(
    up: Callable[..., Up],
) -> None:
    system = up(STAND_IN_REFUSES="binder")
    assert system.process.wait(timeout=25) == 1
    told = system.told()
    assert "binder cannot use its settings" in told
    assert "must not be negative" in told


def test_an_external_broker_is_used_and_none_is_started(up: Callable[..., Up]) -> None:
    system = up(EVENFLOW_NATS__URL="nats://broker.invalid:4222")
    system.ready_line()
    assert "nats" not in system.pids()
    assert system.state().nats_url == "nats://broker.invalid:4222"
    assert system.stop() == 0
