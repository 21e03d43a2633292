"""The binder as a process, with a real log and real commands, killed and replaced at will."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

import pytest

from evenflow.common.adapters.ids import IdMaker
from evenflow.common.contracts.requests import OutputAnswer, OutputQuestion, output_subject
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, runs
from evenflow.common.domain.facts.runs import RunReport
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome, token_of
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.testing.builders import a_node, a_queue, a_spec
from evenflow.common.testing.servers.nats import NatsServer, nats_server
from evenflow.common.testing.watched_log import Watched, a_service, watched

pytestmark = pytest.mark.integration
PATIENCE_SECONDS = 60.0  # several processes start at once, on machines that do other things too
Launch = Callable[[], AbstractContextManager["subprocess.Popen[bytes]"]]


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


@pytest.fixture
def launch(server: NatsServer, tmp_path: Path) -> Launch:
    return lambda: a_service("binder", server, EVENFLOW_DATA_DIR=str(tmp_path / "data"))


@asynccontextmanager
async def a_shard(server: NatsServer) -> AsyncIterator["Engine"]:
    async with watched(server) as seen:
        yield await Engine(seen).begin()


class Engine:
    """Plays gateway, engine and exporter by hand."""

    def __init__(self, seen: Watched) -> None:
        self.seen = seen
        self._epoch = 0
        self._ids = IdMaker()

    async def begin(self) -> "Engine":
        append = self.seen.writer.append
        await append(queues.Defined((a_queue("default"), a_queue("default/default"))))
        await append(cluster.Observed("local", (a_node("here", cluster="local"),)))
        self._epoch = await append(leader.Decided("engine", "1"))
        return self

    async def place(self, script: str, *, tasks: int = 1) -> JobSpec:
        """Submit a shell command and place it."""
        spec = a_spec(
            id=self._ids.new(),
            executor="local",
            executor_config={"command": script},
            resources={"cpu": 100},
            tasks=tasks,
        )
        await self.seen.writer.append(jobs.Submitted((spec,)))
        await self.decide(spec, 1)
        return spec

    async def decide(self, spec: JobSpec, attempt: int, node: str = "here") -> None:
        placement = Placement(spec.id, attempt, (TaskPlacement(node),) * spec.tasks)
        await self.seen.writer.append(
            cycle.Decided(self._epoch, 0, 0, "1", placements=(placement,))
        )

    async def cancel(self, spec: JobSpec) -> None:
        request = jobs.CancelRequest(spec.id, "ann")
        await self.seen.writer.append(jobs.CancelRequested((request,)))

    def reports(self, spec: JobSpec) -> list[RunReport]:
        facts = self.seen.facts(runs.Reported)
        return [report for fact in facts for report in fact.runs if report.job_id == spec.id]

    async def running(self, spec: JobSpec) -> None:
        jobs_now = self.seen.state.jobs
        await self.seen.until(
            lambda: spec.id in jobs_now and jobs_now[spec.id].state is JobState.RUNNING,
            PATIENCE_SECONDS,
        )

    async def ended(self, spec: JobSpec) -> RunReport:
        await self.seen.until(
            lambda: any(report.phase is TaskPhase.ENDED for report in self.reports(spec)),
            PATIENCE_SECONDS,
        )
        return self.reports(spec)[-1]

    async def output(self, spec: JobSpec) -> OutputAnswer:
        question = OutputQuestion(token=token_of(spec.id, 0, 1)).model_dump_json().encode()
        client = self.seen.log.connection.client
        reply = await client.request(output_subject("main"), question, timeout=PATIENCE_SECONDS)
        return OutputAnswer.model_validate_json(reply.data)


def waits_for(gate: Path, marks: Path, code: int) -> str:
    """A command that says that it lives, waits for a file and exits with a code."""
    return (
        f"echo $EVENFLOW_JOB_ID-$EVENFLOW_ATTEMPT >> {marks}; "
        f"while [ ! -e {gate} ]; do sleep 0.05; done; exit {code}"
    )


async def test_a_placement_in_the_log_runs_its_command_and_its_output_can_be_read(
    server: NatsServer, launch: Launch
) -> None:
    async with a_shard(server) as shard:
        with launch():
            spec = await shard.place("echo hello; echo $EVENFLOW_TASK_COUNT >&2")
            report = await shard.ended(spec)
            answer = await shard.output(spec)
    assert (report.outcome, report.exit_code) == (Outcome.SUCCEEDED, 0)
    assert (answer.data, answer.is_final) == (b"hello\n", True)


@pytest.mark.parametrize("is_over_before", [True, False], ids=["with no binder", "under the next"])
async def test_a_command_outlives_a_killed_binder_and_its_exit_code_arrives(
    server: NatsServer,
    launch: Launch,
    tmp_path: Path,
    is_over_before: bool,  # noqa: FBT001
) -> None:
    gate, marks = tmp_path / "gate", tmp_path / "marks"
    async with a_shard(server) as shard:
        with launch() as binder:
            spec = await shard.place(waits_for(gate, marks, 7))
            await shard.running(spec)
            binder.kill()
            binder.wait()
        if is_over_before:
            gate.touch()
        with launch():
            gate.touch()
            report = await shard.ended(spec)
    assert (report.outcome, report.exit_code) == (Outcome.FAILED, 7)
    assert [r.phase for r in shard.reports(spec)] == [TaskPhase.RUNNING, TaskPhase.ENDED]
    assert marks.read_text().split() == [f"{spec.id}-1"]


async def test_a_simulated_run_goes_on_while_no_binder_lives_and_ends_when_it_should(
    server: NatsServer,
) -> None:
    async with a_shard(server) as shard:
        await shard.seen.writer.append(cluster.Observed("simulated", (a_node("sim-1"),)))
        with a_service("binder", server, EVENFLOW_CLUSTER="simulated:1x8") as binder:
            spec = a_spec(executor_config={"run_seconds": 1.5, "exit_code": 4})
            await shard.seen.writer.append(jobs.Submitted((spec,)))
            await shard.decide(spec, 1, "sim-1")
            await shard.running(spec)
            binder.kill()
            binder.wait()
        with a_service("binder", server, EVENFLOW_CLUSTER="simulated:1x8"):
            report = await shard.ended(spec)
    running, ended = shard.reports(spec)
    assert report is ended
    assert (ended.exit_code, ended.at - running.at) == (4, 1_500_000)


async def test_a_paused_binder_that_wakes_up_makes_no_second_process(
    server: NatsServer, launch: Launch, tmp_path: Path
) -> None:
    gate, marks = tmp_path / "gate", tmp_path / "marks"
    async with a_shard(server) as shard:
        with launch() as first, launch():
            before = await shard.place(waits_for(gate, marks, 3))
            await shard.running(before)
            leads = await anext(
                beat async for beat in shard.seen.heartbeats("binder") if beat["role"] == "leader"
            )
            os.kill(leads["pid"], signal.SIGSTOP)
            during = await shard.place(waits_for(gate, marks, 4))
            await shard.running(during)
            os.kill(leads["pid"], signal.SIGCONT)
            gate.touch()
            codes = [(await shard.ended(spec)).exit_code for spec in (before, during)]
            assert first.poll() is None
    assert codes == [3, 4]
    assert sorted(marks.read_text().split()) == sorted([f"{before.id}-1", f"{during.id}-1"])


async def test_an_interrupt_stops_the_work_and_tells_it_before_the_binder_exits(
    server: NatsServer, launch: Launch, tmp_path: Path
) -> None:
    async with a_shard(server) as shard:
        with launch() as binder:
            spec = await shard.place(waits_for(tmp_path / "gate", tmp_path / "marks", 0))
            await shard.running(spec)
            binder.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(binder.wait, PATIENCE_SECONDS) == 0
        report = await shard.ended(spec)
        await shard.seen.until(lambda: shard.seen.state.jobs[spec.id].attempt == 2)
    assert report.outcome is Outcome.STOPPED


async def test_a_terminated_binder_leaves_its_runs_and_the_next_one_can_cancel_them(
    server: NatsServer, launch: Launch, tmp_path: Path
) -> None:
    async with a_shard(server) as shard:
        with launch() as binder:
            spec = await shard.place(waits_for(tmp_path / "gate", tmp_path / "marks", 0))
            await shard.running(spec)
            binder.terminate()
            assert await asyncio.to_thread(binder.wait, PATIENCE_SECONDS) == 0
        assert [report.phase for report in shard.reports(spec)] == [TaskPhase.RUNNING]
        with launch():
            await shard.cancel(spec)
            report = await shard.ended(spec)
    assert report.outcome is Outcome.CANCELLED


async def test_a_gang_runs_all_its_tasks_each_with_its_index(
    server: NatsServer, launch: Launch, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    async with a_shard(server) as shard:
        with launch():
            spec = await shard.place(f"echo $EVENFLOW_TASK_INDEX >> {marks}", tasks=3)
            await shard.seen.until(lambda: spec.id in shard.seen.state.ended, PATIENCE_SECONDS)
    assert sorted(marks.read_text().split()) == ["0", "1", "2"]
