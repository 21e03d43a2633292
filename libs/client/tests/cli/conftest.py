"""A whole running system for commands to be tried against: real services, real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evenflow.cli.main import app

EVENFLOW = str(Path(sys.executable).with_name("evenflow"))


@dataclass
class System:
    """A running `up` and a way to run commands against it."""

    home: Path
    url: str

    @property
    def token(self) -> str:
        return (self.home / "data" / "secrets" / "token").read_text().strip()

    def run(self, *words: str, check: bool = True) -> Result:
        environment = {"XDG_DATA_HOME": str(self.home), "EVENFLOW_URL": None, "COLUMNS": "200"}
        done = CliRunner().invoke(app, words, env=environment)
        assert not check or done.exit_code == 0, done.stderr
        return done

    def json(self, *words: str):
        return json.loads(self.run(*words, "--json").stdout)

    def wait_for(self, what: Callable[[], bool]) -> None:
        for _ in range(200):
            if what():
                return
            time.sleep(0.1)
        raise AssertionError("it did not come to that within 20 s")

    def status(self, job_id: str) -> tuple[str, str | None]:
        job = self.json("job", job_id)
        return job["status"], job["blocked_reason"]


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Iterator[System]:
    """A system that runs commands on this machine."""
    yield from started(tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[System]:
    """A system over four simulated nodes of one GPU."""
    yield from started(tmp_path_factory.mktemp("fleet"), "--cluster", "simulated:4x1")


def started(home: Path, *options: str) -> Iterator[System]:
    environment = {**os.environ, "XDG_DATA_HOME": str(home)}
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [EVENFLOW, "up", "--data-dir", str(home / "data"), *options],
            stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert "ready at" in line, (home / "up.log").read_text()
        url = next(word for word in line.split() if word.startswith("http://"))
        try:
            yield System(home, url)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            process.stdout.close()
