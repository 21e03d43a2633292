"""Dashboards and alert rules against a real Prometheus that scrapes a whole system."""

import asyncio
import json
import math
import os
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenflow.common.testing.servers.stores import StoreServer, store_program
from tests.chaos.system import EVENFLOW, System, until

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus"
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
VARIABLES = {
    "$shard": "main",
    "$queue": ".*",
    "$resource": "gpu",
    "$__rate_interval": "20s",
}
SCRAPES_FOR_A_RATE = 12.0


def tool(name: str) -> Path:
    try:
        return store_program(name)
    except FileNotFoundError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


def panels(path: Path) -> Iterator[tuple[str, str]]:
    for panel in json.loads(path.read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


EXPRESSIONS = [
    pytest.param(expression, id=f"{path.stem}: {title} {number}")
    for path in DASHBOARDS
    for number, (title, expression) in enumerate(panels(path))
]


def promtool(*words: str, cwd: Path = RULES) -> None:
    done = subprocess.run(
        [tool("promtool"), *words], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_rules_and_each_alert_tells_what_to_do():
    promtool("check", "rules", "rules.yaml")
    text = (RULES / "rules.yaml").read_text()
    assert text.count("- alert:") == text.count("summary:") == text.count("description:")


def test_alerts_come_when_they_should_and_only_then():
    promtool("test", "rules", "rules_test.yaml")


def test_the_configuration_is_one(tmp_path):
    shutil.copytree(RULES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "evenflow-targets.json").write_text("[]")
    promtool("check", "config", "prometheus.yaml", cwd=tmp_path)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_names_each_panel_once_and_every_variable_it_uses(path):
    document = json.loads(path.read_text())
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))
    known = {f"${each['name']}" for each in document["templating"]["list"]}
    for _, expression in panels(path):
        assert set(re.findall(r"\$\w+", expression)) <= {*known, "$__rate_interval"}


CONFIG = """\
cluster: simulated:2x8
usage: {poll_interval: 1s}
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    """A Prometheus with our own configuration, on a system in which everything happens."""
    tool("prometheus")
    home = tmp_path_factory.mktemp("monitoring")
    system, server = (
        System(home / "system", config=CONFIG),
        StoreServer(home, "prometheus", "/-/ready"),
    )
    try:
        asyncio.run(system.start())
        _configure(server, home, system)
        server.start()
        _load(system)
        yield server
    finally:
        server.kill()
        asyncio.run(system.end())


def _configure(server: StoreServer, home: Path, system: System) -> None:
    """Use what is shipped; only that a test will not wait for scrapes every five seconds."""
    shutil.copytree(RULES, home, dirs_exist_ok=True)
    config = home / "prometheus.yaml"
    config.write_text(config.read_text().replace("interval: 5s", "interval: 1s"))
    subprocess.run(
        [EVENFLOW, "targets", "--file", home / "evenflow-targets.json", "--url", system.state.url],
        check=True,
        env={**os.environ, **system.environment},
    )
    server.arguments = (
        f"--config.file={config}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address=127.0.0.1:{server.port}",
    )


def _load(system: System) -> None:
    """Jobs that run, wait and end, for as long as a rate needs."""
    with httpx.Client(base_url=system.state.url, headers=system.headers, timeout=10) as rest:
        end = time.monotonic() + SCRAPES_FOR_A_RATE
        while time.monotonic() < end:
            jobs = [
                {"name": "load", "executor": "simulated", "resources": {"gpu": 1}}
                | {"executor_config": {"run_seconds": seconds}}
                for seconds in (0.2, 3)
            ]
            rest.post("/api/v1/jobs:batch", json={"jobs": jobs * 6}).raise_for_status()
            time.sleep(0.5)


def asked(server: StoreServer, expression: str) -> list[dict[str, Any]]:
    url = f"{server.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return result


@pytest.mark.integration
@pytest.mark.timeout(180)
@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_every_panel_shows_something(watched: StoreServer, expression: str):
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    await until(lambda: asked(watched, expression), expression, 10)
    values = [float(one["value"][1]) for one in asked(watched, expression)]
    assert not all(math.isnan(value) for value in values), "all of them are not a number"


@pytest.mark.integration
@pytest.mark.timeout(180)
async def test_all_services_are_scraped_and_a_healthy_system_alerts_nobody(watched: StoreServer):
    up = {one["metric"]["service"]: one["value"][1] for one in asked(watched, "up")}
    assert up == dict.fromkeys(
        ("gateway", "exporter", "usage-aggregator", "policy-engine", "binder"), "1"
    )
    with urllib.request.urlopen(f"{watched.url}/api/v1/rules", timeout=5) as answer:  # noqa: S310
        groups = json.load(answer)["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []
