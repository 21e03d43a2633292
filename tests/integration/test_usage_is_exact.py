"""Every resource-second is sampled once, over kill -9 of the exporter in the middle of a load."""

import asyncio
import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import pytest

from evenflow.common.domain.facts import cluster
from evenflow.common.testing.servers.nats import NatsServer, nats_server
from evenflow.common.testing.watched_log import Watched, a_service, watched
from tests.usage.load import Load, truth, wall

pytestmark = pytest.mark.integration

EXPORTER = {"EVENFLOW_CLUSTER": "simulated:2x0"}


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


def sampled(watcher: Watched, resource: str) -> float:
    entries = (entry for sample in watcher.sampled for entry in sample.entries)
    return math.fsum(entry.amounts.get(resource, 0.0) for entry in entries)


def _has_more(watcher: Watched, count: int) -> bool:
    return len(watcher.sampled) > count


async def test_samples_add_up_to_what_the_log_says_over_kill_9_in_mid_load(server):
    async with watched(server) as watcher:
        load = Load(watcher, seed=7)
        with a_service("exporter", server, **EXPORTER):
            await load.prepare()
            running = [asyncio.create_task(load.paced(number)) for number in range(1, 121)]
            await watcher.until(lambda: watcher.sampled)
        for pause in (1.3, 0.4):  # in the middle of the load: no exporter, then one, then killed
            await asyncio.sleep(pause)
            count = len(watcher.sampled)
            with a_service("exporter", server, **EXPORTER):
                await watcher.until(partial(_has_more, watcher, count + 1))
        with a_service("exporter", server, **EXPORTER):
            await asyncio.gather(*running)
            over = wall()
            await watcher.until(lambda: watcher.sampled[-1].interval_end > over)
    samples = watcher.sampled
    for resource in ("cpu", "memory"):
        assert sampled(watcher, resource) == pytest.approx(truth(watcher, resource), rel=1e-6)
    assert len(watcher.ends) >= 120
    assert all(a.interval_end == b.interval_start for a, b in pairwise(samples))
    assert len({sample.sample_id for sample in samples}) == len(samples)
    assert len(watcher.facts(cluster.Observed)) == 1  # restarts found nothing changed
