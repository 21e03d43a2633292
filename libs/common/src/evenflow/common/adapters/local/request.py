"""What a runner is asked for: the order as a command with its environment and limits."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from evenflow.common.adapters.accounts import (
    Account,
    account_named,
    groups_of,
    may_change_account,
    own_account,
)
from evenflow.common.adapters.local.disk import bounds_of
from evenflow.common.adapters.local.runner.command import Identity
from evenflow.common.adapters.local.runner.runner import Request
from evenflow.common.adapters.local.settings import FOR_OTHERS, LocalSettings
from evenflow.common.domain.errors import RequestRejected
from evenflow.common.domain.jobs.executor_config import local_config
from evenflow.common.ports.executor import RunOrder

_NVIDIA_CONTROL: Final = Path("/dev/nvidiactl")
_PATH_OF_OTHERS: Final = "/usr/local/bin:/usr/bin:/bin"


class AccountRefused(RequestRejected):
    """A run shall have the rights of an account that it cannot have here."""


def make_request(
    order: RunOrder, directory: Path, settings: LocalSettings, *, cpus: list[int]
) -> Request:
    """Return what to send to the fork server.

    Raises:
        InvalidValue: the config is not one of a local run.
        AccountRefused: it cannot run as the account that it is for.
    """
    config = local_config(order.config)
    other = other_account(order.account)
    memory = order.resources.get("memory", 0)
    is_limited = settings.enforce_memory and memory > 0 and not order.devices
    return Request(
        token=order.token,
        directory=str(directory),
        order=asdict(order),
        argv=list(config.argv),
        env=environment(order, config.env, settings, os.environ, account=other),
        working_directory=config.working_directory or _default_directory(settings, other),
        identity=None if other is None else Identity(other.uid, other.gid, groups_of(other)),
        limit_seconds=None if order.time_limit_us is None else order.time_limit_us / 1_000_000,
        grace_seconds=settings.grace.total_seconds(),
        data_limit=memory if is_limited else None,
        cpus=cpus,
        bounds=bounds_of(directory.parent, settings),
    )


def other_account(
    name: str | None,
    *,
    own: Callable[[], str] = own_account,
    may_change: Callable[[], bool] = may_change_account,
) -> Account | None:
    """Return the account to change to; None: runs stay what we are.

    Raises:
        AccountRefused: there is no such account, or we may not become it.
    """
    if name is None or name == own():
        return None
    if not may_change():
        raise AccountRefused(
            f"it must run as account {name}, but the binder runs as {own()} and may not change"
        )
    account = account_named(name)
    if account is None:
        raise AccountRefused(f"it must run as account {name}, which this machine does not have")
    return account


def environment(
    order: RunOrder,
    wanted: Mapping[str, str],
    settings: LocalSettings,
    inherited: Mapping[str, str],
    *,
    account: Account | None = None,
    has_gpus: bool | None = None,
) -> dict[str, str]:
    """Return a command's environment: the clean base, its config's, then what only we may say.

    Nothing else of `inherited` goes into it: that may hold secrets of whoever started us.
    """
    base = _base(settings, inherited, account)
    ours = {
        "EVENFLOW_RUN": order.token,
        "EVENFLOW_JOB_ID": order.job_id,
        "EVENFLOW_ATTEMPT": str(order.attempt),
        "EVENFLOW_TASK_INDEX": str(order.task_index),
        "EVENFLOW_TASK_COUNT": str(order.task_count),
    }
    if order.task_group:
        ours["EVENFLOW_TASK_GROUP"] = order.task_group
    if order.array_index is not None:
        ours["EVENFLOW_ARRAY_INDEX"] = str(order.array_index)
    # Without the variable a program sees every GPU, also those that others were given.
    if order.devices or (_NVIDIA_CONTROL.exists() if has_gpus is None else has_gpus):
        ours["CUDA_VISIBLE_DEVICES"] = ",".join(str(device) for device in order.devices)
    return {"PATH": os.defpath, **base, **settings.environment, **wanted, **ours}


def _base(
    settings: LocalSettings, inherited: Mapping[str, str], account: Account | None
) -> dict[str, str]:
    names = {*settings.inherited, *settings.pass_environment}
    if account is None:
        return {name: inherited[name] for name in names if name in inherited}
    names &= FOR_OTHERS | set(settings.pass_environment)
    return {
        "PATH": _PATH_OF_OTHERS,
        **{name: inherited[name] for name in names if name in inherited},
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": account.shell or "/bin/sh",
    }


def _default_directory(settings: LocalSettings, account: Account | None) -> str:
    # A home rather than the run's own directory: what a command leaves must not go with the
    # retention.
    if settings.default_directory is not None:
        return str(settings.default_directory)
    if account is None:
        return os.environ.get("HOME") or "/"
    return account.home if Path(account.home).is_dir() else "/"
