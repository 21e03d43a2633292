"""A system that is stopped, killed and started again: what its jobs and its log live through."""

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenflow.client.discovery.processes import identity
from evenflow.common.adapters.nats.stream_names import checkpoints_bucket
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.errors import LogFull
from evenflow.common.domain.facts import jobs as facts
from tests.chaos.system import System, a_system, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


class Jobs:
    """Submits to a system that may be another after each start, and looks."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.record = system.home / "record"

    def submit(self, body: str, **fields: Any) -> httpx.Response:
        """Submit a command that notes each of its starts, then does `body`."""
        script = f'echo "$EVENFLOW_JOB_ID $EVENFLOW_ATTEMPT" >> {self.record}; {body}'
        job = {
            "name": "a-job",
            "executor": "local",
            "resources": {"cpu": "100m", "memory": "64Mi"},
            "executor_config": {"command": ["/bin/sh", "-c", script]},
            **fields,
        }
        url, headers = f"{self._system.state.url}/api/v1/jobs", self._system.headers
        return httpx.post(url, json=job, headers=headers, timeout=10)

    def accepted(self, body: str, **fields: Any) -> str:
        answer = self.submit(body, **fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def look(self, job: str) -> dict[str, Any]:
        url = f"{self._system.state.url}/api/v1/jobs/{job}"
        found: dict[str, Any] = httpx.get(url, headers=self._system.headers, timeout=10).json()
        return found

    async def reached(self, job: str, phase: str) -> dict[str, Any]:
        await until(lambda: self.look(job)["phase"] == phase, f"{job} is {phase}", 60)
        return self.look(job)

    def starts(self, job: str) -> list[int]:
        """Return the attempts of a job that started, in order."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [int(line.split()[1]) for line in lines if line.startswith(job)]


def until_told(go: Path, code: int = 0) -> str:
    return f"while [ ! -e {go} ]; do sleep 0.05; done; exit {code}"


async def test_jobs_outlive_a_killed_supervisor_and_are_adopted_by_the_next(tmp_path: Path) -> None:
    go, go_alone = tmp_path / "go", tmp_path / "go-alone"
    async with a_system(tmp_path) as system:
        jobs = Jobs(system)
        stays, ends_alone = jobs.accepted(until_told(go)), jobs.accepted(until_told(go_alone, 3))
        await jobs.reached(stays, "running")
        await jobs.reached(ends_alone, "running")
        runs, pids = system.live_runs(), system.pids()
        assert len(runs) == 2
        system.kill_supervisor()
        await until(lambda: not any(map(identity, pids.values())), "services and servers end", 5)
        assert all(identity(run["pid"]) for run in runs.values()), "jobs live on"
        go_alone.touch()  # one ends while nobody watches
        await until(lambda: len(system.live_runs()) == 1, "it ends alone", 10)
        await system.start()
        await system.ready()
        go.touch()
        for job, phase, code in ((stays, "succeeded", 0), (ends_alone, "failed", 3)):
            ended = await jobs.reached(job, phase)
            assert (ended["attempt"], ended["exit_code"]) == (1, code)
            assert jobs.starts(job) == [1]


async def test_ctrl_c_stops_jobs_and_they_run_again_after_the_next_start(tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with a_system(tmp_path) as system:
        jobs = Jobs(system)
        job = jobs.accepted(until_told(go))
        await jobs.reached(job, "running")
        (run,) = system.live_runs().values()
        assert await system.stop(signal.SIGINT) == 0
        assert not identity(run["pid"])
        assert not system.live_runs()
        go.touch()
        await system.start()
        ended = await jobs.reached(job, "succeeded")
        assert ended["attempt"] == 2
        assert jobs.starts(job) == [1, 2]


async def test_keep_jobs_leaves_them_running_to_be_adopted(tmp_path: Path) -> None:
    go = tmp_path / "go"
    system = System(tmp_path)
    try:
        await system.start("--keep-jobs")
        jobs = Jobs(system)
        job = jobs.accepted(until_told(go, 5))
        await jobs.reached(job, "running")
        (run,) = system.live_runs().values()
        assert await system.stop(signal.SIGINT) == 0
        assert identity(run["pid"]), "it goes on"
        go.touch()
        await system.start()
        ended = await jobs.reached(job, "failed")
        assert (ended["attempt"], ended["exit_code"]) == (1, 5)
        assert jobs.starts(job) == [1]
    finally:
        await system.end()


async def fill_to_the_brim(system: System) -> None:
    """Append small facts that mean nothing until not even they fit."""
    async with system.log() as log:
        writer = log.writer(SystemClock().now)
        with suppress(LogFull):
            while True:
                await writer.append(facts.CancelRequested((facts.CancelRequest("-", ""),)))


def events_of(system: System, service: str) -> list[str]:
    return [line["event"] for line in system.log_lines(service)]


async def test_a_full_log_refuses_what_is_new_and_loses_nothing_that_was_accepted(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"
    config = tmp_path / "evenflow.yaml"
    async with a_system(tmp_path, config="log_store: {max_bytes: 256Ki}") as system:
        jobs = Jobs(system)
        running = jobs.accepted(until_told(go))
        await jobs.reached(running, "running")
        accepted = [running]
        while (answer := jobs.submit("exit 0", description="x" * 9_000)).status_code == 201:
            accepted.append(answer.json()["id"])
            assert len(accepted) < 1_000, "the log never gets full"
        assert (answer.status_code, answer.json()["code"]) == (503, "log_full"), answer.text
        assert (
            httpx.get(
                f"{system.state.url}/api/v1/status", headers=system.headers, timeout=10
            ).status_code
            == 200
        )
        assert jobs.submit("exit 0", description="x" * 9_000).status_code == 503

        await fill_to_the_brim(system)
        go.touch()  # it ends; the log has no room to say so
        await until(lambda: not system.live_runs(), "its process has ended")
        await until(lambda: "report_waits" in events_of(system, "binder"), "the binder waits")
        assert await system.stop(signal.SIGTERM) in (0, 1)

        config.write_text("log_store: {max_bytes: 64Mi}")
        await system.start()
        for job in accepted:
            ended = await jobs.reached(job, "succeeded")
            assert jobs.starts(job) == list(range(1, ended["attempt"] + 1))
        assert jobs.look(running)["attempt"] == 1, "how it ended was not forgotten"
        await jobs.reached(jobs.accepted("exit 0"), "succeeded")


async def take_checkpoint(system: System) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "evenflow.policy_engine.checkpoints.checkpointer"),
        env=system.engine_environment(),
    )
    assert await child.wait() == 0


async def corrupt_checkpoint(system: System, number: int) -> None:
    """Flip a bit in a checkpoint, 0 is the newest, in the object store itself."""
    async with system.log("policy-engine") as log:
        store, js = log.checkpoints, log.connection.js
        name = (await store._named())[number].name
        info = await store._objects.get_info(name)
        subject = f"$O.{checkpoints_bucket('main')}.C.{info.nuid}"
        chunk = (await js.get_last_msg(store._stream, subject)).data or b""
        await js.purge_stream(store._stream, subject=subject)
        await js.publish(subject, chunk[:-1] + bytes([chunk[-1] ^ 1]))


def skipped_checkpoints(system: System, service: str) -> set[str]:
    lines = system.log_lines(service)
    return {line["checkpoint"] for line in lines if line["event"] == "checkpoint_skipped"}


async def test_a_corrupt_checkpoint_is_stepped_over(tmp_path: Path) -> None:
    async with a_system(tmp_path, config="checkpoint: {every_seconds: 3600}") as system:
        jobs = Jobs(system)
        for _ in range(2):
            await jobs.reached(jobs.accepted("exit 0"), "succeeded")
            await take_checkpoint(system)
        for number in (0, 1):  # first the older one is left, then none, but the log is there
            await corrupt_checkpoint(system, number)
            for service in ("policy-engine", "binder"):
                pid = system.kill(service)
                await system.ready(service, not_pid=pid)
                assert len(skipped_checkpoints(system, service)) == number + 1
            await jobs.reached(jobs.accepted("exit 0"), "succeeded")
