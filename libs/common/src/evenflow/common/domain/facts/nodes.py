"""Facts about nodes, as operators say them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cordoned:
    """Nothing new is placed on these nodes; what runs there stays."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uncordoned:
    """These nodes take new work again."""

    nodes: tuple[str, ...]
