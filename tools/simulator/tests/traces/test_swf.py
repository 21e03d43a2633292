"""Logs in the Standard Workload Format: what is kept, what is left out and why."""

import gzip
from pathlib import Path

import pytest

from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.traces.swf import read_swf

SECOND = 1_000_000


def row(number=1, submit=0, run=60, allocated=4, wanted=4, limit=100, user=7, program=3) -> str:
    fields = [number, submit, 5, run, allocated, -1, -1, wanted, limit, -1, 1, user, 1, program]
    return " ".join(map(str, [*fields, 1, 1, -1, -1]))


def write(folder: Path, *rows: str, header: str = "; MaxProcs: 16") -> Path:
    path = folder / "log.swf"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_job_is_read_with_its_limit_its_user_and_its_program(tmp_path):
    trace = read_swf(write(tmp_path, row(number=9, submit=5)))
    (job,) = trace.jobs
    assert (trace.slots, job.job_id, job.submit_us, job.run_us) == (
        16,
        "9",
        5 * SECOND,
        60 * SECOND,
    )
    assert (job.width, job.limit_us, job.user, job.command) == (4, 100 * SECOND, "7", "3")


def test_processors_are_those_requested_else_those_allocated(tmp_path):
    trace = read_swf(write(tmp_path, row(allocated=8, wanted=2), row(allocated=8, wanted=-1)))
    assert [job.width for job in trace.jobs] == [2, 8]


def test_what_runs_past_its_request_is_cut_there(tmp_path):
    (job,) = read_swf(write(tmp_path, row(run=500, limit=100))).jobs
    assert job.run_us == 100 * SECOND


def test_every_row_that_is_left_out_is_counted_by_its_reason(tmp_path):
    log = write(
        tmp_path,
        row(),
        row(run=0),
        row(limit=-1),
        row(wanted=17),
        row(submit=-3),
        row(wanted=-1, allocated=0),
        "1 2 3",
        row().replace("60", "x"),
        row().replace("60", "nan"),
        row().replace("60", "1e400"),
    )
    assert dict(read_swf(log).skipped) == {
        "no run time (cancelled before its start)": 1,
        "no requested time": 1,
        "wider than the machine": 1,
        "no submission time": 1,
        "no processors": 1,
        "malformed line": 4,
    }


def test_the_size_that_is_given_wins_over_the_header(tmp_path):
    log = write(tmp_path, row(wanted=4), row(wanted=12))
    trace = read_swf(log, 8)
    assert (trace.slots, len(trace.jobs)) == (8, 1)


def test_a_log_may_be_gzipped_and_keeps_its_order(tmp_path):
    path = tmp_path / "log.swf.gz"
    path.write_bytes(gzip.compress(f"; MaxProcs: 4\n{row(1, 9)}\n{row(2, 3)}\n".encode()))
    trace = read_swf(path)
    assert [job.job_id for job in trace.jobs] == ["1", "2"]
    assert trace.by_submission() == [1, 0]


@pytest.mark.parametrize(
    ("text", "size", "rule"),
    [
        (row(), None, "say how many processors with --machine-size"),
        ("; MaxProcs: many\n" + row(), None, "--machine-size"),
        ("", 4, "holds no job"),
        ("; MaxProcs: 4\nnothing here\n", None, "1 malformed line"),
        (row(), 0, "must be at least 1"),
    ],
)
def test_a_log_that_cannot_be_used_says_what_is_missing(tmp_path, text, size, rule):
    path = tmp_path / "log.swf"
    path.write_text(text)
    with pytest.raises(InvalidValue, match=rule):
        read_swf(path, size)


def test_a_damaged_or_missing_file_is_named(tmp_path):
    damaged = tmp_path / "log.swf.gz"
    damaged.write_bytes(gzip.compress(b"; MaxProcs: 4\n" * 1000)[:-20])
    for path in (damaged, tmp_path / "nowhere.swf"):
        with pytest.raises(InvalidValue, match="cannot be read"):
            read_swf(path)
