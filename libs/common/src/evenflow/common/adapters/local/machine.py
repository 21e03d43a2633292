"""This machine as one node; the *observe* half of the local executor."""

import asyncio
import importlib
import os
import platform
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from evenflow.common.adapters.accounts import may_change_account, own_account
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.resources import MILLI

CLUSTER: Final = "local"
_UNLIMITED: Final = 2**60  # cgroup v1 writes about 2^63 for no limit

_log = structlog.get_logger(__name__)


class LocalMachine:
    """`ports.executor.ClusterObserver` of the machine that we are on."""

    def __init__(self, *, capacity: Mapping[str, int] | None = None, name: str = "") -> None:
        """`capacity` replaces what is detected, entry by entry, in the units of `Resources`."""
        self._capacity = dict(capacity or {})
        self._name = name or socket.gethostname()
        self._gpus: Gpus | None = None

    async def observe(self) -> tuple[Node, ...]:
        """See the port."""
        return (await asyncio.to_thread(self._observe),)

    def _observe(self) -> Node:
        if self._gpus is None:  # once: talking to the driver may take a second
            self._gpus = detect_gpus()
        detected = {
            "cpu": usable_cpu(),
            "memory": usable_memory(),
            "gpu": self._gpus.count * MILLI,
        }
        capacity = {n: a for n, a in {**detected, **self._capacity}.items() if a > 0}
        labels = {
            "hostname": self._name,
            "arch": platform.machine(),
            "os": platform.system().lower(),
            **self._gpus.labels,
        }
        return Node(
            self._name,
            CLUSTER,
            capacity,
            labels,
            executor=CLUSTER,
            account=own_account(),
            changes_account=may_change_account(),
        )


class Gpus:
    """How many cards there are and what they are called."""

    def __init__(self, count: int = 0, model: str = "") -> None:
        """`model` is empty when there is none, or no name for it."""
        self.count = count
        self.labels = {"gpu-model": model} if model else {}


def detect_gpus() -> Gpus:
    """Ask NVIDIA's library, when its binding is installed and a driver answers."""
    try:
        nvml: Any = importlib.import_module("pynvml")
    except ImportError:
        return Gpus()
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        _log.info("gpus_not_found", reason=str(error))
        return Gpus()
    try:
        count = int(nvml.nvmlDeviceGetCount())
        model = nvml.nvmlDeviceGetName(nvml.nvmlDeviceGetHandleByIndex(0)) if count else ""
        return Gpus(count, model.decode() if isinstance(model, bytes) else str(model))
    except nvml.NVMLError as error:
        _log.warning("gpus_not_counted", reason=str(error))
        return Gpus()
    finally:
        with suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def usable_cpu(root: Path = Path("/")) -> int:
    """Return thousandths of a core that we may use: by affinity, or cgroup quota when smaller."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quotas = [cores * MILLI]
    for group in _cgroups(root):
        quota, period = [*_words(group / "cpu.max"), "max", "100000"][:2]
        if quota == "max":
            quota = (_words(group / "cpu.cfs_quota_us") or ["max"])[0]
            period = (_words(group / "cpu.cfs_period_us") or ["100000"])[0]
        if quota.isdigit() and period.isdigit() and int(period):
            quotas.append(int(quota) * MILLI // int(period))
    return max(1, min(quotas))


def usable_memory(root: Path = Path("/")) -> int:
    """Return the machine's memory in bytes, or its cgroup's limit when smaller; 0 when unknown."""
    meminfo = _lines(root / "proc/meminfo")
    limits = [int(line.split()[1]) * 1024 for line in meminfo if line.startswith("MemTotal:")]
    if not limits and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for group in _cgroups(root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            amounts = [int(word) for word in _words(group / name) if word.isdigit()]
            limits += [amount for amount in amounts if amount < _UNLIMITED]
    return min(limits, default=0)


def _cgroups(root: Path) -> list[Path]:
    """Directories that may limit us: our groups and all above them, versions 1 and 2."""
    mount = root / "sys/fs/cgroup"
    found: dict[Path, None] = {}  # a set that keeps the order
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and not {"cpu", "memory"} & set(controllers.split(",")):
            continue
        top = mount / controllers if controllers else mount
        group = top / path.lstrip("/")
        while group.is_relative_to(top):
            found[group] = None
            group = group.parent
        if controllers:
            found.update((mount / name, None) for name in controllers.split(","))
    return list(found)


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
