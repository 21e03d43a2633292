"""What a runner is asked for: the order as a command with its environment and limits."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from evenflow.common.adapters.local.runner.runner import Request
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.domain.jobs.executor_config import local_config
from evenflow.common.ports.executor import RunOrder

_NVIDIA_CONTROL: Final = Path("/dev/nvidiactl")


def make_request(
    order: RunOrder, directory: Path, settings: LocalSettings, *, cpus: list[int]
) -> Request:
    """Return what to send to the fork server.

    Raises:
        InvalidValue: the config is not one of a local run.
    """
    config = local_config(order.config)
    memory = order.resources.get("memory", 0)
    is_limited = settings.enforce_memory and memory > 0 and not order.devices
    return Request(
        token=order.token,
        directory=str(directory),
        order=asdict(order),
        argv=list(config.argv),
        env=environment(order, config.env, settings, os.environ),
        working_directory=config.working_directory or _default_directory(settings),
        limit_seconds=None if order.time_limit_us is None else order.time_limit_us / 1_000_000,
        grace_seconds=settings.grace.total_seconds(),
        data_limit=memory if is_limited else None,
        cpus=cpus,
    )


def environment(
    order: RunOrder,
    wanted: Mapping[str, str],
    settings: LocalSettings,
    inherited: Mapping[str, str],
    *,
    has_gpus: bool | None = None,
) -> dict[str, str]:
    """Return a command's environment: the clean base, its config's, then what only we may say."""
    base = {name: inherited[name] for name in settings.inherited if name in inherited}
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


def _default_directory(settings: LocalSettings) -> str:
    # A home rather than the run's own directory: what a command leaves must not go with the
    # retention.
    return str(settings.default_directory or os.environ.get("HOME") or "/")
