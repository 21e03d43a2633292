"""Files for a NATS that others run, written by `evenflow provision --print --dir`."""

import secrets
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.layout.datadir import write_private
from evenflow.cli.launcher.layout.errors import CannotStart
from evenflow.common.adapters.nats.accounts.identities import IDENTITIES
from evenflow.common.adapters.nats.accounts.server_files import (
    ACCOUNTS_FILE,
    SERVER_FILE,
    accounts_text,
    login_text,
    server_text,
)
from evenflow.common.runtime.settings import Settings

_PRIVATE_DIRECTORY: Final = 0o700


def write_broker_files(directory: Path, settings: Settings) -> list[Path]:
    """Write a server's accounts, passwords and what each login is told; return the files.

    Passwords that are there are kept, so that a newer release's permissions need no new ones; a
    server's configuration that is there stays as its owner has it.

    Raises:
        CannotStart: the place cannot be written.
    """
    place = directory.absolute()
    try:
        (place / "secrets").mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        passwords = {name: _kept(place / "secrets" / f"nats-{name}") for name in IDENTITIES}
        files = {place / ACCOUNTS_FILE: accounts_text(settings.shard.name, passwords)}
        if not (place / SERVER_FILE).exists():
            files[place / SERVER_FILE] = server_text()
        for name in IDENTITIES:
            secret = str(place / "secrets" / f"nats-{name}")
            files[place / f"{name}.env"] = login_text(name, settings.nats.url, secret)
        for path, text in files.items():
            write_private(path, text)
    except OSError as error:
        raise CannotStart(
            f"cannot write {error.filename or place}: {error.strerror}; choose another --dir"
        ) from error
    return [*files, *(place / "secrets" / f"nats-{name}" for name in IDENTITIES)]


def _kept(path: Path) -> str:
    if path.exists() and (kept := path.read_text(encoding="utf-8").strip()):
        return kept
    fresh = secrets.token_urlsafe(24)
    write_private(path, f"{fresh}\n")
    return fresh
