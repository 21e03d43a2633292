"""Runs of another account: what they are, what they see, and what stays closed to them."""

import asyncio
import grp
import os
import pwd
from dataclasses import replace

import pytest

from evenflow.common.adapters.accounts import may_change_account
from evenflow.common.adapters.local.executor import LocalExecutor
from evenflow.common.adapters.local.request import AccountRefused, environment, other_account
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import RunOrder
from evenflow.common.testing.suites.executor import ExecutorHarness

needs_root = pytest.mark.skipif(not may_change_account(), reason="changing accounts takes root")
OTHER = "nobody"


async def no_reopening(_orders):
    raise NotImplementedError


@pytest.fixture
async def cluster(tmp_path):
    executor = LocalExecutor(tmp_path / "runs")
    await executor.open([])
    yield ExecutorHarness(executor, no_reopening, lambda _seconds, _code: {"command": "true"})
    await executor.stop_all(Outcome.STOPPED)
    await executor.close()


async def run(cluster, command, account=OTHER, **config):
    order = replace(cluster.order(), account=account, config={"command": command, **config})
    await cluster.executor.start(order)
    event = await cluster.ended(order.token)
    out = await cluster.executor.output(order.token, "stdout", 0, 100_000)
    err = await cluster.executor.output(order.token, "stderr", 0, 100_000)
    return event, out.data.decode(), err.data.decode()


@needs_root
async def test_a_run_is_its_account_in_every_id_and_cannot_go_back(cluster):
    ended, out, err = await run(
        cluster,
        "id -un; id -gn; id -Gn; grep -E '^(Uid|Gid|CapEff|CapPrm)' /proc/self/status; pwd",
        working_directory="/",
    )
    assert ended.outcome is Outcome.SUCCEEDED, err
    account = pwd.getpwnam(OTHER)
    group = grp.getgrgid(account.pw_gid).gr_name
    name, main, groups, uid, gid, permitted, effective, place = out.splitlines()
    assert (name, main, groups, place) == (OTHER, group, group, "/")
    assert uid.split()[1:] == [str(account.pw_uid)] * 4
    assert gid.split()[1:] == [str(account.pw_gid)] * 4
    assert int(effective.split()[1], 16) == int(permitted.split()[1], 16) == 0


@needs_root
async def test_a_run_of_another_account_writes_its_output_also_when_it_opens_it_again(cluster):
    ended, out, err = await run(
        cluster, "echo one; echo two >>/dev/stdout; echo three >>/dev/stderr", working_directory="/"
    )
    assert (ended.outcome, out, err) == (Outcome.SUCCEEDED, "one\ntwo\n", "three\n")


@needs_root
async def test_a_run_of_another_account_reads_nothing_of_the_services(cluster, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t")
    secret.chmod(0o600)
    for above in tmp_path.parents:  # only what is ours may be in the way
        assert above.stat().st_mode & 0o001 or above.stat().st_uid == os.getuid()
    _, out, err = await run(
        cluster,
        f"cat {secret}; ls {tmp_path}/runs; cat {tmp_path}/runs/.fork-server.log; "
        f"cat /proc/$PPID/environ; cat /proc/{os.getpid()}/environ; ls /proc/self/fd | wc -l",
        working_directory="/",
    )
    # ls itself holds the directory open, besides its three streams.
    assert out.split() == ["4"]
    assert err.count("Permission denied") == 5


@needs_root
async def test_a_directory_that_the_account_cannot_enter_ends_the_run_and_is_named(
    cluster, tmp_path
):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    ended, _, _ = await run(cluster, "true", working_directory=str(closed))
    assert ended.outcome is Outcome.FAILED
    assert ended.message == f"working directory {closed}: Permission denied"


@needs_root
async def test_a_run_of_another_account_dies_with_its_runner(cluster):
    order = replace(
        cluster.order(),
        account=OTHER,
        config={"command": "echo $PPID; exec sleep 60", "working_directory": "/"},
    )
    await cluster.executor.start(order)
    while not (chunk := await cluster.executor.output(order.token, "stdout", 0, 100)).data:
        await asyncio.sleep(0.01)
    os.kill(int(chunk.data), 9)
    ended = await cluster.ended(order.token)
    assert ended.outcome is Outcome.LOST


async def test_an_account_that_is_not_there_is_refused_for_good(cluster):
    if not may_change_account():
        pytest.skip("changing accounts takes root")
    ended, _, _ = await run(cluster, "id", account="no-such-account")
    assert (ended.outcome, ended.retryable) == (Outcome.REFUSED, False)
    assert "which this machine does not have" in ended.message


def test_who_may_not_change_its_account_refuses_others_and_runs_its_own():
    assert other_account("me", own=lambda: "me", may_change=lambda: False) is None
    assert other_account(None, own=lambda: "me", may_change=lambda: False) is None
    with pytest.raises(AccountRefused, match="runs as me and may not change"):
        other_account("you", own=lambda: "me", may_change=lambda: False)


def test_another_accounts_environment_has_its_own_home_and_nothing_of_ours():
    settings = LocalSettings(pass_environment=("LICENSE_SERVER",))
    inherited = {
        "PATH": "/root/bin",
        "HOME": "/root",
        "USER": "root",
        "TMPDIR": "/root/tmp",
        "LANG": "C.UTF-8",
        "EVENFLOW_NATS__PASSWORD": "x",
        "DB_PASSWORD": "x",
        "EVENFLOW_TOKEN": "x",
        "LD_LIBRARY_PATH": "/root/lib",
        "LICENSE_SERVER": "27000@host",
    }
    account = other_account(OTHER, own=lambda: "root", may_change=lambda: True)
    order = RunOrder("t", "j", 1, 0, 1, "here", {}, {})
    seen = environment(order, {}, settings, inherited, account=account, has_gpus=False)
    assert {name: value for name, value in seen.items() if not name.startswith("EVENFLOW_")} == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": account.home,
        "USER": OTHER,
        "LOGNAME": OTHER,
        "SHELL": account.shell,
        "LANG": "C.UTF-8",
        "LICENSE_SERVER": "27000@host",
    }
    assert not {name for name in seen if "PASSWORD" in name or "TOKEN" in name}
