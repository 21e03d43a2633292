"""One entry of the log: a fact, where it stands in the order, and who said it."""

from dataclasses import dataclass
from typing import Any

from evenflow.common.domain.clock import Instant

Fact = Any  # type: ignore[explicit-any]  # a union of all would name every fact twice
"""One of `facts.FACTS` or `facts.SAMPLES`, or `UnknownFact`. The fold dispatches by class."""


@dataclass(frozen=True, slots=True)
class UnknownFact:
    """A fact of a kind that this release does not know, and may pass over: its writer said so."""

    kind: str
    release: str  # of who wrote it


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact as it was read from the log."""

    sequence: int
    event_id: str
    occurred_at: Instant  # shard clock of the service that appended it
    actor: str
    fact: Fact
    correlation_id: str = ""
    caused_by: str = ""
