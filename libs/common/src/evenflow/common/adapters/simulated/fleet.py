"""The nodes of a simulated cluster; the *observe* half of the simulated executor."""

import re
from typing import Final

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.resources import MILLI

CLUSTER: Final = "simulated"
CORES: Final = 64
MEMORY: Final = 512 * 2**30
MOST_NODES: Final = 20_000
RACK: Final = 8  # nodes of one
ZONE: Final = 8  # racks of one
_SPEC: Final = re.compile(r"(?:simulated:)?([0-9]{1,6})x([0-9]{1,3})")


class SimulatedFleet:
    """`ports.executor.ClusterObserver` on equal nodes that never fail."""

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        """Show these nodes, always."""
        self._nodes = nodes

    async def observe(self) -> tuple[Node, ...]:
        """See the port."""
        return self._nodes


def parse_fleet(spec: str, *, cluster: str = CLUSTER) -> tuple[Node, ...]:
    """Return the nodes of `simulated:<nodes>x<GPUs of each>` or `<nodes>x<GPUs>`.

    They are named sim-0001 on, each with 64 cores and 512 GiB besides its GPUs. Labels say where
    they stand: `rack` (rack-000, of eight nodes) and `zone` (zone-00, of eight racks).

    Raises:
        InvalidValue: not such a text, no node, or more than 20,000.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        rule = "must be <nodes>x<GPUs of each>, such as simulated:100x8"
        raise InvalidValue("cluster", spec, rule)
    count, gpus = int(match.group(1)), int(match.group(2))
    if not 1 <= count <= MOST_NODES:
        raise InvalidValue("cluster", spec, f"must have 1 to {MOST_NODES} nodes")
    capacity = {"cpu": CORES * MILLI, "memory": MEMORY}
    if gpus:
        capacity["gpu"] = gpus * MILLI
    width = max(4, len(str(count)))  # names sort as numbers
    return tuple(
        Node(f"sim-{index + 1:0{width}d}", cluster, capacity, _place(index), executor=CLUSTER)
        for index in range(count)
    )


def _place(index: int) -> dict[str, str]:
    rack, zone = index // RACK, index // (RACK * ZONE)
    return {"rack": f"rack-{rack:03d}", "zone": f"zone-{zone:02d}"}
