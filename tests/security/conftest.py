"""One gateway of its own process over a real broker, with two projects and everybody in them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from evenflow.cli.launcher.layout.ports import free_port
from evenflow.common.testing.servers.nats import NatsServer, nats_server

ROLES: Final = ("viewer", "member", "operator", "admin")
PROJECTS: Final = ("a", "b", "*")
START_SECONDS: Final = 30


@dataclass
class Gateway:
    """A running gateway, who may ask it, and things of project `a` to ask for."""

    url: str
    nats: NatsServer
    data: Path
    process: subprocess.Popen[bytes]
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    """By role and project; the user is called `<role>-<project>`."""
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def file_token(self) -> str:
        return (self.data / "secrets" / "token").read_text().strip()

    def client(self, token: str | None = None, **more: Any) -> httpx.Client:
        """A client with nothing but a token, or with none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=20, **more)

    def as_(self, role: str, project: str) -> httpx.Client:
        return self.client(self.tokens[role, project])

    def owner(self) -> httpx.Client:
        return self.client(self.file_token)

    def make_token(self, user: str, *projects: str, role: str = "member", **more: Any) -> Any:
        body = {"user_id": user, "projects": list(projects), "role": role, **more}
        with self.owner() as client:
            answer = client.post("/api/v1/tokens", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def submit(self, token: str, **fields: Any) -> str:
        body = {"name": "j", "executor_config": {}, **fields}
        with self.client(token) as client:
            answer = client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def start_gateway(folder: Path, nats: NatsServer, **environment: str) -> Gateway:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "evenflow.gateway"],
        env={
            **os.environ,
            "EVENFLOW_NATS__URL": nats.url,
            "EVENFLOW_DATA_DIR": str(folder),
            "EVENFLOW_GATEWAY__PORT": str(port),
            # Its users need no accounts of this machine.
            "EVENFLOW_CLUSTER": "simulated:1x1",
            **environment,
        },
    )
    gateway = Gateway(f"http://127.0.0.1:{port}", nats, folder, process)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the gateway ended"
        try:
            if httpx.get(f"{gateway.url}/readyz").is_success:
                return gateway
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    process.kill()
    raise AssertionError("the gateway does not get ready")


def stop(gateway: Gateway) -> None:
    gateway.process.terminate()
    try:
        gateway.process.wait(20)
    except subprocess.TimeoutExpired:
        gateway.process.kill()
        gateway.process.wait()


@pytest.fixture(scope="session")
def broker() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture(scope="session")
def gateway(broker: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = start_gateway(tmp_path_factory.mktemp("gateway"), broker)
    try:
        for role in ROLES:
            for project in PROJECTS:
                name = f"{role}-{'all' if project == '*' else project}"
                made = running.make_token(name, project, role=role)
                running.tokens[role, project] = made["token"]
        for project in "ab":
            with running.owner() as client:
                for path in (f"{project}/q", f"{project}/secret-{project}"):
                    answer = client.post("/api/v1/queues", json={"path": path})
                    assert answer.status_code == 201, answer.text
            job = running.submit(running.file_token, queue_id=f"{project}/q", name=f"of-{project}")
            running.ids[f"job-{project}"] = job
        yield running
    finally:
        stop(running)
