"""Commands about jobs, and both clients, against a system that runs them on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evenflow.client import ApiProblem, AsyncClient, Client

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
EVENFLOW = str(Path(sys.executable).with_name("evenflow"))
SMALL = ("--cpu", "100m", "--memory", "64Mi")


def test_waiting_shows_the_states_and_exits_with_the_jobs_exit_code(local) -> None:
    done = local.run("submit", *SMALL, "--wait", "--", "sh", "-c", "exit 3", check=False)
    assert done.exit_code == 3
    assert "failed" in done.stderr
    assert "exit code 3" in done.stderr


def test_output_is_followed_and_is_all_that_stdout_has(local) -> None:
    script = "echo $EVENFLOW_TASK_INDEX $FLAVOUR; pwd; echo oops >&2"
    done = local.run(
        "submit", *SMALL, "--tasks", "2", "--env", "FLAVOUR=sweet", "--follow",
        "--cwd", str(local.home),
        "--", "sh", "-c", script,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert sorted(lines) == sorted(["0 sweet", "1 sweet", str(local.home), str(local.home)])
    assert "oops" in done.stderr


def test_a_job_at_its_time_limit_exits_like_timeout(local) -> None:
    done = local.run(
        "submit", *SMALL, "--time-limit", "200ms", "--wait", "--", "sleep", "30", check=False
    )
    assert done.exit_code == 124


def test_each_index_of_an_array_runs(local) -> None:
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


def test_a_job_that_fits_no_node_waits_and_is_warned_of(local) -> None:
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


def test_an_unknown_job_and_an_ambiguous_beginning_are_told_apart(local) -> None:
    for _ in range(2):
        local.run("submit", *SMALL, "--", "true")
    one = local.run("job", "0", check=False)
    assert one.exit_code == 1
    assert "begins the ids of" in one.stderr
    nobody = local.run("job", "ffff", check=False)
    assert nobody.exit_code == 1
    assert "no job 'ffff'" in nobody.stderr


def test_waiting_jobs_are_cancelled_in_bulk_after_a_question(local) -> None:
    for _ in range(3):
        local.run("submit", "--gpu", "640", "--name", "bulk", "--", "true")
    refused = local.run("cancel", "--all-pending", check=False)
    assert refused.exit_code != 0
    done = local.run("cancel", "--all-pending", "--yes")
    assert done.stdout.count("bulk cancelled") == 3
    assert local.run("cancel", "--all-pending").stdout == "no jobs match\n"


def test_every_broken_rule_is_told_at_once(local) -> None:
    done = local.run(
        "submit", "--queue", "nowhere", "--cpu=-1", "--tasks", "0", "--", "true", check=False
    )
    assert done.exit_code == 1
    assert "3 rules are broken" in done.stderr


def test_the_status_names_five_services_with_five_pids(local) -> None:
    services = local.json("status")["services"]
    assert len({service["pid"] for service in services.values()}) == 5
    assert "ready" in local.run("status").stdout


def test_facts_are_printed_from_the_first_to_the_last(local) -> None:
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


def test_the_event_stream_goes_on_behind_the_last_fact_seen(local) -> None:
    with Client(local.url, token=local.token) as client:
        first = next(client.events(begin=1))
        assert first.sequence == 1
        second = next(client.events(begin=first.sequence + 1))
        assert second.sequence > first.sequence
        with pytest.raises(ApiProblem):
            next(client.events(kinds=["no.such"]))


async def test_the_async_client_submits_waits_and_reads_its_own_writes(local) -> None:
    async with AsyncClient(local.url, token=local.token) as client:
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


def test_a_log_is_replayed_on_simulated_clusters_only(local, tmp_path: Path) -> None:
    log = tmp_path / "small.swf"
    log.write_text("; nothing\n")
    done = local.run("replay-trace", str(log), check=False)
    assert done.exit_code == 1
    assert "simulated" in done.stderr


def test_the_command_runs_as_a_program_in_the_callers_directory(local) -> None:
    environment = {**os.environ, "XDG_DATA_HOME": str(local.home)}
    environment.pop("EVENFLOW_URL", None)
    command = [EVENFLOW, "submit", *SMALL, "--follow", "--", "sh", "-c", "pwd; exit 7"]
    done = subprocess.run(
        command, env=environment, cwd=local.home, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (7, f"{local.home}\n")
