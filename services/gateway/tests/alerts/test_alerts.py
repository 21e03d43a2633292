"""Quota alerts: one a crossing, as facts of the log, whoever tells and over restarts."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.contracts import checkpoint
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.clock import DAY, HOUR
from evenflow.common.domain.facts import quotas
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.log import Fence
from evenflow.common.runtime.settings import InvalidSettings, load
from evenflow.gateway.alerts.quota_watch import QuotaWatch
from evenflow.gateway.alerts.rules import AlertRule

RULE = AlertRule.of_ratios((0.8, 1.0), 0.05)
ALERTS = subject_of(quotas.Alerted, "main")


def a_watch(harness: Any, rule: AlertRule = RULE) -> QuotaWatch:
    async def read_fence() -> Fence:
        fence: Fence = harness.log.fence_at(ALERTS)
        return fence

    watch = QuotaWatch(harness.gateway, read_fence, rule)
    watch.note_all()  # as its `run` begins
    return watch


async def told(harness: Any) -> list[tuple[str, str, float, bool]]:
    found = (await harness.get("/api/v1/alerts"))["alerts"]
    return [(a["queue"], a["limit_name"], a["level"], a["raised"]) for a in reversed(found)]


async def running(harness: Any, count: int, **fields: Any) -> list[str]:
    jobs = []
    for _ in range(count):
        jobs.append(await harness.submit(queue_id="vision", gpu_request=1, **fields))
        await harness.place(jobs[-1])
    return jobs


async def end(harness: Any, jobs: list[str]) -> None:
    for job_id in jobs:
        await harness.report(job_id, TaskPhase.ENDED, outcome=Outcome.SUCCEEDED)


async def set_quota(harness: Any, **fields: Any) -> None:
    answer = await harness.client.patch("/api/v1/queues/quota/vision", json=fields)
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def vision(harness: Any) -> Any:
    """A queue with a quota of ten GPUs in a fleet that has more."""
    await harness.nodes(count=1, gpus=64)
    await harness.client.post("/api/v1/queues", json={"path": "vision"})
    unlimited = dict.fromkeys(("cpu_quota", "memory_quota", "max_concurrent_jobs"))
    await set_quota(harness, gpu_quota=10, **unlimited)
    return harness


async def test_an_alert_is_told_at_each_threshold_once(vision: Any) -> None:
    watch = a_watch(vision)
    for count, expected in ((7, 0), (1, 1), (1, 1), (1, 2)):
        await running(vision, count)
        watch = a_watch(vision)
        await watch.look()
        await watch.look()
        assert len(await told(vision)) == expected
    assert await told(vision) == [("vision", "gpu", 0.8, True), ("vision", "gpu", 1.0, True)]
    newest = (await vision.get("/api/v1/alerts?queue=vision&limit=1"))["alerts"][0]
    assert (newest["used"], newest["limit"], newest["ratio"]) == (10, 10, 1)
    assert newest["text"] == "vision uses 10 of 10 gpu (100%)"


async def test_it_is_told_again_only_after_usage_fell_clearly_below(vision: Any) -> None:
    jobs = await running(vision, 8)
    await a_watch(vision).look()
    for back in (0, 1):
        await end(vision, [jobs.pop() for _ in range(back)])
        await a_watch(vision).look()
        jobs += await running(vision, back)
        await a_watch(vision).look()
    assert [level for *_, level, is_raised in await told(vision) if is_raised] == [0.8, 0.8]
    assert [is_raised for *_, is_raised in await told(vision)] == [True, False, True]


async def test_a_fall_within_the_hysteresis_tells_nothing(vision: Any) -> None:
    await set_quota(vision, gpu_quota=25)
    jobs = await running(vision, 20)
    await a_watch(vision).look()
    await end(vision, jobs[:1])  # 76 %, above 75 %
    await a_watch(vision).look()
    await running(vision, 1)
    await a_watch(vision).look()
    assert await told(vision) == [("vision", "gpu", 0.8, True)]


async def test_of_two_gateways_one_tells(vision: Any) -> None:
    await running(vision, 10)
    await asyncio.gather(*(a_watch(vision).look() for _ in range(4)))
    assert await told(vision) == [("vision", "gpu", 1.0, True)]


async def test_what_is_told_twice_is_void(vision: Any) -> None:
    await running(vision, 8)
    await a_watch(vision).look()
    alert = quotas.QuotaAlert("vision", "gpu", 800, True, 8000, 10_000)
    unknown = quotas.QuotaAlert("nobody", "gpu", 800, True, 8000, 10_000)
    await vision.tell(quotas.Alerted((alert, unknown)))
    assert await told(vision) == [("vision", "gpu", 0.8, True)]


async def test_what_was_told_is_in_a_checkpoint(vision: Any) -> None:
    await running(vision, 8)
    await a_watch(vision).look()
    again = checkpoint.load(checkpoint.dump(vision.follower.state, "log"), "log")
    assert again.quota_levels == {"vision": {"gpu": 800}}


async def test_a_budget_is_used_up_by_time_alone_and_begins_anew_with_its_period(
    vision: Any,
) -> None:
    await set_quota(vision, gpu_quota=None, gpu_hours_budget=1, budget_period="day")
    began = vision.clock.now
    await running(vision, 1)
    watch = a_watch(vision)
    for hours, expected in ((0.79, []), (0.81, [0.8]), (1, [0.8, 1.0]), (1.7, [0.8, 1.0])):
        vision.clock.now = began + round(hours * HOUR)
        await watch.look()
        assert [level for *_, level, _ in await told(vision)] == expected
    vision.clock.now = (began // DAY + 1) * DAY
    await watch.look()
    assert (await told(vision))[-1] == ("vision", "gpu_hours_budget", 0.0, False)


async def test_jobs_and_jobs_of_a_type_have_alerts_too(vision: Any) -> None:
    await set_quota(vision, gpu_quota=None, max_concurrent_jobs=5, max_training_jobs=4)
    await running(vision, 4)
    await a_watch(vision).look()
    assert await told(vision) == [
        ("vision", "max_concurrent_jobs", 0.8, True),
        ("vision", "max_training_jobs", 1.0, True),
    ]


async def test_a_limit_that_is_gone_is_forgotten_with_what_was_told_of_it(vision: Any) -> None:
    await running(vision, 10)
    await a_watch(vision).look()
    await set_quota(vision, gpu_quota=None)
    assert vision.follower.state.quota_levels == {}
    await set_quota(vision, gpu_quota=10)
    await a_watch(vision).look()
    assert len(await told(vision)) == 2


async def test_while_the_bus_is_away_nothing_is_lost(vision: Any) -> None:
    await running(vision, 10)
    watch = a_watch(vision)
    vision.gateway.writer.is_bus_connected = lambda: False
    await watch.look()
    assert await told(vision) == []
    vision.gateway.writer.is_bus_connected = lambda: True
    await watch.look()
    assert len(await told(vision)) == 1


@given(st.lists(st.integers(0, 130), max_size=60))
def test_levels_rise_at_thresholds_and_fall_below_the_hysteresis(used: list[int]) -> None:
    known = 0
    for each in used:
        level = RULE.level(each, 100, known)
        reached = max((t for t in RULE.thresholds if each * 10 >= t), default=0)
        assert level >= reached
        if level > reached:  # it stands by the hysteresis alone, so it stood before
            assert level <= known
            assert each * 10 >= level - RULE.hysteresis
        assert RULE.level(each, 100, level) == level  # looking again tells nothing
        known = level


@pytest.mark.parametrize(
    ("text", "told_of"),
    [
        ("quota: {alerts: [1.0, 0.8]}", "quota.alerts"),
        ("quota: {alerts: [0]}", "quota.alerts"),
        ("quota: {alerts: [.nan]}", "quota.alerts"),
        ("quota: {alert_hysteresis: 1}", "quota.alert_hysteresis"),
        ("alerts: {webhooks: [{secret: x}]}", "alerts.webhooks.0.url"),
        ("alerts: {webhooks: [{url: 'ftp://x'}]}", "alerts.webhooks.0.url"),
        ("alerts: {webhooks: [{url: 'http://u:p@x'}]}", "secret_file"),
        ("alerts: {webhooks: [{url: 'http://x'}, {url: 'http://x'}]}", "twice"),
        ("alerts: {webhooks: [{url: 'http://x', secret_file: /nowhere}]}", "cannot be read"),
        ("alerts: {allowed_networks: [10.0.0.1/8]}", "alerts.allowed_networks.0"),
        ("alerts: {retry_first: 1h}", "retry_longest"),
        ("usage: {prices: {gpu: -1}}", "usage.prices"),
        ("usage: {history: {keep: 1d, keep_hours: 2d}}", "keep_hours"),
        ("usage: {history: {keep_rows: 1}}", "usage.history.keep_rows"),
    ],
)
def test_settings_that_make_no_sense_are_told_by_name(
    tmp_path: Any, text: str, told_of: str
) -> None:
    file = tmp_path / "evenflow.yaml"
    file.write_text(text)
    with pytest.raises(InvalidSettings) as caught:
        load(file, environ={}, dotenv=None)
    assert told_of in str(caught.value)
