"""A gateway process beside the services of a test, and its REST as its admin."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from evenflow.common.testing.servers.nats import NatsServer, free_port
from evenflow.common.testing.watched_log import a_service

TOKEN = "of-the-admin-of-a-test"  # noqa: S105 - of a test


@contextmanager
def a_gateway(server: NatsServer, data: Path, **variables: str) -> Iterator[httpx.AsyncClient]:
    """Run a gateway on a free port; gives a client, which may have to wait for it."""
    port, file = free_port(), data / "token"
    data.mkdir(parents=True, exist_ok=True)
    file.write_text(TOKEN)
    file.chmod(0o600)
    ours = {"EVENFLOW_GATEWAY__PORT": str(port), "EVENFLOW_GATEWAY__TOKEN_FILE": str(file)}
    with a_service("gateway", server, **(variables | ours)):
        yield httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}
        )


async def submitted(rest: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    """Submit a job, once the gateway answers, and return the answer."""
    async with asyncio.timeout(90):
        while True:
            try:
                answer = await rest.post("/api/v1/jobs", json=body)
            except httpx.ConnectError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.1)
