"""What the methods of a noun need of the client they belong to: that it sends."""

from typing import Protocol, TypeVar

from evenflow.client.requests.call import Call

T = TypeVar("T")


class Sends(Protocol):
    """A client that waits."""

    def send(self, call: Call[T]) -> T:
        """Send a request and return its answer."""


class SendsLater(Protocol):
    """A client that runs in an event loop."""

    async def send(self, call: Call[T]) -> T:
        """Send a request and return its answer."""
