"""A machine that runs tasks, as its cluster reports it. Not what is free on it: see ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evenflow.common.domain.resources import Resources


@dataclass(frozen=True, slots=True)
class Taint:
    """What keeps work off a node that does not tolerate it."""

    key: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of a cluster.

    `capacity` is what jobs may use on it; GPUs are counted in thousandths and numbered from 0, so a
    node of `gpu: 8000` has devices 0..7. `is_ready` is false while the cluster says that it is lost
    or broken.
    """

    name: str  # unique in the shard
    cluster: str
    capacity: Resources
    labels: Mapping[str, str] = field(default_factory=dict)
    is_ready: bool = True
    taints: tuple[Taint, ...] = ()
    executor: str = ""  # the kind of its cluster, as jobs name it; empty: the cluster's own name
    account: str = ""  # that runs here have unless told; empty: the cluster has no such thing
    changes_account: bool = False  # whether a run may have the rights of another

    @property
    def kind(self) -> str:
        """What a job's `executor` must say to come here."""
        return self.executor or self.cluster

    @property
    def device_count(self) -> int:
        """Whole GPUs on the node."""
        return self.capacity.get("gpu", 0) // 1000
