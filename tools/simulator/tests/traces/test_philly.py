import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.simulator.core_run.machine import machine_of
from evenflow.simulator.traces.philly import (
    GPUS,
    MALFORMED,
    NO_GPUS,
    NO_RUN_TIME,
    TOO_WIDE,
    read_philly,
)

HEADER = "timestamp,duration,num_gpus,gpu_time,cluster"


def a_log(path, *rows):
    path.write_text("\n".join([HEADER, *rows, ""]))
    return path


def test_rows_in_no_order_become_jobs_by_time_and_virtual_cluster(tmp_path):
    rows = ["2017-10-09 07:00:10,66.5,1,66.5,11cb48", "2017-10-09 07:00:00,10.0,8,80.0,6214e9"]
    trace = read_philly(a_log(tmp_path / "log.csv", *rows))
    assert [(job.submit_us // SECOND, job.width) for job in trace.jobs] == [(10, 1), (0, 8)]
    assert trace.by_submission() == [1, 0]
    assert trace.jobs[0].run_us == 66_500_000
    assert [job.queue for job in trace.jobs] == ["11cb48/default", "6214e9/default"]
    assert (trace.slots, trace.gpus_per_slot) == (GPUS, 1)


def test_a_virtual_cluster_is_a_project_of_the_machine(tmp_path):
    trace = read_philly(a_log(tmp_path / "log.csv", "2017-10-09 07:00:10,66.5,1,66.5,11cb48"), 20)
    machine = machine_of(trace)
    assert [queue.path for queue in machine.queues] == ["11cb48", "11cb48/default"]
    assert [node.device_count for node in machine.nodes] == [8, 8, 4]


def test_what_is_no_job_is_counted_by_reason(tmp_path):
    at = "2017-10-09 07:00:10"
    rows = [
        f"{at},66,1,66,11cb48",
        f"{at},0,1,0,11cb48",
        f"{at},-5,1,-5,11cb48",
        f"{at},66,0,0,11cb48",
        f"{at},66,9,594,11cb48",
        f"{at},nan,1,66,11cb48",
        f"{at},inf,1,66,11cb48",
        f"{at},66,1.5,66,11cb48",
        f"{at},66,1,66,no such/../name",
        "late,66,1,66,11cb48",
        "one,two",
    ]
    trace = read_philly(a_log(tmp_path / "log.csv", *rows), 8)
    assert len(trace.jobs) == 1
    assert trace.skipped == {NO_RUN_TIME: 2, NO_GPUS: 1, TOO_WIDE: 1, MALFORMED: 6}


def test_a_log_without_jobs_or_a_machine_without_cards_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match="holds no job"):
        read_philly(a_log(tmp_path / "log.csv"))
    with pytest.raises(InvalidValue, match="machine_size: 0"):
        read_philly(tmp_path / "log.csv", 0)
