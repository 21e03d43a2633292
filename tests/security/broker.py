"""A real broker with the accounts of a shard, every login, and what its streams hold."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client

from evenflow.cli.launcher.servers import nats_config
from evenflow.common.adapters.log.shard_log import BrokerAccess
from evenflow.common.adapters.nats.accounts.identities import IDENTITIES, PROVISIONER
from evenflow.common.adapters.nats.accounts.server_accounts import accounts
from evenflow.common.adapters.nats.accounts.stores import kept
from evenflow.common.adapters.nats.accounts.verbs import API_PREFIX
from evenflow.common.testing.servers.nats import NatsServer, provisioned

SHARD = "lab"


@contextmanager
def a_broker(directory: Path) -> Iterator[NatsServer]:
    """A server configured as `up` does it, provisioned."""
    passwords = {name: f"pw-{name}" for name in IDENTITIES}
    server = NatsServer(directory)
    text = nats_config(
        server_name="test",
        port=server.port,
        store=directory / "jetstream",
        log_max_bytes=0,
        accounts=accounts(SHARD, passwords),
    )
    (directory / "whole.conf").write_text(text)
    server._extra_config = '# jetstream\ninclude "whole.conf"'
    server.start()
    try:
        fields = {"user": PROVISIONER, "password": f"pw-{PROVISIONER}", "api_prefix": API_PREFIX}
        provisioned(server.url, SHARD, max_bytes=0, **fields)
        yield server
    finally:
        server.kill()


def access(server: NatsServer, user: str) -> BrokerAccess:
    """Return how a service reaches the broker."""
    return BrokerAccess(server.url, SHARD, user, user, f"pw-{user}", api_prefix=API_PREFIX)


class Login:
    """One login, and what the broker refused it."""

    def __init__(self, client: Client, refused: list[str]) -> None:
        self.client = client
        self._refused = refused

    async def is_refused(self, subject: str, payload: bytes = b"", reply: str = "") -> bool:
        """Publish; whether the broker says that this login may not."""
        return (await self.refusals([(subject, payload, reply)])) == {subject}

    async def refusals(self, messages: list[tuple[str, bytes, str]]) -> set[str]:
        """Publish all; return the subjects the broker refused."""
        self._refused.clear()
        for subject, payload, reply in messages:
            await self.client.publish(subject, payload, reply=reply)
        await self.client.flush()
        await asyncio.sleep(0.05)
        told = "\n".join(self._refused)
        return {s for s, _, _ in messages if f'for publish to "{s}"'.lower() in told}


@asynccontextmanager
async def logged_in(server: NatsServer, user: str) -> AsyncIterator[Login]:
    """A connection of a login, as a program of anybody would make it."""
    refused: list[str] = []

    async def on_error(error: Exception) -> None:
        refused.append(str(error).lower())

    client = await nats.connect(
        server.url, user=user, password=f"pw-{user}", error_cb=on_error, max_reconnect_attempts=1
    )
    try:
        yield Login(client, refused)
    finally:
        await client.close()


async def held(server: NatsServer) -> dict[str, Any]:
    """Return what every stream holds and how it is configured, as the provisioner sees it."""
    async with logged_in(server, PROVISIONER) as login:
        found = {}
        for store in kept(SHARD):
            request = json.dumps({"subjects_filter": ">"}).encode()
            subject = f"{API_PREFIX}.STREAM.INFO.{store.stream}"
            answer = json.loads((await login.client.request(subject, request, timeout=5)).data)
            state = answer["state"]
            found[store.stream] = {
                "config": answer["config"],
                "first": state["first_seq"],
                "last": state["last_seq"],
                "subjects": state.get("subjects", {}),
            }
        return found


async def settled(server: NatsServer) -> dict[str, Any]:
    """Return the same once no answer is under way any more."""
    found = await held(server)
    while True:
        await asyncio.sleep(0.2)
        later = await held(server)
        if later == found:
            return later
        found = later
