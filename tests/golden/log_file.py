"""The recorded log as a file: one line a message, gzipped, with the bytes that were on the wire."""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.entry import Entry, Fact

SHARD = "main"


class Line(NamedTuple):
    """One message."""

    sequence: int
    subject: str
    data: bytes


def message(entry: Entry, fact: Fact | None = None) -> bytes:
    """Return an entry as it is sent, or with another fact in its place."""
    envelope = codec.Envelope(
        event_id=entry.event_id,
        occurred_at=entry.occurred_at,
        shard=SHARD,
        actor=entry.actor,
        correlation_id=entry.correlation_id,
        caused_by=entry.caused_by,
    )
    return codec.encode(envelope, entry.fact if fact is None else fact)


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write a log; the same entries give the same file."""
    lines = [
        json.dumps([entry.sequence, subject_of(entry.fact, SHARD), message(entry).decode()])
        for entry in entries
    ]
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))


def read(path: Path) -> Iterator[Line]:
    """Read a log."""
    for line in gzip.decompress(path.read_bytes()).splitlines():
        sequence, subject, data = json.loads(line)
        yield Line(sequence, subject, data.encode())


def entries_of(lines: Iterable[Line]) -> list[Entry]:
    """Return the messages as entries."""
    return [codec.decode(line.subject, line.data, line.sequence) for line in lines]
