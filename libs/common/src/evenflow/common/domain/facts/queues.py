"""Facts about the queue tree."""

from dataclasses import dataclass

from evenflow.common.domain.queues.queue import Queue


@dataclass(frozen=True, slots=True)
class Defined:
    """Queues were made or changed; each record is a whole definition, parents before children."""

    queues: tuple[Queue, ...]


@dataclass(frozen=True, slots=True)
class Deleted:
    """Queues were removed, by path. Children come before parents."""

    paths: tuple[str, ...]
