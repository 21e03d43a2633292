"""What one cluster looks like: observed, compared with the log, and told where it differs."""

from typing import Final

from evenflow.common.domain.errors import EvenflowError, TemporarilyUnavailable
from evenflow.common.ports.executor import ClusterObserver
from evenflow.common.ports.log import FactLog, Origin
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.exporter.core.node_changes import compare_nodes, facts_of

_ORIGIN: Final = Origin(actor="exporter")


class ClusterWatch:
    """Tells the log what changed in one cluster. A cluster that cannot be seen changes nothing."""

    def __init__(
        self,
        ctx: ServiceContext,
        cluster: str,
        observer: ClusterObserver,
        follower: Follower,
        writer: FactLog,
    ) -> None:
        """`cluster` is the name that the observer's nodes carry."""
        self._ctx = ctx
        self._cluster = cluster
        self._observer = observer
        self._follower = follower
        self._writer = writer
        self._foreign: tuple[str, ...] = ()

    async def observe(self) -> None:
        """Observe once, append what differs, and return when it is folded."""
        try:
            nodes = await self._observer.observe()
        except (EvenflowError, OSError) as error:
            self._ctx.health.fail("cluster", f"{self._cluster} cannot be seen: {error}")
            return
        self._ctx.health.clear("cluster")
        # What operators say over it is not ours to compare with.
        change = compare_nodes(self._cluster, nodes, self._follower.state.observed)
        if change.foreign != self._foreign:
            self._foreign = change.foreign
            self._ctx.log.warning("nodes_of_another_cluster", nodes=change.foreign)
        sequence = 0
        try:
            for fact in facts_of(self._cluster, change):
                sequence = await self._writer.append(fact, _ORIGIN)
        except TemporarilyUnavailable as error:
            self._ctx.health.fail("log", str(error))
            return
        self._ctx.health.clear("log")
        if sequence:
            await self._follower.reach(sequence)
            self._ctx.log.info("cluster_observed", changed=len(change.nodes), gone=len(change.gone))
