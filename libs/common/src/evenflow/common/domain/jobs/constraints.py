"""Where the tasks of a job may go, and where they would rather go, as it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NODE_LEVEL: Final = "node"
"""The finest topology level; the others are labels of nodes."""


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint that the job bears: `key`, with `value` None for any value of it."""

    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class AntiAffinity:
    """Tasks that share no domain of a level: the job's own, or those of all jobs with this key."""

    level: str = NODE_LEVEL  # NODE_LEVEL or a label of nodes, such as "rack"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Constraints:
    """Where the tasks of a job may go, and where they would rather go."""

    # Label of a node to the values that will do; no values: any, as long as it has the label.
    selector: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    anti_affinity: AntiAffinity | None = None
    # The whole gang in one domain of this level (a label, or NODE_LEVEL), or it does not start.
    required_level: str | None = None
    # In one domain of this level if any has room, else wherever it fits.
    preferred_level: str | None = None
    # How to choose among nodes that fit; None: as the settings say.
    strategy: str | None = None
    # Clusters to try first, in this order. A gang never spreads over clusters.
    clusters: tuple[str, ...] = ()


ANYWHERE: Final = Constraints()
