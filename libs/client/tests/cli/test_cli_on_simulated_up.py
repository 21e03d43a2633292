"""Commands against a system over simulated nodes: logs replayed, labels, gangs, why."""

import json
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(360)]


def test_a_log_replays_and_every_job_ends_once(fleet, tmp_path: Path) -> None:
    row = "{n} {submit} -1 {run} {wide} -1 -1 {wide} 2 -1 1 {n} 1 -1 1 -1 -1 -1"
    rows = [row.format(n=n, submit=n // 3, run=1 + n % 3, wide=1 + n % 4) for n in range(1, 9)]
    rows += [row.format(n=90, submit=0, run=5, wide=5), row.format(n=91, submit=0, run=0, wide=1)]
    log = tmp_path / "small.swf"
    log.write_text("\n".join(["; MaxProcs: 4", *rows]))
    report = fleet.json("replay-trace", str(log), "--speed", "5")
    assert report["speed"] == 5
    assert fleet.json("status")["clock"]["rate"] == 1, "the clock is put back"
    assert report["is_good"], report["broken"]
    assert (report["jobs"], report["ends"]) == (8, {"succeeded": 8})
    assert report["skipped"] == {
        "no run time (cancelled before its start)": 1,
        "wider than the machine": 1,
    }
    assert report["cut_at_request"] == 3


def test_a_label_of_an_operator_is_what_a_job_waits_for(fleet) -> None:
    before = fleet.json("nodes")
    assert {node["labels"]["rack"] for node in before} == {"rack-000"}
    wanted = (
        "submit",
        "--simulate-seconds",
        "0.1",
        "--selector",
        "model=a100",
        "--tolerate",
        "spot",
    )
    told = fleet.run(*wanted)
    assert "no node has the label model=a100" in told.stderr
    name = before[-1]["name"]
    fleet.run("nodes", "taint", name, "spot")
    assert f"{name}: model=a100" in fleet.run("nodes", "label", name, "model=a100").stdout
    assert fleet.run("submit", "--simulate-seconds", "0.1", "--selector", "model").stderr.count(
        "spot"
    )
    assert "warning" not in fleet.run(*wanted, "--wait").stderr
    shown = fleet.run("nodes").stdout
    assert "TAINTS" in shown
    assert "model=a100" in shown
    fleet.run("nodes", "label", name, "model-")
    fleet.run("nodes", "taint", name, "spot-")
    assert fleet.json("nodes") == before


def test_why_shows_who_is_ahead_the_shares_and_when_it_may_start(fleet) -> None:
    wide = fleet.json(
        "submit", "--gpu", "1", "--tasks", "4", "--simulate-seconds", "600", "--time-limit", "1h"
    )
    other = fleet.json("submit", "--gpu", "1", "--simulate-seconds", "600", "--name", "before")
    mine = fleet.json("submit", "--gpu", "1", "--simulate-seconds", "600")
    try:
        answer = fleet.json("why", mine["id"])
        for _ in range(50):
            if answer["short"] and fleet.json("job", wide["id"])["status"] == "running":
                break
            time.sleep(0.1)
            answer = fleet.json("why", mine["id"])
        shown = fleet.run("why", mine["id"]).stdout
    finally:
        fleet.run("cancel", wide["id"], other["id"], mine["id"], "--yes")
    assert answer["authoritative"] is True
    assert [each["id"] for each in answer["first"]] == [other["id"]]
    assert answer["first"][0]["because"].startswith("submitted earlier: place ")
    assert answer["short"]["resource"] == "gpu"
    assert answer["short"]["free"] == 0
    assert answer["levels"][0]["held"]["gpu"] == 4000
    assert answer["predicted_start"]["basis"] == "ends of running jobs by limit"
    assert "place 2 in default/default" in shown
    assert other["id"][:18] in shown
    assert "submitted earlier" in shown
    assert "WITH IT" in shown
    assert "at the earliest, by the ends of running jobs" in shown


def test_a_gang_of_groups_is_shown_by_group(fleet) -> None:
    done = fleet.json(
        "submit", "--simulate-seconds", "0.1", "--group", "ps=1,cpu=2", "--group",
        "worker=3:1,gpu=1", "--same", "rack", "--apart", "node", "--strategy", "spread",
    )  # fmt: skip
    assert (done["tasks"], done["min_tasks"]) == (4, 2)
    shown = fleet.run("job", done["id"]).stdout
    assert "ps 1 x cpu 2, memory 2Gi; worker 1-3 x cpu 1, memory 2Gi, gpu 1" in shown
    assert "in one rack, each on a node of its own, strategy spread" in shown


def test_a_command_on_a_simulated_cluster_is_told_how_to_go_on(fleet) -> None:
    done = fleet.run("submit", "--", "true", check=False)
    assert done.exit_code == 1
    assert "--simulate-seconds" in done.stderr
    waited = fleet.run("submit", "--simulate-seconds", "0.2", "--gpu", "1", "--wait", "--json")
    assert json.loads(waited.stdout)["status"] == "succeeded"


def test_targets_are_what_prometheus_reads_from_a_file(fleet, tmp_path: Path) -> None:
    printed = json.loads(fleet.run("targets").stdout)
    fleet.run("targets", "--file", str(tmp_path / "targets.json"))
    assert json.loads((tmp_path / "targets.json").read_text()) == printed
    assert [path.name for path in tmp_path.iterdir()] == ["targets.json"]
    services = {each["labels"]["service"]: each["targets"] for each in printed}
    assert set(services) == set(fleet.json("status")["services"])
    for (address,) in services.values():
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            assert b"evenflow_build_info" in answer.read()
