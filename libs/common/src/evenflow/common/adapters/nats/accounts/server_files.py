"""The same accounts as files for a NATS that others run: the server's part, and each login's part."""

import json
import re
from collections.abc import Mapping

from evenflow.common.adapters.nats.accounts.identities import IDENTITIES, SERVICES
from evenflow.common.adapters.nats.accounts.server_accounts import accounts
from evenflow.common.adapters.nats.accounts.verbs import API_PREFIX

ACCOUNTS_FILE = "evenflow-accounts.conf"
SERVER_FILE = "nats-server.conf"
MAX_PAYLOAD = 8 * 2**20
"""A snapshot of usage is one fact, whole: 10,000 queues of 4 resources are 3 MB."""


def password_variable(identity: str) -> str:
    """Name the variable of the server's environment that holds a login's password."""
    return f"EVENFLOW_NATS_{identity.upper().replace('-', '_')}"


def accounts_text(shard: str, passwords: Mapping[str, str] | None = None) -> str:
    """Return the accounts as the server's configuration language has them.

    Without passwords each is a variable of the server's environment, so that the text holds no
    secret.
    """
    told = passwords or {name: f"${password_variable(name)}" for name in IDENTITIES}
    text = json.dumps({"accounts": accounts(shard, told)}, indent=1)
    if passwords is None:
        # A variable stands without quotes: within them it is a text like any other.
        text = re.sub(r'"password": "(\$\w+)"', r'"password": \1', text)
    # The outer braces would nest where the text is included.
    return text.removeprefix("{").removesuffix("}").strip("\n") + "\n"


def server_text() -> str:
    """Return a server's configuration that includes the accounts; a beginning, to be completed."""
    return "\n".join(
        (
            "# TLS, listening addresses and a cluster are yours to add.",
            "jetstream {",
            '  store_dir: "/var/lib/nats"',
            "  # What is acknowledged is on disk; with three replicas 1s is enough.",
            "  sync_interval: always",
            "}",
            f"max_payload: {MAX_PAYLOAD}",
            f"include ./{ACCOUNTS_FILE}",
            "",
        )
    )


def login_text(identity: str, url: str, secret: str) -> str:
    """Return what a login's process needs in its environment; `secret` is its password's file."""
    lines = [
        f"EVENFLOW_NATS__URL={url}",
        f"EVENFLOW_NATS__USER={identity}",
        f"EVENFLOW_NATS__PASSWORD_FILE={secret}",
    ]
    if identity in (*SERVICES, *_USES_JETSTREAM):
        lines.append(f"EVENFLOW_NATS__API_PREFIX={API_PREFIX}")
    return "\n".join(lines) + "\n"


_USES_JETSTREAM = ("provisioner", "reader")
