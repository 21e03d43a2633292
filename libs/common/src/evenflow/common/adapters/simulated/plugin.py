"""A fleet that is not there, as a kind of cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evenflow.common.adapters.simulated.executor import SimulatedExecutor
from evenflow.common.adapters.simulated.fleet import CLUSTER, SimulatedFleet, parse_fleet
from evenflow.common.domain.jobs.executor_config import simulated_config
from evenflow.common.ports.cluster import ClusterSetup, ShardTime


@dataclass(frozen=True, slots=True)
class SimulatedKind:
    """`ports.cluster.ClusterKind` of `simulated:<nodes>x<GPUs of each>`."""

    name: str = CLUSTER
    # Its runs are known from the log alone: another binder goes on with them.
    is_this_machine: bool = False
    # It is never out of reach: it is us.
    force_after_seconds: float | None = None

    def check(self, setup: ClusterSetup) -> None:
        """See the port."""
        self.observer(setup)

    def check_job(self, config: Mapping[str, object]) -> None:
        """See the port."""
        simulated_config(config)

    def executor(self, setup: ClusterSetup, time: ShardTime) -> SimulatedExecutor:  # noqa: ARG002
        """See the port. Nothing of it depends on the fleet's size."""
        executor = SimulatedExecutor(now=time.now, wall_seconds=time.wall_seconds)
        time.on_change(executor.clock_changed)
        return executor

    def observer(self, setup: ClusterSetup) -> SimulatedFleet:
        """See the port."""
        return SimulatedFleet(parse_fleet(setup.spec, cluster=self.name))


KIND: Final = SimulatedKind()
