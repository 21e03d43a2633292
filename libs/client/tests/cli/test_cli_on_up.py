"""The commands against a whole running system: real services, real processes."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evenflow.cli.main import app
from evenflow.client import ApiProblem, AsyncClient, Client

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
EVENFLOW = str(Path(sys.executable).with_name("evenflow"))


@dataclass
class System:
    """A running `up` and a way to run commands against it."""

    home: Path
    url: str
    process: subprocess.Popen[bytes]

    def run(self, *words: str, check: bool = True) -> Result:
        environment = {"XDG_DATA_HOME": str(self.home), "EVENFLOW_URL": None, "COLUMNS": "200"}
        done = CliRunner().invoke(app, words, env=environment)
        assert not check or done.exit_code == 0, done.stderr
        return done

    def json(self, *words: str):
        return json.loads(self.run(*words, "--json").stdout)


def started(home: Path, *options: str) -> Iterator[System]:
    environment = {**os.environ, "XDG_DATA_HOME": str(home)}
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [EVENFLOW, "up", "--data-dir", str(home / "data"), *options],
            stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert "ready at" in line, (home / "up.log").read_text()
        url = next(word for word in line.split() if word.startswith("http://"))
        try:
            yield System(home, url, process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            process.stdout.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Iterator[System]:
    yield from started(tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Iterator[System]:
    yield from started(tmp_path_factory.mktemp("fleet"), "--cluster", "simulated:4x1")


SMALL = ("--cpu", "100m", "--memory", "64Mi")


def test_waiting_shows_the_states_and_exits_with_the_jobs_exit_code(local: System) -> None:
    done = local.run("submit", *SMALL, "--wait", "--", "sh", "-c", "exit 3", check=False)
    assert done.exit_code == 3
    assert "failed" in done.stderr
    assert "exit code 3" in done.stderr


def test_output_is_followed_and_is_all_that_stdout_has(local: System) -> None:
    script = "echo $EVENFLOW_TASK_INDEX $FLAVOUR; pwd; echo oops >&2"
    done = local.run(
        "submit", *SMALL, "--tasks", "2", "--env", "FLAVOUR=sweet", "--follow",
        "--cwd", str(local.home),
        "--", "sh", "-c", script,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert sorted(lines) == sorted(["0 sweet", "1 sweet", str(local.home), str(local.home)])
    assert "oops" in done.stderr


def test_a_job_at_its_time_limit_exits_like_timeout(local: System) -> None:
    done = local.run(
        "submit", *SMALL, "--time-limit", "200ms", "--wait", "--", "sleep", "30", check=False
    )
    assert done.exit_code == 124


def test_each_index_of_an_array_runs(local: System) -> None:
    done = local.run(
        "submit",
        *SMALL,
        "--array",
        "3-5",
        "--follow",
        "--",
        "sh",
        "-c",
        "echo $EVENFLOW_ARRAY_INDEX",
    )
    assert sorted(done.stdout.split()) == ["3", "4", "5"]


def test_a_job_that_fits_no_node_waits_and_is_warned_of(local: System) -> None:
    done = local.run("submit", "--gpu", "640", "--", "true")
    assert "warning: gpu 640 is more than any node has" in done.stderr
    job_id = done.stdout.split()[0]
    prefix = job_id[:20]
    assert "queued" in local.run("why", prefix).stdout
    assert local.json("job", prefix)["id"] == job_id
    assert job_id[:18] in local.run("jobs", "--status", "queued").stdout
    assert "cancelled" in local.run("cancel", prefix).stdout
    again = local.run("cancel", prefix, check=False)
    assert again.exit_code == 1
    assert "has ended" in again.stderr


def test_an_unknown_job_and_an_ambiguous_beginning_are_told_apart(local: System) -> None:
    for _ in range(2):
        local.run("submit", *SMALL, "--", "true")
    one = local.run("job", "0", check=False)
    assert one.exit_code == 1
    assert "begins the ids of" in one.stderr
    nobody = local.run("job", "ffff", check=False)
    assert nobody.exit_code == 1
    assert "no job 'ffff'" in nobody.stderr


def test_waiting_jobs_are_cancelled_in_bulk_after_a_question(local: System) -> None:
    for _ in range(3):
        local.run("submit", "--gpu", "640", "--name", "bulk", "--", "true")
    refused = local.run("cancel", "--all-pending", check=False)
    assert refused.exit_code != 0
    done = local.run("cancel", "--all-pending", "--yes")
    assert done.stdout.count("bulk cancelled") == 3
    assert local.run("cancel", "--all-pending").stdout == "no jobs match\n"


def test_every_broken_rule_is_told_at_once(local: System) -> None:
    done = local.run(
        "submit", "--queue", "nowhere", "--cpu=-1", "--tasks", "0", "--", "true", check=False
    )
    assert done.exit_code == 1
    assert "3 rules are broken" in done.stderr


FLEET = """\
queues:
  vision:
    weight: 3
    quota: {cpu: 8, gpu: null}
    queues:
      train: {weight: 2, limit: {cpu: 4}}
      batch: {priority: 5}
"""


def test_a_fleet_is_applied_once_and_differences_are_told(local: System, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET)
    first = local.json("apply", "-f", str(file))
    assert (first["created"], first["changed"]) == (4, 0)
    second = local.json("apply", "-f", str(file))
    assert (second["created"], second["changed"], second["unchanged"]) == (0, 0, 4)
    file.write_text(FLEET.replace("weight: 3", "weight: 5"))
    assert "weight: 3.0 -> 5.0" in local.run("apply", "-f", str(file)).stdout
    file.write_text(FLEET.replace("weight: 2", "weight: -2"))
    refused = local.run("apply", "-f", str(file), check=False)
    assert refused.exit_code == 1
    assert "line 6: vision/train.weight" in refused.stderr


def test_the_life_of_a_queue(local: System) -> None:
    local.run(
        "queue", "create", "speech/asr", "--weight", "2", "--limit", "cpu=1", "--max-jobs", "5"
    )
    local.run("queue", "set", "speech/asr", "--max-jobs", "none", "--limit", "none")
    shown = local.json("queue", "show", "speech/asr")
    assert (shown["weight"], shown["max_concurrent_jobs"], shown["limit"]) == (2, None, None)
    twice = local.run("queue", "create", "speech/asr", check=False)
    assert twice.exit_code == 1
    assert "exists already" in twice.stderr
    local.run("queue", "disable", "speech/asr")
    closed = local.run("submit", "--queue", "speech/asr", "--", "true", check=False)
    assert closed.exit_code == 1
    assert "disabled" in closed.stderr
    local.run("queue", "enable", "speech/asr")
    waiting = local.run("submit", "--queue", "speech/asr", "--gpu", "640", "--", "true")
    held = local.run("queue", "delete", "speech/asr", "--yes", check=False)
    assert held.exit_code == 1
    assert "have not ended" in held.stderr
    local.run("cancel", waiting.stdout.split()[0])
    assert "deleted" in local.run("queue", "delete", "speech/asr", "--yes").stdout


def test_quotas_are_set_and_cleared(local: System) -> None:
    local.run("quota", "set", "audio", "--gpu", "4", "--jobs", "2", "--memory", "none")
    quota = local.json("quota", "show", "audio")
    assert (quota["gpu_quota"], quota["max_concurrent_jobs"], quota["memory_quota"]) == (4, 2, None)
    assert "no limit" in local.run("quota", "show", "audio").stdout
    half = local.run("quota", "set", "audio", "--gpu-hours", "100", check=False)
    assert half.exit_code == 1
    assert "budget_period" in half.stderr
    shown = local.run("quota", "set", "audio", "--gpu-hours", "100", "--period", "week").stdout
    assert "gpu-hours this week" in shown
    assert "the next week begins" in shown
    quota = local.json("quota", "set", "audio", "--gpu-hours", "none")
    assert (quota["gpu_hours_budget"], quota["budget_period"]) == (None, None)


def test_nodes_are_cordoned_and_take_work_again(local: System) -> None:
    (node,) = local.json("nodes")
    local.run("nodes", "cordon", node["name"])
    assert "cordoned" in local.run("nodes").stdout
    local.run("nodes", "uncordon", node["name"])
    assert local.json("nodes")[0]["is_cordoned"] is False
    nobody = local.run("nodes", "cordon", "nobody", check=False)
    assert nobody.exit_code == 1


def test_the_status_names_five_services_with_five_pids(local: System) -> None:
    services = local.json("status")["services"]
    assert len({service["pid"] for service in services.values()}) == 5
    assert "ready" in local.run("status").stdout


def test_facts_are_printed_from_the_first_to_the_last(local: System) -> None:
    lines = [json.loads(line) for line in local.run("events", "--json").stdout.splitlines()]
    sequences = [line["sequence"] for line in lines]
    assert sequences == sorted(set(sequences))
    assert {"queues.defined", "jobs.submitted", "cycle.decided", "runs.reported"} <= {
        line["kind"] for line in lines
    }
    some = local.run("events", "--kind", "jobs.submitted").stdout.splitlines()
    assert some
    assert all("jobs.submitted" in line for line in some)
    unknown = local.run("events", "--kind", "jobs.submited", check=False)
    assert unknown.exit_code == 2
    assert "did you mean jobs.submitted" in unknown.stderr


def test_the_event_stream_goes_on_behind_the_last_fact_seen(local: System) -> None:
    with Client(local.url) as client:
        first = next(client.events(begin=1))
        assert first.sequence == 1
        second = next(client.events(begin=first.sequence + 1))
        assert second.sequence > first.sequence
        with pytest.raises(ApiProblem):
            next(client.events(kinds=["no.such"]))


async def test_the_async_client_submits_waits_and_reads_its_own_writes(local: System) -> None:
    async with AsyncClient(local.url) as client:
        config = {"command": ["echo", "hej"], "working_directory": "/"}
        job = await client.submit(
            {
                "name": "a",
                "executor_config": config,
                "cpu_request": "100m",
                "memory_request": "64Mi",
            }
        )
        assert (await client.job(job["id"]))["id"] == job["id"]
        ended = await client.wait(job["id"], timeout_seconds=30)
        assert (ended["status"], ended["exit_code"]) == ("succeeded", 0)
        assert [piece.text async for piece in client.logs(job["id"])] == ["hej\n"]


def test_a_log_replays_and_every_job_ends_once(fleet: System, tmp_path: Path) -> None:
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


def test_a_label_of_an_operator_is_what_a_job_waits_for(fleet: System) -> None:
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


def test_why_shows_who_is_ahead_the_shares_and_when_it_may_start(fleet: System) -> None:
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


def test_a_gang_of_groups_is_shown_by_group(fleet: System) -> None:
    done = fleet.json(
        "submit", "--simulate-seconds", "0.1", "--group", "ps=1,cpu=2", "--group",
        "worker=3:1,gpu=1", "--same", "rack", "--apart", "node", "--strategy", "spread",
    )  # fmt: skip
    assert (done["tasks"], done["min_tasks"]) == (4, 2)
    shown = fleet.run("job", done["id"]).stdout
    assert "ps 1 x cpu 2, memory 2Gi; worker 1-3 x cpu 1, memory 2Gi, gpu 1" in shown
    assert "in one rack, each on a node of its own, strategy spread" in shown


def test_a_command_on_a_simulated_cluster_is_told_how_to_go_on(fleet: System) -> None:
    done = fleet.run("submit", "--", "true", check=False)
    assert done.exit_code == 1
    assert "--simulate-seconds" in done.stderr
    waited = fleet.run("submit", "--simulate-seconds", "0.2", "--gpu", "1", "--wait", "--json")
    assert json.loads(waited.stdout)["status"] == "succeeded"


def test_a_log_is_replayed_on_simulated_clusters_only(local: System, tmp_path: Path) -> None:
    log = tmp_path / "small.swf"
    log.write_text("; nothing\n")
    done = local.run("replay-trace", str(log), check=False)
    assert done.exit_code == 1
    assert "simulated" in done.stderr


def test_the_command_runs_as_a_program_in_the_callers_directory(local: System) -> None:
    environment = {**os.environ, "XDG_DATA_HOME": str(local.home)}
    environment.pop("EVENFLOW_URL", None)
    command = [EVENFLOW, "submit", *SMALL, "--follow", "--", "sh", "-c", "pwd; exit 7"]
    done = subprocess.run(
        command, env=environment, cwd=local.home, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (7, f"{local.home}\n")


def test_targets_are_what_prometheus_reads_from_a_file(fleet: System, tmp_path: Path) -> None:
    printed = json.loads(fleet.run("targets").stdout)
    fleet.run("targets", "--file", str(tmp_path / "targets.json"))
    assert json.loads((tmp_path / "targets.json").read_text()) == printed
    assert [path.name for path in tmp_path.iterdir()] == ["targets.json"]
    services = {each["labels"]["service"]: each["targets"] for each in printed}
    assert set(services) == set(fleet.json("status")["services"])
    for (address,) in services.values():
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            assert b"evenflow_build_info" in answer.read()
