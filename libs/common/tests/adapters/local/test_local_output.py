"""What is kept of what runs write: heads and tails within bounds, and a reserve of the disk."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from evenflow.common.adapters.local import retention
from evenflow.common.adapters.local.disk import reserve_of
from evenflow.common.adapters.local.executor import LocalExecutor
from evenflow.common.adapters.local.runner import run_files
from evenflow.common.adapters.local.runner.capture import TAIL_BYTES, Bounds, Capture
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import Executor, RunOrder
from evenflow.common.testing.suites.executor import ExecutorHarness

LIMIT = 100_000


@pytest.fixture
async def cluster(tmp_path):
    settings = LocalSettings(grace=timedelta(seconds=0.3), output_limit=LIMIT, disk_reserve=0)
    executor = LocalExecutor(tmp_path / "runs", settings=settings)
    await executor.open([])

    async def reopen(_: Sequence[RunOrder]) -> Executor:
        raise NotImplementedError

    harness = ExecutorHarness(executor, reopen, lambda *_: {"command": "true"})
    yield harness
    await executor.stop_all(Outcome.STOPPED)
    await executor.close()


async def run(cluster, command):
    order = replace(cluster.order(), config={"command": command, "working_directory": "/"})
    await cluster.executor.start(order)
    ended = await cluster.ended(order.token)
    chunk = await cluster.executor.output(order.token, "stdout", 0, 10_000_000)
    assert chunk.is_final
    return ended, chunk.data


async def test_of_a_long_output_the_head_and_the_tail_are_kept(cluster):
    ended, data = await run(cluster, "seq 1 1000000")
    assert ended.outcome is Outcome.SUCCEEDED, "writing much is no failure"
    whole = b"".join(b"%d\n" % n for n in range(1, 1_000_001))
    assert data.startswith(whole[:LIMIT])
    assert data.endswith(whole[-TAIL_BYTES:])
    between = data[LIMIT:-TAIL_BYTES].decode()
    assert f"{LIMIT} bytes of it are (executor.local.output_limit)" in between
    assert f"{len(whole) - LIMIT - TAIL_BYTES} bytes were not kept" in between


async def test_what_fits_is_kept_to_the_last_byte_and_both_streams_apart(cluster):
    _, data = await run(cluster, f"head -c {LIMIT} /dev/zero; echo aside >&2")
    assert data == bytes(LIMIT)
    _, data = await run(cluster, "for i in 1 2 3; do echo $i; sleep .01; done; echo a >/dev/stdout")
    assert data == b"1\n2\n3\na\n"


async def test_a_run_that_writes_without_end_can_be_cancelled(cluster, tmp_path):
    order = replace(cluster.order(), config={"command": "yes", "working_directory": "/"})
    await cluster.executor.start(order)
    await cluster.started(order.token)
    await asyncio.sleep(0.3)
    await cluster.executor.stop(order.token, Outcome.CANCELLED)
    assert (await cluster.ended(order.token)).outcome is Outcome.CANCELLED
    assert (tmp_path / "runs" / order.token / "stdout").stat().st_size < LIMIT + TAIL_BYTES + 500


async def test_nothing_starts_on_a_disk_without_its_reserve(tmp_path, monkeypatch):
    executor = LocalExecutor(tmp_path / "runs", settings=LocalSettings())
    await executor.open([])

    async def same(_orders):
        return executor

    harness = ExecutorHarness(executor, same, lambda *_: {"command": "true"})
    monkeypatch.setattr("evenflow.common.adapters.local.disk.free_bytes", lambda _: 1000)
    order = harness.order()
    await executor.start(order)
    ended = await harness.ended(order.token)
    assert (ended.outcome, ended.node_fault) == (Outcome.REFUSED, True)
    assert "1000 bytes of the disk" in ended.message
    await executor.close()


def test_output_waits_for_room_and_says_what_is_missing(tmp_path, monkeypatch):
    free = [0]
    monkeypatch.setattr(
        "evenflow.common.adapters.local.runner.capture.free_bytes", lambda _: free[0]
    )
    monkeypatch.setattr("evenflow.common.adapters.local.runner.capture._LOOK_SECONDS", 0.0)
    pipe, writer = os.pipe()
    file = os.open(tmp_path / "stdout", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    capture = Capture([pipe], [file], Bounds(1_000_000, 10))
    for room, text in ((100, b"first\n"), (5, b"x" * 65_536), (5, b"lost\n"), (100, b"last\n")):
        free[0] = room
        os.write(writer, text)
        capture.take(capture.pipes())
    os.close(writer)
    capture.finish()
    lines = (tmp_path / "stdout").read_text().splitlines()
    assert lines[0] == "first"
    assert "less than 10 bytes of the disk are free" in lines[2]
    assert "5 bytes were not kept" in lines[4]
    assert lines[-2].endswith("xxlost")
    assert lines[-1] == "last"


def test_the_oldest_output_goes_when_all_together_is_too_much(tmp_path):
    for number in range(4):
        directory = tmp_path / f"run-{number}"
        directory.mkdir()
        (directory / "stdout").write_bytes(bytes(100))
        for name in (run_files.EXIT, run_files.REPORTED):
            (directory / name).write_text("{}")
            os.utime(directory / name, (number, number))
    settings = LocalSettings(output_total=250, retention=timedelta(days=40_000))
    assert retention.sweep(tmp_path, settings, run_files.wall_us()) == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run-2", "run-3"]


def test_the_reserve_of_a_small_disk_is_a_part_of_it(tmp_path):
    disk = os.statvfs(tmp_path)
    assert reserve_of(tmp_path, 1) == 1
    assert reserve_of(tmp_path, 1 << 60) == disk.f_blocks * disk.f_frsize // 20
