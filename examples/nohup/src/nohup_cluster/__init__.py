"""A kind of cluster in three files: its registration, its *act* half, and a run on disk.

Runs are processes of this machine that outlive whoever started them. All that is known of one lies
in its directory, so that a new binder goes on where the old one was.
"""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.nodes.node import Node
from evenflow.common.ports.cluster import ClusterSetup, ShardTime
from nohup_cluster.executor import NohupExecutor

NAME: Final = "nohup"


@dataclass(frozen=True, slots=True)
class NohupKind:
    """`ports.cluster.ClusterKind` of the setting `cluster: nohup`."""

    name: str = NAME
    is_this_machine: bool = True
    # A directory is always within reach.
    force_after_seconds: float | None = None

    def check(self, setup: ClusterSetup) -> None:
        """See the port. `executor.nohup.cores` says how many cores of this machine jobs may use."""
        if setup.spec != NAME:
            raise InvalidValue("cluster", setup.spec, f"must be {NAME}, with nothing behind it")
        _cores(setup.options)

    def check_job(self, config: Mapping[str, object]) -> None:
        """See the port. What a job says is `{command: a text for the shell}`."""
        for name in config:
            if name != "command":
                raise InvalidValue(f"executor_config.{name}", name, "is unknown; known is command")
        command = config.get("command")
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            raise InvalidValue(
                "executor_config.command", command, "must be a text for the shell, as 'echo hello'"
            )

    def executor(self, setup: ClusterSetup, time: ShardTime) -> NohupExecutor:
        """See the port."""
        return NohupExecutor(setup.data_dir / NAME, now=time.now)

    def observer(self, setup: ClusterSetup) -> "ThisMachine":
        """See the port."""
        return ThisMachine(_cores(setup.options))


class ThisMachine:
    """`ports.executor.ClusterObserver` of one node, which is always there."""

    def __init__(self, cores: int) -> None:
        """Offer so many cores."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        capacity = {"cpu": cores * 1000, "memory": memory}
        self._node = Node(platform.node() or NAME, NAME, capacity)

    async def observe(self) -> tuple[Node, ...]:
        """See the port."""
        return (self._node,)


def _cores(options: Mapping[str, object]) -> int:
    text = str(options.get("cores", os.cpu_count() or 1))
    if not text.isdecimal() or not int(text):
        raise InvalidValue("executor.nohup.cores", text, "must be a number of cores from 1 on")
    return int(text)


KIND: Final = NohupKind()
