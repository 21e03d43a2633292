"""Receivers of alerts, over real HTTP: down for a while, slow, refusing, and told once each."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.log.shard_log import BrokerAccess, open_shard_log
from evenflow.common.domain.facts.quotas import Alerted, QuotaAlert
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.settings import AlertsSettings, Settings
from evenflow.common.testing.fakes.log import FakeLog
from evenflow.common.testing.servers.nats import NatsServer, nats_server, provisioned
from evenflow.common.testing.servers.receiver import Receiver
from evenflow.gateway.alerts.delivery_cursors import BusDeliveryCursors
from evenflow.gateway.alerts.tasks import AlertTasks

pytestmark = pytest.mark.integration

SECRET = "not told to anybody"  # noqa: S105 - of a test


@pytest.fixture
def receiver() -> Any:
    made = Receiver()
    made.up()
    yield made
    made.down()


async def until(holds: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def nats() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
async def cursors(nats: NatsServer) -> AsyncIterator[BusDeliveryCursors]:
    shard = provisioned(nats.url, f"t{uuid4().hex[:8]}")
    async with open_shard_log(BrokerAccess(nats.url, shard, "test")) as log:
        yield BusDeliveryCursors(log)


@pytest.fixture
async def telling(harness: Any, make_ctx: Any, cursors: BusDeliveryCursors) -> Callable[..., Any]:
    """Let a gateway's webhooks run on the harness's view, as after a restart."""
    await harness.client.post("/api/v1/queues", json={"path": "vision"})
    await harness.client.patch("/api/v1/queues/quota/vision", json={"gpu_quota": 10})

    @asynccontextmanager
    async def start(*receivers: Receiver, **fields: Any) -> AsyncIterator[AlertTasks]:
        hooks: Any = [
            {"url": f"http://127.0.0.1:{r.port}/hook", "secret": SECRET} for r in receivers
        ]
        given: Any = {
            "allowed_networks": ["127.0.0.0/8"],
            "retry_first": "50ms",
            "retry_longest": "200ms",
            "timeout": "1s",
        } | fields
        ctx = make_ctx()
        ctx.settings = Settings(
            cluster="simulated:2x8", alerts=AlertsSettings(webhooks=hooks, **given)
        )
        alerts = AlertTasks(ctx, harness.store, cursors)
        harness.told = alerts
        tasks = [asyncio.create_task(each.run()) for each in alerts.webhooks]
        await asyncio.sleep(0.05)
        try:
            yield alerts
        finally:
            await asyncio.gather(*map(end_task, tasks))

    return start


@pytest.fixture
def alert(harness: Any) -> Callable[[int], Awaitable[None]]:
    """Tell an alert of so many GPUs; its level differs from the one before, so it stands."""

    async def tell(gpus: int) -> None:
        told = QuotaAlert("vision", "gpu", 100 + gpus, True, gpus * 1000, 10_000)
        await harness.tell(Alerted((told,)))
        for webhook in harness.told.webhooks:
            webhook.news.set()

    return tell


def counted(alerts: AlertTasks, outcome: str) -> float:
    counter = alerts.webhooks[0].count.labels(outcome)
    (metric,) = counter.collect()
    return next(each.value for each in metric.samples if each.name.endswith("_total"))


async def test_an_alert_is_posted_once_signed_and_with_an_id(
    receiver: Receiver, telling: Any, alert: Any, harness: Any
) -> None:
    async with telling(receiver) as alerts:
        await alert(8)
        await until(lambda: receiver.taken)
        await until(lambda: counted(alerts, "delivered") == 1)
    headers, body = receiver.taken[0]
    document = json.loads(body)
    assert (document["type"], document["queue"], document["used"]) == ("quota.alerted", "vision", 8)
    assert headers["X-Evenflow-Delivery"] == document["id"]
    known = (await harness.get("/api/v1/alerts"))["alerts"][0]
    assert {**document, "type": 0, "shard": 0} == {**known, "type": 0, "shard": 0}
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Evenflow-Signature"] == f"sha256={signature}"


async def test_a_receiver_that_was_down_gets_each_alert_once_in_order(
    receiver: Receiver, telling: Any, alert: Any
) -> None:
    receiver.down()
    async with telling(receiver) as alerts:
        for gpus in (8, 9, 10):
            await alert(gpus)
        await asyncio.sleep(2.5)
        assert counted(alerts, "failed") >= 3
        receiver.up()
        await until(lambda: len(receiver.taken) == 3)
        await asyncio.sleep(0.3)
    assert receiver.told == [8, 9, 10]
    assert len({headers["X-Evenflow-Delivery"] for headers, _ in receiver.taken}) == 3


async def test_alerts_wait_over_a_restart_and_are_not_told_again_after_one(
    receiver: Receiver, telling: Any, alert: Any
) -> None:
    async with telling(receiver):
        await alert(8)
        await until(lambda: receiver.told == [8])
        await asyncio.sleep(0.1)
    receiver.down()
    async with telling(receiver):
        await alert(9)
        await asyncio.sleep(0.1)
    receiver.up()
    async with telling(receiver):
        await until(lambda: receiver.told == [8, 9])
        await asyncio.sleep(0.3)
    assert receiver.told == [8, 9]


async def test_a_crash_after_the_answer_tells_it_again_under_the_same_id(
    receiver: Receiver, telling: Any, alert: Any
) -> None:
    receiver.pause = 0.3
    async with telling(receiver):
        await alert(8)
        await until(lambda: receiver.asked == 1)  # and stopped before the answer
    async with telling(receiver):
        await until(lambda: len(receiver.taken) == 2)
    assert len({headers["X-Evenflow-Delivery"] for headers, _ in receiver.taken}) == 1


@pytest.mark.parametrize("status", [302, 400, 500, 503])
async def test_any_answer_but_2xx_is_tried_again(
    receiver: Receiver, telling: Any, alert: Any, status: int
) -> None:
    receiver.status = status
    async with telling(receiver):
        await alert(8)
        await until(lambda: receiver.asked >= 2)
        receiver.status = 204
        await until(lambda: receiver.told == [8])


async def test_one_receiver_that_hangs_holds_up_no_other_and_not_the_view(
    receiver: Receiver, telling: Any, alert: Any, harness: Any
) -> None:
    slow = Receiver(pause=30)
    slow.up()
    try:
        async with telling(slow, receiver):
            await alert(8)
            await until(lambda: receiver.told == [8], 1)
            began = time.monotonic()
            await harness.submit(queue_id="vision")
            assert time.monotonic() - began < 1
    finally:
        slow.down()


async def test_what_cannot_be_delivered_for_too_long_is_dropped_and_counted(
    receiver: Receiver, telling: Any, alert: Any
) -> None:
    receiver.status = 500
    async with telling(receiver, give_up="200ms") as alerts:
        await alert(8)
        await until(lambda: counted(alerts, "dropped") == 1)
        receiver.status = 200
        await alert(9)
        await until(lambda: receiver.told == [9])


async def test_a_new_receiver_is_not_told_of_the_past(
    receiver: Receiver, telling: Any, alert: Any
) -> None:
    async with telling():
        await alert(8)
    async with telling(receiver):
        await alert(9)
        await until(lambda: receiver.taken)
    assert receiver.told == [9]


async def test_a_view_that_is_built_anew_tells_nothing_twice(
    receiver: Receiver, telling: Any, alert: Any, harness: Any, log: FakeLog, make_ctx: Any
) -> None:
    async with telling(receiver):
        await alert(8)
        await until(lambda: receiver.told == [8])
        await asyncio.sleep(0.1)
    await harness.store.clear(log.log_id)
    follower = Follower(
        make_ctx(),
        log.open_reader,
        log.log_id,
        on_folded=harness.store.note,
        on_batch=harness.store.write,
    )
    await harness.store.start(await follower.load())
    folding = asyncio.create_task(follower.run())
    await follower.reach(log.last)
    folding.cancel()
    assert len((await harness.get("/api/v1/alerts"))["alerts"]) == 1
    async with telling(receiver):
        await asyncio.sleep(0.2)
    assert receiver.told == [8]


async def test_a_receiver_that_is_told_of_nothing_holds_no_cut_of_the_log(
    receiver: Receiver, telling: Any, harness: Any, cursors: BusDeliveryCursors
) -> None:
    async with telling(receiver) as alerts:
        (webhook,) = alerts.webhooks
        await harness.client.post("/api/v1/queues", json={"path": "vision/quiet"})
        moved = harness.store.cursor.sequence
        async with asyncio.timeout(20):
            while True:
                webhook.news.set()
                _, done = await cursors.get(webhook.digest) or ("", (0, 0))
                if done[0] >= moved > 0:
                    break
                await asyncio.sleep(0.02)
    assert not receiver.taken
