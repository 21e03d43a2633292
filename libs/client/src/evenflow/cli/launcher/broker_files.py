"""The accounts of a shard as files for a NATS that somebody else runs. Talks to nobody."""

import json
import re
import secrets
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.layout.datadir import write_private
from evenflow.common.adapters.nats.accounts.identities import (
    IDENTITIES,
    PROVISIONER,
    READER,
    SERVICES,
)
from evenflow.common.adapters.nats.accounts.server_accounts import accounts
from evenflow.common.adapters.nats.accounts.verbs import API_PREFIX

_NEEDED: Final = """\
# Include this file in the configuration of every server of the cluster:
#   include "accounts.conf"
# The server needs, besides: jetstream {}, and max_payload: 8MB (a snapshot of usage is one fact).
"""


def printed(shard: str) -> str:
    """Return the accounts with a variable of the server's environment for each password."""
    named = {name: f"$EVENFLOW_NATS_{name.replace('-', '_').upper()}" for name in IDENTITIES}
    # A variable stands without quotes.
    return re.sub(r'"(\$EVENFLOW_NATS_[A-Z_]+)"', r"\1", _text(shard, named))


def write_files(shard: str, url: str, directory: Path) -> list[Path]:
    """Write accounts, passwords and each process's settings; passwords that are there stay.

    Raises:
        OSError: the directory cannot be written.
    """
    kept = directory / "secrets"
    kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    passwords = {}
    for name in IDENTITIES:
        path = kept / f"nats-{name}"
        if not path.exists():
            write_private(path, f"{secrets.token_urlsafe(24)}\n")
        passwords[name] = path.read_text(encoding="utf-8").strip()
    written = [kept / f"nats-{name}" for name in IDENTITIES]
    config = directory / "accounts.conf"
    write_private(config, _text(shard, passwords))
    written.append(config)
    for name in (PROVISIONER, *SERVICES, READER):
        path = directory / f"{name}.env"
        write_private(path, settings_of(name, shard, url, kept))
        written.append(path)
    return written


def settings_of(name: str, shard: str, url: str, kept: Path) -> str:
    """Return what a process must be told, as variables of its environment."""
    told = {
        "EVENFLOW_SHARD__NAME": shard,
        "EVENFLOW_NATS__URL": url,
        "EVENFLOW_NATS__USER": name,
        "EVENFLOW_NATS__PASSWORD_FILE": str((kept / f"nats-{name}").absolute()),
        "EVENFLOW_NATS__API_PREFIX": API_PREFIX,
    }
    return "".join(f"{key}={value}\n" for key, value in told.items())


def _text(shard: str, passwords: dict[str, str]) -> str:
    # The server's language includes JSON; a key of its own at the top level needs no braces.
    return f"{_NEEDED}accounts: {json.dumps(accounts(shard, passwords), indent=1)}\n"
