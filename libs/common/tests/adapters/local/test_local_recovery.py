"""Runs on this machine when things die: none is lost, none runs twice, nothing stays behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from evenflow.common.adapters.local import retention
from evenflow.common.adapters.local.executor import LocalExecutor
from evenflow.common.adapters.local.runner import run_files
from evenflow.common.adapters.local.runner.process import identify, kill_leftovers
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import RunEnded, RunOrder, RunStarted

PATIENCE = 20.0


def order_of(token: str, command: object, **more: Any) -> RunOrder:
    order = RunOrder(
        token=token,
        job_id=token,
        attempt=1,
        task_index=0,
        task_count=1,
        node="here",
        resources={},
        config={"command": command, "working_directory": "/"},
    )
    return replace(order, **more)


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
async def opened(runs):
    """Open executors on one directory; what they left running is stopped at the end."""
    executors = []

    async def open_with(*orders: RunOrder) -> LocalExecutor:
        executor = LocalExecutor(runs, settings=LocalSettings(grace=timedelta(seconds=0.3)))
        executors.append(executor)
        await executor.open(orders)
        return executor

    yield open_with
    for executor in executors:
        await executor.stop_all(Outcome.STOPPED)
        await executor.close()


async def next_of(events, kind):
    async with asyncio.timeout(PATIENCE):
        while True:
            event = await anext(events)
            if isinstance(event, kind):
                return event


async def dead(pid: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                return
            if state in "ZX":
                return
            await asyncio.sleep(0.01)


def started_of(runs: Path, token: str) -> dict[str, Any]:
    return dict(json.loads((runs / token / run_files.STARTED).read_text()))


async def test_a_killed_fork_server_is_replaced_and_its_runs_go_on(opened, tmp_path):
    executor = await opened()
    events = executor.events()
    await executor.start(
        order_of("long", f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; exit 4")
    )
    await next_of(events, RunStarted)
    first = executor.fork_server_pid
    os.kill(first, signal.SIGKILL)
    await dead(first)
    await executor.start(order_of("other", ["true"]))
    assert (await next_of(events, RunEnded)).token == "other"  # noqa: S105 - a run's name
    (tmp_path / "go").touch()
    ended = await next_of(events, RunEnded)
    assert (ended.token, ended.exit_code) == ("long", 4)
    assert executor.fork_server_pid != first


async def test_a_run_outlives_killed_binder_and_fork_server_and_its_exit_code_arrives(
    opened, runs, tmp_path
):
    script = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; exit 6"
    binder = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("local_binder.py"), runs, "job-0-1", script],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert binder.stdout is not None
    server_pid = int(await asyncio.to_thread(binder.stdout.readline))
    os.kill(server_pid, signal.SIGKILL)
    binder.kill()
    binder.wait()
    binder.stdout.close()
    await dead(server_pid)

    executor = await opened(order_of("job-0-1", script, started_at=1))
    (tmp_path / "go").touch()
    ended = await next_of(executor.events(), RunEnded)
    assert (ended.outcome, ended.exit_code) == (Outcome.FAILED, 6)


async def test_an_end_that_came_while_no_binder_ran_is_told(opened, runs, tmp_path):
    script = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done; exit 6"
    first = await opened()
    await first.start(order_of("job-0-1", script))
    await next_of(first.events(), RunStarted)
    runner = started_of(runs, "job-0-1")["runner_pid"]
    await first.close()
    (tmp_path / "go").touch()
    await dead(runner)
    second = await opened(order_of("job-0-1", script))
    assert (await next_of(second.events(), RunEnded)).exit_code == 6


async def test_a_time_limit_holds_without_a_binder(opened, runs):
    first = await opened()
    await first.start(order_of("job-0-1", ["sleep", "1000"], time_limit_us=200_000))
    await next_of(first.events(), RunStarted)
    started = started_of(runs, "job-0-1")
    await first.close()
    await dead(started["pid"])
    await dead(started["runner_pid"])
    second = await opened(order_of("job-0-1", ["sleep", "1000"]))
    assert (await next_of(second.events(), RunEnded)).outcome is Outcome.TIMEOUT


async def test_a_killed_runner_takes_its_command_along_and_the_run_is_lost(opened, runs):
    executor = await opened()
    events = executor.events()
    # A child in the same session dies with it; the command itself is killed by the system.
    await executor.start(order_of("job-0-1", "sleep 1000 & echo $!; wait"))
    await next_of(events, RunStarted)
    async with asyncio.timeout(PATIENCE):
        while not (out := await executor.output("job-0-1", "stdout", 0, 100)).data:
            await asyncio.sleep(0.01)
    started = started_of(runs, "job-0-1")
    os.kill(started["runner_pid"], signal.SIGKILL)
    ended = await next_of(events, RunEnded)
    await asyncio.gather(
        *(asyncio.wait_for(dead(pid), 1) for pid in (started["pid"], int(out.data)))
    )
    assert ended.outcome is Outcome.LOST
    assert ended.started_at == started["started_at"]


async def test_a_lost_run_never_starts_again(opened, runs, tmp_path):
    order = order_of("job-0-1", f"echo x >> {tmp_path}/ran; sleep 1000")
    first = await opened()
    await first.start(order)
    await next_of(first.events(), RunStarted)
    await first.close()
    started = started_of(runs, "job-0-1")
    os.kill(started["runner_pid"], signal.SIGKILL)
    await dead(started["runner_pid"])
    second = await opened()
    await second.start(order)
    assert (await next_of(second.events(), RunEnded)).outcome is Outcome.LOST
    assert (tmp_path / "ran").read_text() == "x\n"


async def test_a_run_known_to_have_started_but_gone_from_disk_is_lost_and_never_starts(
    opened, tmp_path
):
    order = order_of("job-0-1", f"touch {tmp_path}/ran", started_at=1)
    executor = await opened(order)
    events = executor.events()
    assert (await next_of(events, RunEnded)).outcome is Outcome.LOST
    stale = await opened()
    await stale.start(order)
    assert (await next_of(stale.events(), RunEnded)).outcome is Outcome.LOST
    assert not (tmp_path / "ran").exists()


async def test_a_stale_binder_cannot_start_a_stopped_token(opened, tmp_path):
    fresh, stale = await opened(), await opened()
    await fresh.stop("job-0-1", Outcome.CANCELLED)
    await stale.start(order_of("job-0-1", f"touch {tmp_path}/ran"))
    assert (await next_of(stale.events(), RunEnded)).outcome is Outcome.CANCELLED
    assert not (tmp_path / "ran").exists()


async def test_two_executors_starting_the_same_tokens_run_each_once(opened, tmp_path):
    both = [await opened(), await opened()]
    tokens = [f"job-{index}-1" for index in range(30)]
    for token in tokens:
        order = order_of(token, f"echo {token} >> {tmp_path}/ran; sleep 0.05")
        await asyncio.gather(*(executor.start(order) for executor in both))
    for executor in both:
        events = executor.events()
        ends = {(await next_of(events, RunEnded)).token for _ in tokens}
        assert ends == set(tokens)
    assert sorted((tmp_path / "ran").read_text().split()) == sorted(tokens)


async def test_starts_and_stops_that_race_agree_on_one_end(opened, tmp_path):
    starter, stopper = await opened(), await opened()
    tokens = [f"job-{index}-1" for index in range(30)]
    for token in tokens:
        order = order_of(token, f"echo {token} >> {tmp_path}/ran; sleep 1000")
        await asyncio.gather(starter.start(order), stopper.stop(token, Outcome.CANCELLED))
    ends = []
    for executor in (starter, stopper):
        events = executor.events()
        ends.append({(e := await next_of(events, RunEnded)).token: e for _ in tokens})
    assert ends[0] == ends[1]
    assert {end.outcome for end in ends[0].values()} == {Outcome.CANCELLED}


async def test_an_external_sigterm_ends_a_run_as_stopped(opened, runs):
    executor = await opened()
    events = executor.events()
    await executor.start(order_of("job-0-1", ["sleep", "1000"]))
    await next_of(events, RunStarted)
    os.kill(started_of(runs, "job-0-1")["runner_pid"], signal.SIGTERM)
    assert (await next_of(events, RunEnded)).outcome is Outcome.STOPPED


async def test_a_runs_directory_that_cannot_be_made_is_refused_and_may_be_retried(opened, runs):
    executor = await opened()
    (runs / "job-0-1").write_text("in the way")
    await executor.start(order_of("job-0-1", ["true"]))
    ended = await next_of(executor.events(), RunEnded)
    assert (ended.outcome, ended.retryable) == (Outcome.REFUSED, True)


async def test_the_sweep_takes_only_old_reported_runs(opened, runs):
    executor = await opened()
    events = executor.events()
    await executor.start(order_of("live", ["sleep", "1000"]))
    for token in ("unreported", "reported"):
        await executor.start(order_of(token, ["true"]))
    for _ in range(2):
        await next_of(events, RunEnded)
    await executor.forget(["reported", "live"])
    settings = LocalSettings()
    week = 7 * 86_400 * 1_000_000
    assert retention.sweep(runs, settings, run_files.wall_us()) == 0
    assert retention.sweep(runs, settings, run_files.wall_us() + week) == 1
    assert {path.name for path in runs.iterdir() if path.name[0] != "."} == {"live", "unreported"}


async def test_the_sweep_takes_the_oldest_beyond_the_count_once_settled(opened, runs):
    executor = await opened()
    events = executor.events()
    for token in ("a", "b", "c"):
        await executor.start(order_of(token, ["true"]))
        await next_of(events, RunEnded)
    await executor.forget(["a", "b", "c"])
    settings = LocalSettings(retention_count=1)
    assert retention.sweep(runs, settings, run_files.wall_us()) == 0
    assert retention.sweep(runs, settings, run_files.wall_us() + 3_600_000_000) == 2
    assert {path.name for path in runs.iterdir() if path.name[0] != "."} == {"c"}


async def test_a_wish_to_stop_is_found_without_its_signal(opened, runs):
    executor = await opened()
    events = executor.events()
    await executor.start(order_of("job-0-1", ["sleep", "1000"]))
    await next_of(events, RunStarted)
    # As a binder that died after writing, before it woke the runner.
    run_files.write_once(runs / "job-0-1" / run_files.STOP, {"outcome": "cancelled"})
    assert (await next_of(events, RunEnded)).outcome is Outcome.CANCELLED


async def test_the_first_of_two_wishes_to_stop_counts(opened):
    executor = await opened()
    events = executor.events()
    await executor.start(order_of("job-0-1", "trap '' TERM; sleep 1000"))
    await next_of(events, RunStarted)
    await executor.stop("job-0-1", Outcome.STOPPED)
    await executor.stop("job-0-1", Outcome.CANCELLED)
    assert (await next_of(events, RunEnded)).outcome is Outcome.STOPPED


async def test_cores_of_an_adopted_run_are_not_given_again(opened):
    order = order_of("job-0-1", ["sleep", "1000"], resources={"cpu": 1000})
    first = await opened()
    await first.start(order)
    started = await next_of(first.events(), RunStarted)
    second = await opened(replace(order, started_at=started.at))
    taken = first._cores.take(order)
    other = second._cores.take(order_of("job-1-1", ["true"], resources={"cpu": 1000}))
    assert taken
    assert not set(taken) & set(other)


async def test_a_process_that_only_reuses_the_pid_is_not_killed():
    bystander = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        known = identify(bystander.pid)
        kill_leftovers(known._replace(ticks=known.ticks - 1), "job-0-1")
        kill_leftovers(known._replace(boot="another"), "job-0-1")
        assert bystander.poll() is None
        kill_leftovers(known, "job-0-1")
        assert bystander.wait(PATIENCE) == -signal.SIGKILL
    finally:
        bystander.kill()
        bystander.wait()
