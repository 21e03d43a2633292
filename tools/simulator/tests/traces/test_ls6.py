import gzip

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.traces.ls6 import (
    MALFORMED,
    NO_LIMIT,
    NO_NODES,
    NO_RUN_TIME,
    REPEATED,
    TOO_WIDE,
    read_ls6,
)

HEADER = [
    "24779",
    "  JobID JobName UID Start Submit End Priority TimelimitR ExitCode NNodes",
    "---",
]


def row(job="1", *, run=60, submit="2022-11-01T00:00:00", limit="10", nodes="2", user="00007"):
    minutes, seconds = divmod(run, 60)
    end = f"2022-11-01T01:{minutes:02d}:{seconds:02d}"
    start = "2022-11-01T01:00:00"
    return f"{job}\tdimer\t{user}\t{start}\t{submit}\t{end}\t1\t{limit}\t0:0\t{nodes}"


def a_log(path, *rows):
    path.write_text("\n".join([*HEADER, *rows, ""]))
    return path


def test_a_row_is_a_job_of_whole_nodes(tmp_path):
    later = row("2", submit="2022-11-01T00:30:00")
    trace = read_ls6(a_log(tmp_path / "log", row(), later))
    job = trace.jobs[0]
    assert (job.job_id, job.user, job.width, job.command) == ("1", "00007", 2, "dimer")
    assert (job.submit_us, job.run_us, job.limit_us) == (0, 60 * SECOND, 600 * SECOND)
    assert trace.jobs[1].submit_us == 1800 * SECOND
    assert (trace.slots, trace.gpus_per_slot) == (72, 3)


def test_a_job_that_ran_past_its_limit_gets_its_run_time_as_limit(tmp_path):
    job = read_ls6(a_log(tmp_path / "log", row(run=700))).jobs[0]
    assert job.run_us == job.limit_us == 700 * SECOND


def test_what_is_no_job_is_counted_by_reason(tmp_path):
    rows = [
        row(),
        row("2", run=0),
        row("3", nodes="73"),
        row("4", nodes="0"),
        row("5", limit="0"),
        row("6") + "\textra",
        row("7", limit="UNLIMITED"),
        row("8", submit="yesterday"),
        row("9", submit="2022-11-01T00:00:00+02:00"),
        "no tabs at all in this line",
        row(),
    ]
    trace = read_ls6(a_log(tmp_path / "log", *rows))
    assert [job.job_id for job in trace.jobs] == ["1"]
    assert trace.skipped == {
        NO_RUN_TIME: 1,
        TOO_WIDE: 1,
        NO_NODES: 1,
        NO_LIMIT: 1,
        MALFORMED: 5,
        REPEATED: 1,
    }


def test_bytes_that_are_no_text_spoil_one_row_only(tmp_path):
    path = tmp_path / "log"
    garbage = b"\xff\xfe\x00 \x80\t\n"
    path.write_bytes(garbage * 3 + row().encode() + b"\n" + garbage)
    trace = read_ls6(path)
    assert len(trace.jobs) == 1
    assert trace.skipped[MALFORMED] == 4


def test_a_gzipped_log_reads_the_same(tmp_path):
    plain = a_log(tmp_path / "log", row(), row("2"))
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_ls6(packed).jobs == read_ls6(plain).jobs


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        pytest.param(b"", "holds no job", id="an empty file"),
        pytest.param("\n".join(HEADER).encode(), "holds no job", id="a header alone"),
        pytest.param(gzip.compress(b"x" * 500)[:-9], "cannot be read", id="a cut archive"),
    ],
)
def test_a_file_without_jobs_is_an_error_that_names_it(tmp_path, content, rule):
    path = tmp_path / "log"
    path.write_bytes(content)
    with pytest.raises(InvalidValue, match=rule):
        read_ls6(path)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InvalidValue, match=r"nowhere.*cannot be read"):
        read_ls6(tmp_path / "nowhere")


def test_a_machine_without_nodes_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match="machine_size: 0 must be at least 1"):
        read_ls6(a_log(tmp_path / "log", row()), nodes=0)
