"""A service waits for a broker that has not been provisioned, and says what to do."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
import structlog

from evenflow.common.adapters.log.shard_log import BrokerAccess
from evenflow.common.adapters.nats.connection import connect
from evenflow.common.adapters.nats.layout import Layout
from evenflow.common.adapters.nats.provisioning import provision, require_provisioned
from evenflow.common.domain.errors import NotProvisioned
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import load
from evenflow.common.testing.servers.nats import provisioned

pytestmark = pytest.mark.integration


def a_context(url: str, shard: str) -> ServiceContext:
    settings = load(environ={"EVENFLOW_NATS__URL": url, "EVENFLOW_SHARD__NAME": shard}, dotenv=None)
    health = Health(service="binder", shard=shard, version="1")
    metrics = Metrics(service="binder", shard=shard, version="1")
    return ServiceContext(
        settings=settings, health=health, metrics=metrics, log=structlog.get_logger()
    )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


async def test_a_service_waits_for_provisioning_and_goes_on_by_itself(
    nats_url: str, shard: str
) -> None:
    ctx = a_context(nats_url, shard)
    opened = asyncio.Event()

    async def serve() -> None:
        async with connected_log(ctx):
            opened.set()
            await asyncio.Event().wait()

    serving = asyncio.create_task(serve())
    try:
        await until(lambda: "provisioning" in ctx.health.reasons)
        assert "`evenflow provision`" in ctx.health.reasons["provisioning"]
        assert not opened.is_set()
        await asyncio.to_thread(provisioned, nats_url, shard)
        async with asyncio.timeout(10):
            await opened.wait()
        assert "provisioning" not in ctx.health.reasons
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_streams_of_an_older_release_are_not_enough(nats_url: str, shard: str) -> None:
    layout = BrokerAccess(nats_url, shard, "test").layout
    older = replace(layout, facts=layout.facts[:-1])
    connection = await connect(nats_url, name="test")
    try:
        await provision(connection, older)
        with pytest.raises(NotProvisioned, match=layout.facts[-1]):
            await require_provisioned(connection, layout)
        await provision(connection, layout)
        assert await require_provisioned(connection, layout)
    finally:
        await connection.close()


async def test_a_fence_that_was_proved_on_a_newer_server_alone_is_not_trusted(
    nats_url: str, shard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout: Layout = BrokerAccess(nats_url, shard, "test").layout
    connection = await connect(nats_url, name="test")
    try:
        await provision(connection, layout)
        monkeypatch.setattr(
            "evenflow.common.adapters.nats.provisioning.server_version", lambda _: "2.12.0"
        )
        with pytest.raises(NotProvisioned, match=r"2\.12\.0"):
            await require_provisioned(connection, layout)
    finally:
        await connection.close()
