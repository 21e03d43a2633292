"""Who has less than its fair share, and who more, in the resources that a job asks for. Pure."""

from collections.abc import Iterable, Mapping
from math import inf
from typing import Final

SLACK: Final = 0.25
"""Of the smallest unit: shares are floats, amounts whole, and nothing that is moved is smaller."""
_PART_OF_SHARE: Final = 20.0
_PART_OF_REQUEST: Final = 2.0

Amounts = Mapping[str, int]
Share = Mapping[str, float]


def lacks(share: Share, held: Amounts, request: Amounts, *, uses_history: bool) -> bool:
    """Whether a queue stays at or below its share with the request too, in all that this asks for.

    Shares that history bends move all the time, by what their owners do: then the share has to be
    larger by half of the request, or by a twentieth of itself where that is less. So what was
    moved stays until history has said otherwise for a while.
    """
    for name, amount in request.items():
        if amount:
            part = share.get(name, 0.0)
            margin = min(amount / _PART_OF_REQUEST, part / _PART_OF_SHARE) if uses_history else 0.0
            if held.get(name, 0) + amount + margin > part + SLACK:
                return False
    return True


def excess(share: Share, held: Amounts, names: Iterable[str]) -> float:
    """Return what is held over the fair share, of the named resource where that is most.

    0 when nothing is held; infinite where something is held without any share.
    """
    most = 0.0
    for name in names:
        amount = held.get(name, 0)
        if amount > 0:
            part = share.get(name, 0.0)
            most = max(most, amount / part if part > 0 else inf)
    return most


def keeps_share(share: Share, held: Amounts, loss: Amounts, names: Iterable[str]) -> bool:
    """Whether a queue still has its share of one of the named resources after a loss."""
    return any(
        held.get(name, 0) - loss.get(name, 0) + SLACK >= share.get(name, 0.0)
        for name in names
        if held.get(name, 0) > share.get(name, 0.0)
    )


def keeps_deserved(deserved: Amounts | None, held: Amounts, loss: Amounts) -> bool:
    """Whether a loss leaves a queue what it deserves, of all that is lost."""
    return deserved is None or all(
        held.get(name, 0) - amount >= deserved[name]
        for name, amount in loss.items()
        if amount and name in deserved
    )
