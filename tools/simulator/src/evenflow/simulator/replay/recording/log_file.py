"""A recorded log as a file: a line of JSON for each message, gzipped where the name ends in `.gz`.

A message is `[sequence, subject, text]`, with the bytes that were on the wire; without text all
services pass over it. A stretch that
does not begin its log starts with one line more, `{"format": 1, "log_id", "base", "checkpoint"}`,
and then the usage snapshots from before that base which are still decided by.
"""

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.errors import InvalidValue, UnreadableMessage
from evenflow.simulator.replay.recording.recorded_log import LogLine, RecordedLog, check_span

FORMAT: Final = 1
_GZIP: Final = b"\x1f\x8b"


def write_log_file(past: RecordedLog, path: Path) -> None:
    """Write a recorded log; the same one gives the same file. What the file held before is gone.

    Raises:
        InvalidValue: it cannot be written.
    """
    rows: list[object] = []
    if past.base is not None:
        text = base64.b64encode(past.base).decode()
        rows.append(
            {
                "format": FORMAT,
                "log_id": past.log_id,
                "base": past.base_sequence,
                "checkpoint": text,
            }
        )
    rows += [[sequence, subject, data.decode()] for sequence, subject, data in past.older]
    rows += [[sequence, subject, data.decode()] for sequence, subject, data in past.lines]
    data = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    try:
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    except OSError as error:
        raise InvalidValue("--save", str(path), f"cannot be written: {error.strerror}") from error


def read_log_file(path: Path, begin: int | None, end: int | None) -> RecordedLog:
    """Read a log that was kept, or a part of it.

    Raises:
        InvalidValue: it cannot be read, is no such file, or does not hold that span.
        UnreadableMessage: a fact in it breaks its contract, or its checkpoint is damaged.
    """
    past = RecordedLog(str(path), [], 0, 0)
    for number, row in _rows(path):
        if isinstance(row, dict) and number == 1:
            _take_base(past, row, path)
        else:
            _take(past, _line(row, number, path))
    if not past.lines:
        raise InvalidValue("--log", str(path), "holds no fact")
    first, last = past.lines[0][0], past.lines[-1][0]
    past.begin, past.end = check_span(begin, end, first, last)
    past.lines = [line for line in past.lines if line[0] <= past.end]
    return past


def _take(past: RecordedLog, line: LogLine) -> None:
    sequence = line[0]
    if past.base is not None and sequence <= past.base_sequence:
        past.older.append(line)
        return
    if past.lines and sequence <= past.lines[-1][0]:
        raise InvalidValue(
            "--log", past.source, f"tells sequence {sequence} behind {past.lines[-1][0]}"
        )
    past.lines.append(line)


def _take_base(past: RecordedLog, row: dict[str, Any], path: Path) -> None:
    if row.get("format") != FORMAT:
        rule = f"is of format {row.get('format')!r}; this version reads {FORMAT}"
        raise InvalidValue("--log", str(path), rule)
    try:
        past.log_id, past.base_sequence = str(row["log_id"]), int(row["base"])
        past.base = base64.b64decode(row["checkpoint"], validate=True)
    except (KeyError, ValueError, TypeError, binascii.Error) as error:
        raise UnreadableMessage("checkpoint", f"{path}: its first line is damaged") from error
    checkpoint.load(past.base, past.log_id)  # to say at once that it is damaged


def _rows(path: Path) -> Iterator[tuple[int, object]]:
    """Yield the lines' numbers, from 1, and their JSON."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise InvalidValue("--log", str(path), f"cannot be read: {told}") from error
    for number, line in enumerate(text.splitlines(), 1):
        try:
            yield number, json.loads(line)
        except ValueError as error:
            rule = f"line {number} is no JSON: is this a log kept by `evenflow replay --save`?"
            raise InvalidValue("--log", str(path), rule) from error


def _line(row: object, number: int, path: Path) -> LogLine:
    match row:
        case [int(sequence), str(subject), str(text)]:
            return sequence, subject, text.encode()
    rule = f"line {number} must be [sequence, subject, message]"
    raise InvalidValue("--log", str(path), rule)
