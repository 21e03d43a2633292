"""Requests about the log itself. Pure."""

from evenflow.client.models.log import Quarantined, Repair
from evenflow.client.requests.call import Call, api_path


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
