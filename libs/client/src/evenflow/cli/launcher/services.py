"""The five services of one machine: how each is started and what it is told. Starts nothing."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.layout.datadir import DataDir
from evenflow.common.adapters.nats.accounts.verbs import API_PREFIX

GATEWAY: Final = "gateway"
BINDER: Final = "binder"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service by name, and the command that runs it."""

    name: str
    command: tuple[str, ...]


SERVICES: Final = tuple(
    ServiceSpec(name, (sys.executable, "-m", f"evenflow.{name.replace('-', '_')}"))
    for name in ("policy-engine", "exporter", BINDER, "usage-aggregator", GATEWAY)
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a service reaches a server. No user or password file: as the settings say."""

    url: str
    password_file: str | None = None


def service_environment(  # the contract with the services, in one place
    service: str,
    *,
    data: DataDir,
    nats: Endpoint,
    redis: Endpoint,
    gateway_port: int,
    token_file: Path,
    leash: int,
    common: Mapping[str, str],
) -> dict[str, str]:
    """Return the variables `up` adds to its own environment for one service."""
    environment = {
        **common,
        "EVENFLOW_DATA_DIR": str(data.root),
        "EVENFLOW_NATS__URL": nats.url,
        "EVENFLOW_REDIS__URL": redis.url,
        "EVENFLOW_GATEWAY__PORT": str(gateway_port),
        "EVENFLOW_GATEWAY__TOKEN_FILE": str(token_file),
        "EVENFLOW_LOG__FORMAT": "json",
        "EVENFLOW_LEASH_FD": str(leash),
        "EVENFLOW_STATUS_FILE": str(status_file(data, service)),
        "EVENFLOW_CHILDREN_FILE": str(data.pids),
    }
    if nats.password_file:
        environment["EVENFLOW_NATS__USER"] = service
        environment["EVENFLOW_NATS__API_PREFIX"] = API_PREFIX
        environment["EVENFLOW_NATS__PASSWORD"] = ""  # of another broker, should it be set here
        environment["EVENFLOW_NATS__PASSWORD_FILE"] = str(data.secret(f"nats-{service}"))
    if redis.password_file:
        environment["EVENFLOW_REDIS__PASSWORD"] = ""
        environment["EVENFLOW_REDIS__PASSWORD_FILE"] = redis.password_file
    return environment


def status_file(data: DataDir, service: str) -> Path:
    """Return where a service writes its pid and health URL."""
    return data.run / f"{service}.json"
