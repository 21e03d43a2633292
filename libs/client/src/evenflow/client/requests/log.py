"""Requests about the log itself. Pure."""

from evenflow.client.models.log import LogCut, LogReaderPlace, LogStatus, Quarantined, Repair
from evenflow.client.requests.call import Call, api_path


def log_status() -> Call[LogStatus]:
    """Show how full the log is, and what holds the next cut."""
    return Call("GET", api_path("log"))


def log_readers() -> Call[list[LogReaderPlace]]:
    """List who reads the log."""
    return Call("GET", api_path("log", "readers"), pick="readers")


def drop_log_reader(name: str) -> Call[None]:
    """Let a dead reader go."""
    return Call("DELETE", api_path("log", "readers", name))


def log_cuts() -> Call[list[LogCut]]:
    """List the newest cuts."""
    return Call("GET", api_path("log", "cuts"), pick="cuts")


def quarantine(sequence: int, reason: str) -> Call[Quarantined]:
    """Let all services pass over a message that none can read."""
    body = {"sequence": sequence, "reason": reason}
    return Call("POST", api_path("log", "quarantine"), body=body)


def look_at_log() -> Call[Repair]:
    """Show what the log has lost."""
    return Call("GET", api_path("log", "repair"))


def repair_log(reason: str) -> Call[Repair]:
    """Let all services go on without what the log has lost."""
    return Call("POST", api_path("log", "repair"), body={"reason": reason})
