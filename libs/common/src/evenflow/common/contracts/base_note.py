"""What a base says of itself to those who do not load it: the clock of its state."""

import json
from dataclasses import asdict

from evenflow.common.contracts.json_text import read_json
from evenflow.common.domain.clock import ShardClock


def base_note(clock: ShardClock) -> str:
    """Return the note of a base."""
    return json.dumps({"clock": asdict(clock)}, separators=(",", ":"))


def clock_in_note(note: str) -> ShardClock | None:
    """Return the clock that a note tells; None when it tells none."""
    try:
        return ShardClock(**read_json(note)["clock"])
    except (ValueError, KeyError, TypeError):
        return None
