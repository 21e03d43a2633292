"""What both clients ask of the log itself."""

from evenflow.client.methods.sending import Sends, SendsLater
from evenflow.client.models.log import LogCut, LogReaderPlace, LogStatus, Quarantined, Repair
from evenflow.client.requests import log as calls


class LogMethods:
    """What a client asks of the log."""

    def log_status(self: Sends) -> LogStatus:
        """Show how full the log is, how fast it grows, and what holds the next cut."""
        return self.send(calls.log_status())

    def log_readers(self: Sends) -> list[LogReaderPlace]:
        """List who reads the log, the furthest back first."""
        return self.send(calls.log_readers())

    def drop_log_reader(self: Sends, name: str) -> None:
        """Let a dead reader go: it holds the log no more."""
        self.send(calls.drop_log_reader(name))

    def log_cuts(self: Sends) -> list[LogCut]:
        """List the newest cuts, newest first."""
        return self.send(calls.log_cuts())

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

    async def log_status(self: SendsLater) -> LogStatus:
        """Show how full the log is, how fast it grows, and what holds the next cut."""
        return await self.send(calls.log_status())

    async def log_readers(self: SendsLater) -> list[LogReaderPlace]:
        """List who reads the log, the furthest back first."""
        return await self.send(calls.log_readers())

    async def drop_log_reader(self: SendsLater, name: str) -> None:
        """Let a dead reader go: it holds the log no more."""
        await self.send(calls.drop_log_reader(name))

    async def log_cuts(self: SendsLater) -> list[LogCut]:
        """List the newest cuts, newest first."""
        return await self.send(calls.log_cuts())

    async def quarantine(self: SendsLater, sequence: int, reason: str) -> Quarantined:
        """Let all services pass over a message of the log that none of them can read."""
        return await self.send(calls.quarantine(sequence, reason))

    async def look_at_log(self: SendsLater) -> Repair:
        """Show what the log has lost; nothing is changed."""
        return await self.send(calls.look_at_log())

    async def repair_log(self: SendsLater, reason: str) -> Repair:
        """Let all services go on without what the log has lost."""
        return await self.send(calls.repair_log(reason))
