"""What both clients ask of the log itself."""

from evenflow.client.methods.sending import Sends, SendsLater
from evenflow.client.models.log import LogCut, LogReaderPlace, LogStatus
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
