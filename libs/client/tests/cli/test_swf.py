"""Reading workload logs; the texts are made up, their oddities are those of real logs."""

import pytest

from evenflow.cli.replay_trace import swf
from evenflow.cli.replay_trace.swf import TraceJob, read_swf

HEADER = """\
; Version: 2.2
; Computer: A small machine
; MaxProcs: 8
; Note: THIS IS A CLEANED VERSION OF THE LOG!
;       The filter used to produce it was
;         job<=14 (14 jobs removed): see above
"""


def row(**given: int) -> str:
    fields = {"number": 1, "submit": 0, "wait": 5, "run": 60, "allocated": 2, "cpu": -1,
              "memory": -1, "wanted": 2, "requested": 100, "wanted_memory": -1, "status": 1,
              "user": 7, "group": 1, "program": -1, "queue": -1, "partition": -1, "after": -1,
              "think": -1}  # fmt: skip
    return " ".join(str(value) for value in (fields | given).values())


def test_a_job_is_its_processors_its_run_time_and_its_limit() -> None:
    trace = read_swf([*HEADER.splitlines(), row(number=3, submit=10)])
    assert trace.jobs == [TraceJob(3, 10, 60, 2, 100, 7)]
    assert trace.machine_size == 8
    assert trace.header["Computer"] == "A small machine"
    assert not trace.skipped


def test_a_run_is_cut_at_what_was_requested() -> None:
    (job,) = read_swf([row(run=475, requested=100)]).jobs
    assert (job.run_seconds, job.requested_seconds, job.was_cut) == (100, 100, True)


def test_a_job_without_a_requested_time_runs_on_without_a_limit() -> None:
    (job,) = read_swf([row(run=475, requested=-1, user=-1)]).jobs
    assert (job.run_seconds, job.requested_seconds, job.was_cut) == (475, None, False)
    assert job.user is None


@pytest.mark.parametrize(
    ("allocated", "wanted", "processors"),
    [
        pytest.param(4, 4, 4, id="both are known and agree"),
        pytest.param(4, -1, 4, id="requested processors are missing everywhere in some logs"),
        pytest.param(-1, 3, 3, id="without an allocation what was asked counts"),
        pytest.param(4, 6, 4, id="what was allocated is what really ran"),
    ],
)
def test_processors(allocated: int, wanted: int, processors: int) -> None:
    (job,) = read_swf([row(allocated=allocated, wanted=wanted)]).jobs
    assert job.processors == processors


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(row(run=0), swf.NO_RUN_TIME, id="cancelled before its start"),
        pytest.param(row(run=-1), swf.NO_RUN_TIME, id="unknown run time"),
        pytest.param(row(submit=-1), swf.NO_SUBMIT, id="unknown submission"),
        pytest.param(row(allocated=-1, wanted=-1), swf.NO_PROCESSORS, id="no processors at all"),
        pytest.param(row(allocated=9, wanted=9), swf.TOO_WIDE, id="more than the machine has"),
        pytest.param("1 2 3", swf.MALFORMED, id="fields are missing"),
        pytest.param(row() + " 9", swf.MALFORMED, id="a field too many"),
        pytest.param(row().replace("60", "sixty"), swf.MALFORMED, id="no number"),
        pytest.param(row().replace("60", "inf"), swf.MALFORMED, id="no finite number"),
    ],
)
def test_a_line_left_out_is_counted_by_its_reason(line: str, reason: str) -> None:
    trace = read_swf([line, row(number=2)], processors=8)
    assert [job.number for job in trace.jobs] == [2]
    assert trace.skipped == {reason: 1}


def test_a_job_number_counts_once() -> None:
    trace = read_swf([row(number=4), row(number=4, submit=9)])
    assert len(trace.jobs) == 1
    assert trace.skipped == {swf.REPEATED: 1}


def test_the_limit_counts_jobs_that_are_kept() -> None:
    lines = [row(number=1, run=0), row(number=2), row(number=3), row(number=4)]
    trace = read_swf(lines, limit=2)
    assert [job.number for job in trace.jobs] == [2, 3]
    assert trace.skipped == {swf.NO_RUN_TIME: 1}


def test_jobs_come_in_order_of_submission_and_of_the_log_within_a_second() -> None:
    lines = [row(number=1, submit=20), row(number=2, submit=5), row(number=3, submit=5)]
    assert [job.number for job in read_swf(lines).jobs] == [2, 3, 1]


def test_fractions_of_seconds_are_cut() -> None:
    (job,) = read_swf([row().replace("60", "60.9")]).jobs
    assert job.run_seconds == 60


def test_blank_lines_and_carriage_returns_are_nothing() -> None:
    assert len(read_swf(["", "  ", row() + "\r\n"]).jobs) == 1
