"""The layout of a data directory, and the lock that gives it to one supervisor at a time."""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.layout.errors import CannotStart

_PRIVATE_DIRECTORY: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_OURS: Final = ("nats", "valkey", "logs", "run", "secrets", "gateway", "jobs")


@dataclass(frozen=True, slots=True)
class DataDir:
    """Where one system keeps everything."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the supervisor; its content is the supervisor's pid."""
        return self.root / "lock"

    @property
    def nats(self) -> Path:
        """The broker's configuration and the log."""
        return self.root / "nats"

    @property
    def valkey(self) -> Path:
        """The snapshot store's configuration and files."""
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        """What the processes write."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Status files of the running processes."""
        return self.root / "run"

    @property
    def pids(self) -> Path:
        """Pids and start times of all children, for a successor after a kill."""
        return self.run / "servers.json"

    def secret(self, name: str) -> Path:
        """The file of a credential."""
        return self.root / "secrets" / name

    def make(self) -> None:
        """Make the directories that are missing, closed to other accounts: jobs may be theirs.

        What was there before we came keeps its own mode; what is in it is ours.

        Raises:
            CannotStart: the place cannot be written, or others may write there.
        """
        try:
            is_new = not self.root.exists()
            self.root.mkdir(parents=True, exist_ok=True)
            if is_new:
                self.root.chmod(_PRIVATE_DIRECTORY)
            elif self.root.stat().st_mode & stat.S_IWOTH:
                raise CannotStart(
                    f"everybody may write in the data directory {self.root}: they could put their "
                    f"files in the place of ours. `chmod o-w {self.root}`, or choose another"
                )
            for name in _OURS:
                directory = self.root / name
                directory.mkdir(mode=_PRIVATE_DIRECTORY, exist_ok=True)
                if {directory.stat().st_uid, directory.lstat().st_uid} != {os.geteuid()}:
                    raise CannotStart(
                        f"{directory} belongs to another account: start as that one, or choose "
                        "another directory with --data-dir"
                    )
                directory.chmod(_PRIVATE_DIRECTORY)  # of an earlier version, or a wide umask
        except OSError as error:
            raise CannotStart(
                f"cannot write the data directory {self.root}: {error.strerror}; "
                "choose another with --data-dir"
            ) from error

    def keep_secret(self, name: str) -> str:
        """Return the credential of that name, made at its first use and kept over restarts."""
        path = self.secret(name)
        if path.exists() and (kept := path.read_text(encoding="utf-8").strip()):
            path.chmod(_PRIVATE_FILE)
            return kept
        fresh = secrets.token_urlsafe(24)
        write_private(path, f"{fresh}\n")
        return fresh

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Own the directory while the context is open. The kernel frees it however we end.

        Raises:
            CannotStart: another supervisor owns it; the message names its pid.
        """
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = lock.read().strip() or "unknown"
                raise CannotStart(
                    f"the data directory {self.root} is in use by the `evenflow up` with pid "
                    f"{holder}: stop that one, or choose another directory with --data-dir"
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
