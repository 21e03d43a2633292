"""The local executor: the port's promises, and what a command sees and may leave behind."""

import asyncio
import os
import resource
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from evenflow.common.adapters.local.executor import LocalExecutor
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.domain.errors import InvalidValue, UnknownRun
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import Executor, RunEnded, RunOrder
from evenflow.common.testing.suites.executor import ExecutorHarness, ExecutorSuite

QUICK = LocalSettings(grace=timedelta(seconds=0.3))


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
async def cluster(runs):
    executor = LocalExecutor(runs, settings=QUICK)
    await executor.open([])

    async def reopen(orders: Sequence[RunOrder]) -> Executor:
        await harness.executor.close()
        successor = LocalExecutor(runs, settings=QUICK)
        await successor.open(orders)
        return successor

    harness = ExecutorHarness(
        executor,
        reopen,
        lambda seconds, code: {
            "command": f"[ {seconds} = 0.0 ] || sleep {seconds}; exit {code}",
            "working_directory": "/",
        },
    )
    yield harness
    assert isinstance(harness.executor, LocalExecutor)
    await harness.executor.stop_all(Outcome.STOPPED)
    await harness.executor.close()


async def run(cluster, command, **config):
    """Start a command and return how it ended, and what it wrote."""
    order = replace(
        cluster.order(), config={"command": command, "working_directory": "/", **config}
    )
    await cluster.executor.start(order)
    ended = await cluster.ended(order.token)
    chunk = await cluster.executor.output(order.token, "stdout", 0, 100_000)
    return ended, chunk.data.decode()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


class TestLocalExecutor(ExecutorSuite):
    """Every promise of the port."""


async def test_a_command_gets_its_arguments_as_they_are(cluster):
    _, out = await run(cluster, ["printf", "%s|", "a b", "$HOME", "ü\n"])
    assert out == "a b|$HOME|ü\n|"


async def test_a_command_sees_who_it_is_and_nothing_of_the_binder(cluster, monkeypatch):
    monkeypatch.setenv("BINDERS_SECRET", "x")
    order = replace(
        cluster.order(),
        config={"command": ["env"], "env": {"MODE": "fast", "EVENFLOW_ATTEMPT": "99"}},
        attempt=2,
        task_index=1,
        task_count=3,
        array_index=7,
        devices=(0, 3),
        task_group="worker",
    )
    await cluster.executor.start(order)
    await cluster.ended(order.token)
    chunk = await cluster.executor.output(order.token, "stdout", 0, 100_000)
    seen = dict(line.split("=", 1) for line in chunk.data.decode().splitlines())
    assert seen["EVENFLOW_JOB_ID"] == order.job_id
    assert seen["EVENFLOW_ATTEMPT"] == "2"
    assert (seen["EVENFLOW_TASK_INDEX"], seen["EVENFLOW_TASK_COUNT"]) == ("1", "3")
    assert seen["EVENFLOW_ARRAY_INDEX"] == "7"
    assert seen["EVENFLOW_TASK_GROUP"] == "worker"
    assert seen["CUDA_VISIBLE_DEVICES"] == "0,3"
    assert seen["MODE"] == "fast"
    assert "BINDERS_SECRET" not in seen


async def test_a_command_runs_where_asked_else_at_home_and_reads_nothing(cluster, tmp_path):
    _, out = await run(cluster, "pwd; cat", working_directory=str(tmp_path))
    assert out == f"{tmp_path}\n"
    order = replace(cluster.order(), config={"command": "pwd"})
    await cluster.executor.start(order)
    await cluster.ended(order.token)
    chunk = await cluster.executor.output(order.token, "stdout", 0, 1_000)
    assert chunk.data.decode().strip() == str(Path.home())


async def test_a_command_is_not_handed_our_descriptors_or_signals(cluster):
    _, out = await run(cluster, "ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status")
    *fds, blocked, ignored = out.split("\n")[:-1]
    assert fds[:3] == ["0", "1", "2"]
    assert len(fds) <= 4  # one is the folder that ls reads
    assert int(blocked.split()[1], 16) == 0
    # 32 and 33 belong to the C library: make leaves them ignored, and no program may change them.
    assert int(ignored.split()[1], 16) & ~(0b11 << 31) == 0


@pytest.mark.parametrize(
    ("config", "code", "words"),
    [
        pytest.param({"command": ["no-such"]}, 127, "no-such: No such", id="no such program"),
        pytest.param({"command": ["/dev/null"]}, 126, "Permission denied", id="not executable"),
        pytest.param(
            {"command": ["true"], "working_directory": "/no/where"},
            127,
            "working directory /no/where: No such",
            id="no such directory",
        ),
    ],
)
async def test_a_command_that_cannot_be_executed_fails_as_in_a_shell(cluster, config, code, words):
    order = replace(cluster.order(), config=config)
    await cluster.executor.start(order)
    ended = await cluster.next_event()
    assert isinstance(ended, RunEnded)
    assert (ended.outcome, ended.exit_code) == (Outcome.FAILED, code)
    assert words in ended.message


async def test_a_bad_config_is_refused_for_good(cluster):
    order = replace(cluster.order(), config={"command": []})
    await cluster.executor.start(order)
    ended = await cluster.next_event()
    assert (ended.outcome, ended.retryable) == (Outcome.REFUSED, False)


async def test_a_signal_is_told_by_code_and_name(cluster):
    ended, _ = await run(cluster, "kill -SEGV $$")
    assert (ended.outcome, ended.exit_code) == (Outcome.FAILED, 128 + signal.SIGSEGV)
    assert ended.message == "killed by SIGSEGV"


async def test_a_command_may_clean_up_when_stopped(cluster, tmp_path):
    script = f"trap 'echo bye; exit 0' TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done"
    order = replace(cluster.order(), config={"command": script})
    await cluster.executor.start(order)
    while not (tmp_path / "ready").exists():
        await asyncio.sleep(0.01)
    await cluster.executor.stop(order.token, Outcome.CANCELLED)
    ended = await cluster.ended(order.token)
    chunk = await cluster.executor.output(order.token, "stdout", 0, 100)
    assert (ended.outcome, ended.exit_code, chunk.data) == (Outcome.CANCELLED, 0, b"bye\n")


async def test_a_command_that_ignores_sigterm_is_killed_after_the_grace(cluster, tmp_path):
    script = f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 0.05; done"
    order = replace(cluster.order(), config={"command": script})
    await cluster.executor.start(order)
    while not (tmp_path / "ready").exists():
        await asyncio.sleep(0.01)
    await cluster.executor.stop(order.token, Outcome.STOPPED)
    ended = await cluster.ended(order.token)
    assert (ended.outcome, ended.exit_code) == (Outcome.STOPPED, 128 + signal.SIGKILL)


async def test_nothing_of_a_run_outlives_its_command(cluster):
    stray = "sleep 1000 & echo $!; setsid -f sh -c 'echo $$; exec sleep 1000'; sleep 0.1"
    _, out = await run(cluster, stray)
    pids = [int(word) for word in out.split()]
    assert len(pids) == 2
    assert not any(is_alive(pid) for pid in pids)


async def test_output_is_read_in_pieces_and_ends_only_when_the_run_is_over(cluster, tmp_path):
    wait = f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"
    script = f"printf 12345; printf oops >&2; {wait}; printf 678"
    order = replace(cluster.order(), config={"command": script})
    await cluster.executor.start(order)
    await cluster.started(order.token)
    output = cluster.executor.output
    while len((await output(order.token, "stderr", 0, 10)).data) < 4:
        await asyncio.sleep(0.01)
    first = await output(order.token, "stdout", 0, 3)
    second = await output(order.token, "stdout", first.next_offset, 100)
    assert (first.data, second.data, second.next_offset) == (b"123", b"45", 5)
    assert not first.is_final
    assert not second.is_final
    (tmp_path / "go").touch()
    await cluster.ended(order.token)
    third = await output(order.token, "stdout", 5, 2)
    last = await output(order.token, "stdout", third.next_offset, 100)
    assert (third.data, third.is_final, last.data, last.is_final) == (b"67", False, b"8", True)


@pytest.mark.parametrize("token", ["unknown", "../runs", "", "a/b", ".fork-server.log"])
async def test_output_of_an_unknown_run_is_an_error(cluster, token):
    with pytest.raises(UnknownRun):
        await cluster.executor.output(token, "stdout", 0, 10)


async def test_a_token_that_is_no_name_is_refused(cluster):
    with pytest.raises(InvalidValue, match="token"):
        await cluster.executor.stop("../elsewhere", Outcome.CANCELLED)


async def test_memory_is_limited_to_the_request(cluster):
    hungry = ["python3", "-c", "b = bytearray(300_000_000); print(len(b))"]
    small, large = (
        replace(cluster.order(), config={"command": hungry}, resources={"memory": amount})
        for amount in (200_000_000, 600_000_000)
    )
    await cluster.executor.start(small)
    assert (await cluster.ended(small.token)).outcome is Outcome.FAILED
    await cluster.executor.start(large)
    assert (await cluster.ended(large.token)).outcome is Outcome.SUCCEEDED


async def test_runs_of_whole_cores_are_pinned_to_different_ones(cluster):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    script = "grep Cpus_allowed_list /proc/self/status | cut -f2; sleep 1000"
    orders = [
        replace(cluster.order(), config={"command": script}, resources={"cpu": 1000})
        for _ in range(2)
    ]
    cores = []
    for order in orders:
        await cluster.executor.start(order)
    for order in orders:
        while not (out := await cluster.executor.output(order.token, "stdout", 0, 100)).data:
            await asyncio.sleep(0.01)
        cores.append(int(out.data))
    assert len(set(cores)) == 2


async def test_stop_all_returns_when_every_command_is_dead(cluster):
    orders = [cluster.order(1_000) for _ in range(5)]
    for order in orders:
        await cluster.executor.start(order)
    started = [await cluster.next_event() for _ in orders]
    await cluster.executor.stop_all(Outcome.STOPPED)
    assert not any(is_alive(int(event.external_id)) for event in started)
    ends = [await cluster.next_event() for _ in orders]
    assert {end.outcome for end in ends} == {Outcome.STOPPED}


async def test_a_burst_of_two_hundred_starts_all_run_once(cluster, tmp_path):
    orders = [
        replace(cluster.order(), config={"command": f"echo x >> {tmp_path}/ran"})
        for _ in range(200)
    ]
    for order in orders:
        await cluster.executor.start(order)
    ends: list[RunEnded] = []
    while len(ends) < 200:
        event = await cluster.next_event()
        if isinstance(event, RunEnded):
            ends.append(event)
    assert {end.outcome for end in ends} == {Outcome.SUCCEEDED}
    assert (tmp_path / "ran").read_text() == "x\n" * 200


async def test_a_machine_that_takes_no_files_is_at_fault_and_not_the_run(cluster):
    pid = cluster.executor.fork_server_pid
    allowed = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    refused, after = cluster.order(), cluster.order()
    await cluster.executor.start(refused)
    ended = await cluster.ended(refused.token)
    assert (ended.outcome, ended.retryable, ended.node_fault) == (Outcome.REFUSED, True, True)
    assert ended.started_at is None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, allowed)
    await cluster.executor.start(after)
    assert (await cluster.ended(after.token)).outcome is Outcome.SUCCEEDED


async def test_a_run_waits_for_a_machine_whose_runners_cannot_even_say_no(cluster):
    pid = cluster.executor.fork_server_pid
    _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    allowed = resource.prlimit(pid, resource.RLIMIT_NOFILE, (4, most))
    order = cluster.order()
    await cluster.executor.start(order)
    await asyncio.sleep(0.5)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, allowed)
    assert (await cluster.ended(order.token)).outcome is Outcome.SUCCEEDED


async def test_a_command_too_large_for_its_own_limit_is_nothing_against_the_node(cluster):
    order = replace(cluster.order(), resources={"cpu": 100, "memory": 1})
    await cluster.executor.start(order)
    ended = await cluster.ended(order.token)
    assert ended.outcome is not Outcome.SUCCEEDED
    assert not ended.node_fault
