"""At most one process believes it holds the lease, and a standby gets it soon after it is free."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from evenflow.common.adapters.log.lease import Lease
from evenflow.common.adapters.nats.connection import connect
from evenflow.common.adapters.nats.stream_names import leases_bucket
from evenflow.common.testing.nats_kit import a_log
from evenflow.common.testing.servers.nats import NatsServer


class PausableClock:
    """Monotonic time in which we can be asleep for a while without noticing."""

    def __init__(self) -> None:
        self.slept = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.slept


@pytest.fixture
async def leases(shard: str) -> AsyncIterator[Callable[..., Lease]]:
    """Makes leases of one shard and closes them."""
    async with AsyncExitStack() as stack:

        def make(url: str, holder: str, clock=time.monotonic) -> Lease:
            lease = Lease(
                lambda: connect(url, name=f"lease-{holder}"),
                bucket=leases_bucket(shard),
                name="engine",
                holder=holder,
                monotonic=clock,
            )
            stack.push_async_callback(lease.close)
            return lease

        yield make


async def test_the_first_gets_the_lease_and_keeps_it_longer_than_it_lasts(
    connection, nats_url, shard, leases
):
    await a_log(connection, shard)
    first, second = leases(nats_url, "first"), leases(nats_url, "second")
    assert not first.is_held
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    for _ in range(35):  # 3.5 s, more than its life of 3 s
        assert first.is_held
        assert not second.is_held
        await asyncio.sleep(0.1)
    waiting.cancel()


async def test_a_released_lease_is_taken_over_at_once(connection, nats_url, shard, leases):
    await a_log(connection, shard)
    first, second = leases(nats_url, "first"), leases(nats_url, "second")
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(0.1)
    await first.release()
    assert not first.is_held
    async with asyncio.timeout(1.5):
        await waiting
        await first.wait_lost()
    assert second.is_held


async def test_a_holder_that_was_stopped_knows_at_once_that_its_lease_is_gone(
    connection, nats_url, shard, leases
):
    await a_log(connection, shard)
    clock = PausableClock()
    lease = leases(nats_url, "sleeper", clock)
    await lease.acquire()
    clock.slept = 9.0  # three lease times
    assert not lease.is_held
    clock.slept = 0.0
    assert not lease.is_held  # what was lost does not come back by itself
    async with asyncio.timeout(1):
        await lease.wait_lost()


async def test_two_never_hold_it_while_the_broker_is_away_for_longer_than_a_lease(
    own_nats: NatsServer, shard, leases
):
    connection = await connect(own_nats.url, name="test")
    await a_log(connection, shard)
    first, second = leases(own_nats.url, "first"), leases(own_nats.url, "second")
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    own_nats.kill()
    async with asyncio.timeout(4):
        await first.wait_lost()
    assert not first.is_held
    assert not second.is_held
    own_nats.start()
    async with asyncio.timeout(8):
        await waiting
    assert second.is_held
    assert not first.is_held
    await connection.close()


async def test_a_short_restart_of_the_broker_costs_nobody_the_lease(
    own_nats: NatsServer, shard, leases
):
    connection = await connect(own_nats.url, name="test")
    await a_log(connection, shard)
    lease = leases(own_nats.url, "first")
    await lease.acquire()
    own_nats.kill()
    own_nats.start()
    for _ in range(35):
        assert lease.is_held
        await asyncio.sleep(0.1)
    await connection.close()


async def test_a_lease_that_was_taken_away_is_lost(connection, nats_url, shard, leases):
    await a_log(connection, shard)
    lease = leases(nats_url, "first")
    await lease.acquire()
    bucket = await connection.js.key_value(leases_bucket(shard))
    await bucket.put("engine", b"somebody else")
    async with asyncio.timeout(2):
        await lease.wait_lost()
    assert not lease.is_held


async def test_a_lost_lease_can_be_acquired_again(connection, nats_url, shard, leases):
    await a_log(connection, shard)
    lease = leases(nats_url, "first")
    await lease.acquire()
    await lease.release()
    await lease.acquire()
    assert lease.is_held


async def test_a_cancelled_wait_never_takes_the_lease(connection, nats_url, shard, leases):
    await a_log(connection, shard)
    first, second, third = (leases(nats_url, name) for name in ("first", "second", "third"))
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(0.2)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await first.release()
    async with asyncio.timeout(1.5):
        await third.acquire()
    assert not second.is_held
