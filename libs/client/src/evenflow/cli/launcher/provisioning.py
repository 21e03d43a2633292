"""What `up` does between servers and services: streams are made by the login that alone may."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from evenflow.cli.launcher.layout.errors import CannotStart
from evenflow.client.discovery.running import RunningSystem, running_systems
from evenflow.client.errors import NoSystem, SeveralSystems
from evenflow.common.adapters.log.shard_log import BrokerAccess, provision_shard
from evenflow.common.adapters.nats.accounts.identities import PROVISIONER
from evenflow.common.adapters.nats.accounts.stores import kept
from evenflow.common.adapters.nats.accounts.verbs import API_PREFIX
from evenflow.common.adapters.nats.streams import Made
from evenflow.common.domain.errors import EvenflowError, TemporarilyUnavailable
from evenflow.common.runtime.broker import broker_access
from evenflow.common.runtime.logging import log_errors_alone
from evenflow.common.runtime.settings import Settings

_NAME: Final = "provision"
_NO_ACCOUNT: Final = "$G"
"""Where the broker keeps streams of logins without an account."""


async def provision_embedded(settings: Settings, url: str, password: str) -> list[Made]:
    """Make streams and buckets on the broker of our own.

    Raises:
        CannotStart: the broker refuses.
    """
    told = broker_access(settings, _NAME)
    access = BrokerAccess(
        url=url,
        shard=told.shard,
        name=told.name,
        user=PROVISIONER,
        password=password,
        api_prefix=API_PREFIX,
        max_bytes=told.max_bytes,
        samples_max_age_seconds=told.samples_max_age_seconds,
    )
    try:
        return await _provision(access)
    except TemporarilyUnavailable as error:
        raise CannotStart(str(error)) from error


async def provision_external(settings: Settings) -> list[Made]:
    """Make streams and buckets on somebody else's broker, with the login of the settings.

    A broker that is away, or lets only its provisioner do so, is left as it is: the services wait
    for it, and say what is missing.

    Raises:
        CannotStart: a stream of that name is not ours, or the server is too old.
    """
    try:
        return await _provision(broker_access(settings, _NAME))
    except TemporarilyUnavailable:
        return []


def provisioner_access(settings: Settings) -> BrokerAccess:
    """Return how to reach the broker as who may make streams.

    The broker is that of the settings, else that of the system that `up` runs here: what `up` was
    told about the log's size stays as it is then, where the settings at hand say nothing.

    Raises:
        NoSystem, SeveralSystems: the settings name no broker, and none or several run here.
    """
    log_errors_alone()
    told = broker_access(settings, _NAME)
    if settings.nats.model_fields_set & {"url", "user", "credentials_file"}:
        return told
    system = _running_here()
    local = replace(
        told,
        url=system.nats_url,
        max_bytes=told.max_bytes if settings.log_store.model_fields_set else None,
        samples_max_age_seconds=None,
    )
    secret = Path(system.data_dir, "secrets", f"nats-{PROVISIONER}")
    if not secret.is_file():  # its broker is somebody else's, and so are its logins
        return local
    password = secret.read_text(encoding="utf-8").strip()
    return replace(local, user=PROVISIONER, password=password, api_prefix=API_PREFIX)


def _running_here() -> RunningSystem:
    systems = running_systems()
    if not systems:
        raise NoSystem
    if len(systems) > 1:
        raise SeveralSystems([(each.name, each.url, each.data_dir) for each in systems])
    return systems[0]


def adopt_streams(store: Path, shard: str) -> list[str]:
    """Move the streams that an older release kept outside of accounts to where they belong now.

    Called while no server runs. Returns the names of what was moved.
    """
    moved = []
    for each in kept(shard):
        old = store / "jetstream" / _NO_ACCOUNT / "streams" / each.stream
        new = store / "jetstream" / each.stream / "streams" / each.stream
        if old.is_dir() and not new.exists():
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
            moved.append(each.stream)
    return moved


async def _provision(access: BrokerAccess) -> list[Made]:
    log_errors_alone()
    try:
        return await provision_shard(access)
    except TemporarilyUnavailable:
        raise
    except EvenflowError as error:
        raise CannotStart(str(error)) from error
