"""What REST says about the shard's clock."""

from typing_extensions import TypedDict

from evenflow.gateway.gateway import Gateway
from evenflow.gateway.values.instants import iso


class ClockDocument(TypedDict):
    """The shard's clock: its time now, and its seconds a second of the wall."""

    now: str
    rate: int


def clock_document(gateway: Gateway) -> ClockDocument:
    """Return the shard's clock."""
    return ClockDocument(now=iso(gateway.now()), rate=gateway.state().clock.rate)
