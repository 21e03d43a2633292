"""This machine as a kind of cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evenflow.common.adapters.local.executor import LocalExecutor
from evenflow.common.adapters.local.machine import CLUSTER, LocalMachine
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.domain.jobs.executor_config import local_config
from evenflow.common.domain.resources import parse_resources
from evenflow.common.ports.cluster import ClusterSetup, ShardTime

_CAPACITY: Final = "capacity"  # the observer's; all other options are the executor's


@dataclass(frozen=True, slots=True)
class LocalKind:
    """`ports.cluster.ClusterKind` of the machine that we are on."""

    name: str = CLUSTER
    is_this_machine: bool = True
    # It is never out of reach while we run on it.
    force_after_seconds: float | None = None

    def check(self, setup: ClusterSetup) -> None:
        """See the port."""
        self.observer(setup)

    def check_job(self, config: Mapping[str, object]) -> None:
        """See the port."""
        local_config(config)

    def executor(self, setup: ClusterSetup, time: ShardTime) -> LocalExecutor:
        """See the port. Runs are kept below `jobs` of the data directory."""
        options = {name: value for name, value in setup.options.items() if name != _CAPACITY}
        return LocalExecutor(
            setup.data_dir / "jobs", shard_time=time.at, settings=LocalSettings(**options)
        )

    def observer(self, setup: ClusterSetup) -> LocalMachine:
        """See the port. Option `capacity` replaces what is detected, entry by entry."""
        given = setup.options.get(_CAPACITY)
        amounts = parse_resources(given, field="executor.local.capacity") if given else None
        return LocalMachine(capacity=amounts)


KIND: Final = LocalKind()
