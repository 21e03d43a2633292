"""Usage and alerts on one machine: reports equal the log, the engine tells, alerts come once."""

import asyncio
import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from evenflow.cli.launcher.layout.ports import free_port
from evenflow.cli.main import app
from evenflow.client import Client
from evenflow.client.models.jobs import JobRequest
from tests.chaos.system import System, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(360)]
DOWN_SECONDS = 10
HOOK_PORT = free_port()
CONFIG = f"""\
executor:
  local:
    capacity: {{cpu: 8, memory: 16Gi}}
    affinity: false
usage:
  poll_interval: 1s
  prices: {{cpu: 0.03, memory: 0.004}}
alerts:
  allowed_networks: [127.0.0.1/32]
  webhooks: [{{url: "http://127.0.0.1:{HOOK_PORT}/", secret: of-a-test}}]
"""


@pytest.fixture
def client(system: System) -> Iterator[Client]:
    with Client(system.state.url, token=system.state.token()) as client:
        yield client


def command(system: System, *words: str) -> str:
    environment = {**system.environment, "EVENFLOW_URL": system.state.url, "COLUMNS": "100"}
    done = CliRunner().invoke(app, words, env=environment)
    assert done.exit_code == 0, done.output
    return done.stdout


def a_job(queue: str, user: str, script: str, cpu: float) -> JobRequest:
    return {
        "name": "j",
        "queue_id": queue,
        "user_id": user,
        "resources": {"cpu": cpu, "memory": "64Mi"},
        "executor_config": {"command": ["/bin/sh", "-c", script]},
    }


def truth(client: Client) -> dict[tuple[str, str, str], float]:
    """(End - start) times resources, in hours, from the facts of the log."""
    specs: dict[str, Any] = {}
    started: dict[str, int] = {}
    hours: dict[tuple[str, str, str], float] = defaultdict(float)
    last = client.status()["sequence"]
    for event in client.events(begin=1, patience_seconds=30):
        if event.kind == "jobs.submitted":
            specs |= {job["id"]: job for job in event.fact["jobs"]}
        if event.kind == "runs.reported":
            for run in event.fact["runs"]:
                if run["phase"] == "running":
                    started[run["job_id"]] = run["at"]
                elif run["phase"] == "ended":
                    spec = specs[run["job_id"]]
                    begin = started.get(run["job_id"], run["started_at"])
                    for name, amount in spec["resources"].items():
                        base = 1000 if name in ("cpu", "gpu") else 2**30
                        key = spec["queue"], spec["user"], name
                        hours[key] += amount / base * (run["at"] - begin) / 3.6e9
        if event.sequence >= last:
            break
    return hours


async def test_a_report_is_the_sum_over_the_log_also_when_the_gateway_was_killed(
    system: System, client: Client
) -> None:
    for path in ("vision/train", "speech"):
        client.create_queue(path.partition("/")[0])
        if "/" in path:
            client.create_queue(path)
    scripts = ("true", "sleep 0.4", "sleep 1.3", "exit 3")
    jobs = [
        client.submit(a_job(queue, user, scripts[n % 4], 0.5))["id"]
        for n in range(6)
        for queue in ("vision/train", "speech")
        for user in ("ann", "bob")
    ]
    await asyncio.sleep(1)
    pid = system.kill("gateway")
    await system.ready("gateway", not_pid=pid)
    for job_id in jobs:
        client.wait(job_id)
    report = client.usage_report(since=-3600, group_by=("queue", "user"))
    found = {
        (row["queue"], row["user"], name): hours
        for row in report["rows"]
        for name, hours in row["hours"].items()
    }
    expected = truth(client)
    assert found.keys() == expected.keys()
    assert sum(expected.values()) > 0
    for key, hours in expected.items():
        assert found[key] == pytest.approx(hours, rel=1e-6), key
    cost = sum(hours * report["prices"][name] for (*_, name), hours in expected.items())
    assert report["cost"] == pytest.approx(cost)


async def test_the_engine_says_by_which_usage_it_decides(system: System, client: Client) -> None:
    await until(lambda: client.usage()["freshness"] == "fresh", "there is a snapshot", 30)
    document = client.usage()
    assert (document["told_by"], document["degraded"]) == ("policy-engine", False)
    assert document["snapshot"]["backend"] == "log"
    await until(lambda: "vision/train" in client.usage()["queues"], "it knows the jobs", 30)
    figure = client.queue_usage("vision/train")
    assert figure["counts_as"]["cpu"] == figure["usage"]["cpu"]["normalized"] > 0
    assert set(figure["users"]) == {"ann", "bob"}


def test_the_command_shows_tables_csv_and_json(system: System, client: Client) -> None:
    assert "usage is fresh" in command(system, "usage")
    assert "vision/train" in command(system, "usage", "--queue", "vision/train")
    table = command(system, "usage", "--since", "1d", "--by", "day", "--project", "vision")
    assert "vision/train" in table
    assert "█" in table
    text = command(system, "usage", "--since", "1h", "--group-by", "user", "--csv")
    rows = list(csv.DictReader(StringIO(text)))
    assert [row["user"] for row in rows] == ["ann", "bob"]
    document = json.loads(command(system, "usage", "--group-by", "project", "--json"))
    assert [row["project"] for row in document["rows"]] == ["speech", "vision"]


async def test_a_receiver_that_is_down_for_ten_seconds_gets_the_alert_once(
    system: System, client: Client
) -> None:
    client.create_queue("limited")
    client.set_quota("limited", {"cpu_quota": 2, "memory_quota": None})
    job = client.submit(a_job("limited", "ann", "sleep 60", 2))
    await until(lambda: client.alerts("limited"), "an alert was told", 20)
    await asyncio.sleep(DOWN_SECONDS)
    taken: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.headers["X-Evenflow-Delivery"], json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", HOOK_PORT), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        await until(lambda: taken, "the receiver was told", 30)
        await asyncio.sleep(1)  # until that is kept: a crash before tells it again under its id
        pid = system.kill("gateway")  # it tells nothing again
        await system.ready("gateway", not_pid=pid)
        await asyncio.sleep(3)
    finally:
        server.shutdown()
        server.server_close()
    assert [(alert["queue"], alert["level"]) for _, alert in taken] == [("limited", 1.0)]
    assert [alert["id"] for alert in client.alerts()] == [taken[0][0]]
    assert "limited at 100 % of cpu" in command(system, "events", "--kind", "quotas.alerted")
    client.cancel(job["id"])
    await until(lambda: not client.alerts("limited")[0]["raised"], "it fell back", 20)


def test_nothing_crashed(system: System) -> None:
    assert [line for line in system.crashes() if "exit code -9" not in line] == []
    assert Path(system.config).exists()
