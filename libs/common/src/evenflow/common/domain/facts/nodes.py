"""Facts about nodes, as operators say them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cordoned:
    """Nothing new is placed on these nodes; what runs there stays."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uncordoned:
    """These nodes take new work again."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Labels of one node that are set, and those taken away."""

    node: str
    labels: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels of nodes differ from now on, whatever their cluster says of these labels."""

    nodes: tuple[LabelChange, ...]


@dataclass(frozen=True, slots=True)
class TaintChange:
    """Taints of one node that are set, by key, and keys of those taken away."""

    node: str
    taints: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tainted:
    """Taints of nodes differ from now on, whatever their cluster says of these keys."""

    nodes: tuple[TaintChange, ...]
