"""One fact of the log, as the event stream brings it."""

from dataclasses import dataclass
from functools import cached_property
from json import loads
from typing import Any


@dataclass(frozen=True)
class FactEvent:
    """One fact of the log as it came over the event stream; `data` is the message as JSON text."""

    sequence: int
    kind: str
    data: str

    @cached_property
    def message(self) -> dict[str, Any]:
        """The envelope: event_id, occurred_at, shard, actor, fact."""
        read: dict[str, Any] = loads(self.data)
        return read

    @property
    def fact(self) -> dict[str, Any]:
        """The fact itself."""
        fact: dict[str, Any] = self.message["fact"]
        return fact
