import gzip

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.traces.swf import read_swf

HEADER = "; Computer: any\n; MaxNodes: 50\n; MaxProcs: 100\n"


def row(number=1, *, submit=0, run=60, allocated=4, wanted=4, limit=100, user=7, program=3):
    return (
        f"{number} {submit} 5 {run} {allocated} -1 -1 {wanted} {limit} -1 1 {user} 1 {program} "
        "-1 -1 -1 -1\n"
    )


@pytest.fixture
def read(tmp_path):
    def read(text, machine_size=None):
        file = tmp_path / "any.swf"
        file.write_text(text)
        return read_swf(file, machine_size)

    return read


def test_a_log_is_known_by_its_header(read):
    trace = read(HEADER + row())
    (job,) = trace.jobs
    assert trace.slots == 100
    assert (job.job_id, job.width, job.user, job.command) == ("1", 4, "7", "3")
    assert (job.run_us, job.limit_us) == (60 * SECOND, 100 * SECOND)


def test_the_size_that_is_asked_for_wins_over_the_header(read):
    trace = read(HEADER + row(wanted=338) + row(wanted=339), 338)
    assert trace.slots == 338
    assert len(trace.jobs) == 1


def test_allocated_processors_count_where_none_were_requested(read):
    assert read(HEADER + row(wanted=-1, allocated=9)).jobs[0].width == 9


def test_a_run_is_cut_at_its_requested_time(read):
    assert read(HEADER + row(run=500, limit=100)).jobs[0].run_us == 100 * SECOND


def test_users_and_programs_that_are_unknown_have_no_name(read):
    (job,) = read(HEADER + row(user=-1, program=-1)).jobs
    assert job.user == job.command == ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(row(wanted=101), "wider", id="wider than the machine"),
        pytest.param(row(run=0), "run time", id="did not run"),
        pytest.param(row(limit=-1), "requested time", id="no requested time"),
        pytest.param(row(submit=-3), "submi", id="a negative time"),
        pytest.param(row(wanted=-1, allocated=-1), "processors", id="no processors"),
        pytest.param("1 2 3\n", "malformed", id="too few fields"),
        pytest.param(row().replace("60", "soon"), "malformed", id="a word"),
        pytest.param(row().replace("60", "nan"), "malformed", id="not a number"),
        pytest.param(row().replace("60", "1e400"), "malformed", id="endless"),
        pytest.param("\x00\x01garbage\n", "malformed", id="bytes"),
    ],
)
def test_rows_are_left_out_and_counted_by_reason(read, line, reason):
    trace = read(HEADER + row(1) + line + row(2))
    assert [job.job_id for job in trace.jobs] == ["1", "2"]
    ((told, count),) = trace.skipped.items()
    assert reason in told
    assert count == 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(HEADER, id="header alone"),
        pytest.param(row(), id="no header"),
        pytest.param("; MaxProcs: unknown\n" + row(), id="a size that is no number"),
        pytest.param(HEADER + row(run=-1), id="nothing ran"),
    ],
)
def test_logs_without_jobs_or_size_are_refused_in_words(read, text):
    with pytest.raises(InvalidValue) as raised:
        read(text)
    assert "any.swf" in str(raised.value)


def test_a_log_without_header_is_read_with_a_size(read):
    assert read(row(), 64).slots == 64


def test_a_machine_of_no_processors_is_refused(read):
    with pytest.raises(InvalidValue, match="machine_size"):
        read(HEADER + row(), 0)


def test_packed_logs_are_read_by_what_they_are(tmp_path):
    file = tmp_path / "log"
    file.write_bytes(gzip.compress((HEADER + row()).encode()))
    assert len(read_swf(file).jobs) == 1


def test_a_damaged_or_missing_file_is_refused_in_words(tmp_path):
    file = tmp_path / "log.swf.gz"
    file.write_bytes(gzip.compress((HEADER + row() * 1000).encode())[:-30])
    with pytest.raises(InvalidValue, match="cannot be read"):
        read_swf(file)
    with pytest.raises(InvalidValue, match="cannot be read"):
        read_swf(tmp_path / "nothing")
