"""The books of a replay and of the demo, kept from facts that the real fold has judged."""

from collections import Counter

import pytest

from evenflow.cli.demo.recorder import DemoRecorder
from evenflow.cli.replay_trace.report import make_report
from evenflow.cli.replay_trace.swf import TraceJob
from evenflow.cli.replay_trace.tracking import JobTracker, request_of
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cycle
from evenflow.common.domain.fold.fold import Folded
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.testing.builders import T0, a_node, a_queue
from evenflow.common.testing.shard import Shard

QUEUE = "trace-1"


def a_trace(number: int, submit: int = 0, run: int = 10, processors: int = 1) -> TraceJob:
    return TraceJob(number, submit, run, processors, 100, 7)


class Noting(Shard):
    """A shard whose facts go into a tracker."""

    def __init__(self, tracker: JobTracker) -> None:
        super().__init__()
        self.tracker = tracker

    def tell(self, fact, *, at=T0, actor="test"):
        folded = super().tell(fact, at=at, actor=actor)
        if isinstance(folded, Folded):
            self.tracker.note(self.entries[-1], folded)
        return folded


def place(shard: Shard, spec: JobSpec, attempt: int = 1, at: int = T0) -> None:
    tasks = (TaskPlacement("n1"),) * spec.tasks
    placement = Placement(spec.id, attempt, tasks)
    state = shard.state
    decided = cycle.Decided(state.epoch, state.sequence, at, "1", placements=(placement,))
    shard.tell(decided, at=at)


@pytest.fixture
def shard() -> Noting:
    shard = Noting(JobTracker.of([a_trace(1), a_trace(2)], QUEUE))
    shard.with_nodes(a_node(gpu=8000)).with_leader().with_queues(QUEUE, "other")
    return shard


def submit(shard: Shard, number: int, queue: str = QUEUE, **fields) -> JobSpec:
    return shard.submit(name=str(number), queue=queue, submitted_at=T0, **fields)


def test_a_job_that_ran_ended_once_and_its_wait_is_on_the_shards_clock(shard: Noting) -> None:
    for number in (1, 2):
        spec = submit(shard, number)
        place(shard, spec)
        shard.start(spec, at=T0 + number * SECOND)
        shard.end(spec, Outcome.SUCCEEDED, at=T0 + (number + 10) * SECOND, started_at=T0)
    assert shard.tracker.is_complete
    assert shard.tracker.broken() == []
    assert shard.tracker.running == 0
    report = make_report(
        shard.tracker, trace="t", system="s", cluster="c", speed=1, machine=8, wall_seconds=2.0,
        latest_submission_seconds=0, skipped=Counter(),
    )  # fmt: skip
    assert (report.wait_mean_seconds, report.wait_max_seconds) == (1.5, 2.0)
    assert report.slowdown_mean == pytest.approx((11 / 10 + 12 / 10) / 2)
    assert report.jobs_per_second == 1.0
    assert report.ends == {"succeeded": 2}
    assert report.is_good


def test_a_job_that_did_not_end_is_named(shard: Noting) -> None:
    spec = submit(shard, 1)
    place(shard, spec)
    shard.start(spec)
    assert shard.tracker.running == 1
    assert shard.tracker.next_end_at() == T0 + 10 * SECOND
    assert shard.tracker.broken() == [
        "job 1 ended 0 times; its state is running",
        "job 2 was submitted 0 times",
    ]


def test_a_job_that_was_submitted_twice_is_named(shard: Noting) -> None:
    for number in (1, 1, 2):
        spec = submit(shard, number)
        place(shard, spec)
        shard.end(spec, Outcome.SUCCEEDED, at=T0, started_at=T0)
    assert shard.tracker.broken() == ["job 1 was submitted 2 times"]


def test_another_attempt_is_no_second_end(shard: Noting) -> None:
    spec = submit(shard, 1)
    place(shard, spec)
    shard.start(spec)
    shard.end(spec, Outcome.STOPPED, at=T0)
    assert shard.tracker.running == 0
    place(shard, spec, attempt=2)
    shard.end(spec, Outcome.SUCCEEDED, at=T0, started_at=T0)
    assert shard.tracker.jobs["1"].ends == 1
    assert shard.tracker.jobs["1"].attempt == 2


def test_jobs_of_other_queues_are_nobodys_business(shard: Noting) -> None:
    submit(shard, 1, queue="other")
    assert shard.tracker.submitted == 0


def test_a_job_of_n_processors_is_a_gang_of_n_tasks_of_one_gpu() -> None:
    request = request_of(a_trace(5, processors=3), QUEUE)
    assert (request["tasks"], request["gpu_request"]) == (3, 1)
    assert request["executor_config"] == {"run_seconds": 10}
    assert request["time_limit_seconds"] == 100
    assert "time_limit_seconds" not in request_of(TraceJob(1, 0, 5, 1, None, None), QUEUE)


def test_starts_are_told_in_their_order_with_the_shares_at_that_moment() -> None:
    shard = Shard()
    shard.with_nodes(a_node(cpu=4000)).with_leader()
    shard.with_queues(a_queue("big", weight=3), a_queue("small", weight=1))
    recorder = DemoRecorder(["big", "small"])
    specs = [shard.submit(queue=queue) for queue in ("big", "small", "big")]
    urgent = shard.submit(queue="small", priority=90)
    state = shard.state
    order = (specs[0], urgent, specs[2])
    placements = tuple(Placement(spec.id, 1, (TaskPlacement("n1"),)) for spec in order)
    decided = cycle.Decided(state.epoch, state.sequence, T0, "1", placements=placements)
    recorder.before(state, Entry(state.sequence + 1, "event", T0, "test", decided))
    recorder.after(shard.tell(decided))
    assert [start.spec for start in recorder.starts] == list(order)
    assert [start.why for start in recorder.starts] == [
        "0%/3 = small, older",
        "priority 90; 0%/1 < big 25%/3",
        "25%/3 < small 25%/1",
    ]
