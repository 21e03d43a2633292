"""The command as people type it: figures, files, and refusals in words."""

import csv
import json

import pytest
from typer.testing import CliRunner

from evenflow.cli.main import app

LOG = """; MaxProcs: 8
7 0 0 100 6 -1 -1 6 100 -1 1 1 1 -1 -1 -1 -1 -1
5 1 0 50 8 -1 -1 8 50 -1 1 2 1 -1 -1 -1 -1 -1
6 2 0 20 2 -1 -1 2 20 -1 1 1 1 -1 -1 -1 -1 -1
what is this
"""


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "log.swf"
    file.write_text(LOG)
    return file


def run(*arguments):
    return CliRunner().invoke(app, ["simulate", *map(str, arguments)])


def test_json_has_the_figures(log):
    found = json.loads(run("--trace", log, "--json").stdout)
    assert found["jobs"] == 3
    assert found["mean_wait_seconds"] == 33
    assert sum(found["skipped"].values()) == 1
    for name in (
        "mean_bounded_slowdown",
        "max_bounded_slowdown",
        "mean_wait_seconds_widest_tenth",
        "utilisation_ratio",
        "events_per_second",
        "share_error",
    ):
        assert isinstance(found[name], float | int), name


def test_csv_has_every_job_in_the_order_of_the_log(log, tmp_path):
    file = tmp_path / "out.csv"
    assert run("--trace", log, "--csv", file).exit_code == 0
    with file.open() as lines:
        rows = list(csv.reader(lines))
    assert rows == [
        ["job_id", "submit", "start", "end"],
        ["7", "0", "0", "100"],
        ["5", "1", "100", "150"],
        ["6", "2", "2", "22"],
    ]


@pytest.mark.parametrize("way", ["none", "easy", "conservative"])
@pytest.mark.parametrize("order", ["fcfs", "shortest", "best"])
@pytest.mark.parametrize("estimate", ["limit", "perfect", "mean2", "learned"])
def test_all_options_go_together(log, way, order, estimate):
    found = run(
        "--trace", log, "--backfill", way, "--backfill-order", order, "--estimate", estimate,
        "--json",
    )  # fmt: skip
    assert json.loads(found.stdout)["jobs"] == 3


def test_policies_stand_side_by_side(log):
    found = run("--trace", log, "--policy", "fifo", "--policy", "fairshare", "--json")
    policies = json.loads(found.stdout)["policies"]
    assert len(policies) == 2
    assert all(each["jobs"] == 3 for each in policies)


def test_a_table_is_for_people(log):
    found = run("--trace", log, "--backfill-order", "best", "--estimate", "learned")
    assert found.exit_code == 0
    assert "MEAN WAIT" in found.stdout
    assert "left out: 1" in found.stdout


@pytest.fixture
def lists(tmp_path):
    nodes, pods = tmp_path / "nodes.csv", tmp_path / "pods.csv"
    nodes.write_text("sn,cpu_milli,memory_mib,gpu,model\nn1,64000,65536,8,T4\n")
    header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos"
    pods.write_text(f"{header}\np,1000,1024,1,600,,\n")
    return "--nodes", nodes, "--pods", pods


def test_placement_tells_gpus_allocated_by_seed_and_in_the_mean(lists):
    found = run(*lists, "--strategy", "best-fit", "--seeds", "3-4", "--json")
    document = json.loads(found.stdout)
    assert document["gpu_allocated_ratio"] == pytest.approx(0.6)
    assert [each["seed"] for each in document["seeds"]] == [3, 4]
    table = run(*lists, "--strategy", "pack", "--demand", "0.5", "--seeds", "1").stdout
    assert "52.50 %" in table, "seven pods of 600 thousandths ask for half of eight cards and more"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--strategy", "worst"), "strategy"),
        (("--demand", "0"), "demand"),
        (("--seeds", "9-1"), "seeds"),
    ],
)
def test_a_placement_that_cannot_be_is_refused_by_name(lists, options, told):
    found = run(*lists, *options)
    assert found.exit_code != 0
    assert told in found.output + str(found.exception)


def test_a_report_is_one_page(log, tmp_path):
    file = tmp_path / "report.html"
    assert run("--trace", log, "--html", file).exit_code == 0
    assert "<svg" in file.read_text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param([], "trace", id="no log"),
        pytest.param(["--trace", "nowhere.swf"], "nowhere.swf", id="no such file"),
        pytest.param(["--trace", "LOG", "--format", "x"], "format", id="no such format"),
        pytest.param(["--trace", "LOG", "--backfill", "x"], "backfill", id="no such backfill"),
        pytest.param(["--trace", "LOG", "--estimate", "x"], "estimate", id="no such estimate"),
        pytest.param(["--trace", "LOG", "--policy", "x"], "policy", id="no such policy"),
        pytest.param(["--trace", "LOG", "--machine-size", "-1"], "machine", id="no machine"),
        pytest.param(["--trace", "LOG", "--csv", "/nowhere/x.csv"], "csv", id="no place for it"),
        pytest.param(["--nodes", "n.csv"], "pods", id="nodes without pods"),
    ],
)
def test_what_cannot_be_is_refused_in_words(log, options, told):
    found = run(*(log if each == "LOG" else each for each in options))
    assert found.exit_code != 0
    said = found.output + (str(found.exception) if found.exception else "")
    assert told in said
    assert "Traceback" not in said
