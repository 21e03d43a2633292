"""What both clients do with the log itself."""

from evenflow.client.methods.sending import Sends, SendsLater
from evenflow.client.models.log import Quarantined, Repair
from evenflow.client.requests import log as calls


class LogMethods:
    """What a client does with the log itself."""

    def quarantine(self: Sends, sequence: int, reason: str) -> Quarantined:
        """Let all services pass over a message of the log that none of them can read."""
        return self.send(calls.quarantine(sequence, reason))

    def look_at_log(self: Sends) -> Repair:
        """Show what the log has lost; nothing is changed."""
        return self.send(calls.look_at_log())

    def repair_log(self: Sends, reason: str) -> Repair:
        """Let all services go on without what the log has lost."""
        return self.send(calls.repair_log(reason))


class AsyncLogMethods:
    """`LogMethods` for programs that run an event loop."""

    async def quarantine(self: SendsLater, sequence: int, reason: str) -> Quarantined:
        """Let all services pass over a message of the log that none of them can read."""
        return await self.send(calls.quarantine(sequence, reason))

    async def look_at_log(self: SendsLater) -> Repair:
        """Show what the log has lost; nothing is changed."""
        return await self.send(calls.look_at_log())

    async def repair_log(self: SendsLater, reason: str) -> Repair:
        """Let all services go on without what the log has lost."""
        return await self.send(calls.repair_log(reason))
