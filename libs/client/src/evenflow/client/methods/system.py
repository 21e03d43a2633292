"""What both clients do with machines, the clock and the whole system."""

from typing import Any

from evenflow.client.methods.sending import Sends, SendsLater
from evenflow.client.models.system import LabelChanges, Node, Status
from evenflow.client.requests import system as calls


class SystemMethods:
    """What a client does with machines and asks of the whole system."""

    def nodes(self: Sends) -> list[Node]:
        """List the machines."""
        return self.send(calls.nodes())

    def cordon(self: Sends, node: str) -> Node:
        """Let a machine take no new work."""
        return self.send(calls.cordon(node, is_open=False))

    def uncordon(self: Sends, node: str) -> Node:
        """Let a machine take new work again."""
        return self.send(calls.cordon(node, is_open=True))

    def change_node(
        self: Sends, node: str, *, labels: LabelChanges = None, taints: LabelChanges = None
    ) -> Node:
        """Set labels and taints of a machine; None takes one away, those not named stay."""
        return self.send(calls.change_node(node, labels, taints))

    def status(self: Sends) -> Status:
        """Show how the whole system is."""
        return self.send(calls.status())

    def set_clock_rate(self: Sends, rate: int) -> dict[str, Any]:
        """Let the clock of a simulated cluster run `rate` times as fast."""
        return self.send(calls.set_clock_rate(rate))


class AsyncSystemMethods:
    """`SystemMethods` for programs that run an event loop."""

    async def nodes(self: SendsLater) -> list[Node]:
        """List the machines."""
        return await self.send(calls.nodes())

    async def cordon(self: SendsLater, node: str) -> Node:
        """Let a machine take no new work."""
        return await self.send(calls.cordon(node, is_open=False))

    async def uncordon(self: SendsLater, node: str) -> Node:
        """Let a machine take new work again."""
        return await self.send(calls.cordon(node, is_open=True))

    async def change_node(
        self: SendsLater, node: str, *, labels: LabelChanges = None, taints: LabelChanges = None
    ) -> Node:
        """Set labels and taints of a machine; None takes one away, those not named stay."""
        return await self.send(calls.change_node(node, labels, taints))

    async def status(self: SendsLater) -> Status:
        """Show how the whole system is."""
        return await self.send(calls.status())

    async def set_clock_rate(self: SendsLater, rate: int) -> dict[str, Any]:
        """Let the clock of a simulated cluster run `rate` times as fast."""
        return await self.send(calls.set_clock_rate(rate))
