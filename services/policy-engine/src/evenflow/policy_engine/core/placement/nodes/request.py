"""The amounts that one task needs, taken apart once so that comparing them is quick."""

from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state.ledger import DEVICE

NEVER: Final = 1 << 62  # whole GPUs that no node has
UNASKED: Final = -(1 << 80)  # free amounts may be negative; who does not ask does not mind
COUNTLESS: Final = 1 << 40  # tasks that ask for nothing

RequestKey = tuple[tuple[str, int], ...]
"""Names and amounts above 0, sorted by name: equal for equal requests."""


def key_of(resources: Resources) -> RequestKey:
    """Return the request without its zeros, in the order of names."""
    return tuple(sorted((name, amount) for name, amount in resources.items() if amount))


@dataclass(frozen=True, slots=True)
class Request:
    """Amounts (0 where nothing is asked), and what a node needs at least (`least_…`).

    GPUs are whole cards, or a fraction of one card; more than one card must be whole, so anything
    else above it fits nowhere.
    """

    key: RequestKey
    cpu: int = field(init=False)
    memory: int = field(init=False)
    gpu: int = field(init=False)
    least_cpu: int = field(init=False)
    least_memory: int = field(init=False)
    whole: int = field(init=False)  # whole free GPUs
    fraction: int = field(init=False)  # thousandths of one GPU
    extra: RequestKey = field(init=False)  # all other resources

    def __post_init__(self) -> None:
        """Take the key apart."""
        amounts = dict(self.key)
        gpu = amounts.get("gpu", 0)
        whole, rest = divmod(gpu, DEVICE)
        rule = {
            "cpu": amounts.get("cpu", 0),
            "memory": amounts.get("memory", 0),
            "gpu": gpu,
            "least_cpu": amounts.get("cpu", UNASKED),
            "least_memory": amounts.get("memory", UNASKED),
            "whole": NEVER if rest and whole else whole,
            "fraction": 0 if whole else rest,
            "extra": tuple(pair for pair in self.key if pair[0] not in {"cpu", "memory", "gpu"}),
        }
        for name, value in rule.items():
            object.__setattr__(self, name, value)  # frozen for everybody else
