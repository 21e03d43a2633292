"""`evenflow down` stops the system that runs, and no other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evenflow.cli.launcher.layout.state_file import announce
from evenflow.client.discovery.processes import identity
from evenflow.client.discovery.running import RunningSystem


@pytest.fixture
def running(tmp_path):
    """Make processes that pass for systems, found under `tmp_path`; end what is left of them."""
    processes = []

    def make(name):
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        processes.append(process)
        unknown = dict.fromkeys(RunningSystem.__dataclass_fields__, "")
        known = {"name": name, "pid": process.pid, "identity": identity(process.pid)}
        announce(RunningSystem(**(unknown | known)), tmp_path / "evenflow" / "running")
        return process

    yield make
    for process in processes:
        process.kill()
        process.wait()


def down(home, *arguments):
    return subprocess.run(
        [Path(sys.executable).with_name("evenflow"), "down", *arguments],
        env={**os.environ, "XDG_DATA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def reaped(process):
    """Wait in another process's stead: a zombie still has its identity."""
    return process.wait(timeout=20)


def test_with_nothing_running_there_is_nothing_to_stop(tmp_path):
    done = down(tmp_path)

    assert (done.returncode, done.stdout) == (0, "no system runs here\n")


def test_of_several_systems_the_named_one_is_stopped(tmp_path, running):
    first, second = running("first"), running("second")

    unclear = down(tmp_path)
    with subprocess.Popen(
        [Path(sys.executable).with_name("evenflow"), "down", "--name", "second"],
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as named:
        ended = reaped(second)
        told, _ = named.communicate(timeout=20)

    assert unclear.returncode == 2
    assert "first" in unclear.stderr
    assert ended < 0
    assert told == "system second has stopped\n"
    assert first.poll() is None
