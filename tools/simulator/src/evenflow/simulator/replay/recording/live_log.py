"""The log of a running system, recorded. Reads only: facts and checkpoints."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from evenflow.cli.inputs.options import connect
from evenflow.client.discovery.find import find_system
from evenflow.client.discovery.running import running_systems
from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_log_to_read
from evenflow.common.contracts import checkpoint
from evenflow.common.domain.errors import InvalidValue, LogMismatch, UnreadableMessage
from evenflow.common.domain.facts import usage
from evenflow.common.ports.log import KnownSkips, LogMessage
from evenflow.common.runtime.broker import broker_access
from evenflow.common.runtime.logging import log_errors_alone
from evenflow.common.runtime.settings import load
from evenflow.simulator.replay.recording.recorded_log import (
    LogLine,
    RecordedLog,
    check_span,
    message_of,
)

OnRead = Callable[[int, int], None]
"""Told how many facts were read, and how many there are to read."""
_NAME: Final = "evenflow-replay"


async def read_live_log(
    url: str | None, begin: int | None, end: int | None, on_read: OnRead
) -> RecordedLog:
    """Read facts from the newest base that will do, else from the beginning of the log.

    Raises:
        InvalidValue: the log does not hold that span.
        LogMismatch: what came before the span is neither in the log nor in a checkpoint.
        TemporarilyUnavailable, AccessDenied: the broker is not there, or refuses us.
    """
    access = _access(url)
    async with open_log_to_read(access) as log:
        first, last = await log.bounds()
        span = check_span(begin, end, first, last)
        source = f"{access.url}, shard {access.shard}"
        async for sequence, data in _bases(log, begin, first):
            start = max(span[0], sequence + 1)
            past = RecordedLog(source, [], start, span[1], data, sequence, log.log_id)
            await _read(log, past, on_read)
            if past.is_whole_for(span[0]):
                break
        else:
            if first > 1:
                raise LogMismatch(
                    f"the log begins at {first}, and no checkpoint tells of what came before: "
                    "choose a later --from"
                )
            past = RecordedLog(source, [], *span, log_id=log.log_id)
            await _read(log, past, on_read)
        await _add_snapshots(log, past)
        return past


async def _bases(log: ShardLog, begin: int | None, first: int) -> AsyncIterator[tuple[int, bytes]]:
    """Yield checkpoints to begin from, best first; none when the log is wanted from its start."""
    if begin is None and first <= 1:
        return
    found: list[tuple[int, bytes]] = []
    async for sequence, data in log.checkpoints.newest(None if begin is None else begin - 1):
        try:
            checkpoint.load(data, log.log_id)
        except UnreadableMessage:
            continue
        if sequence >= first - 1:
            found.append((sequence, data))
    # All that the log still tells is wanted: then the oldest tells most.
    for base in reversed(found) if begin is None else found:
        yield base


async def _read(log: ShardLog, past: RecordedLog, on_read: OnRead) -> None:
    total = past.end - past.base_sequence
    if total <= 0:
        return
    reader = await log.open_reader(past.base_sequence)
    async for batch in reader.batches():
        for message in batch:
            if message.sequence <= past.end:
                past.lines.append(_line(message, reader.skips))
        on_read(min(batch[-1].sequence, past.end) - past.base_sequence, total)
        if batch[-1].sequence >= past.end:
            break
    await reader.close()


def _line(message: LogMessage, skips: KnownSkips) -> LogLine:
    sequence, subject, data = message.sequence, message.subject, message.data
    if skips.covers(sequence, sequence):
        data = b""  # as the services do that decided this past
    elif not data:
        raise UnreadableMessage(subject, f"sequence {sequence}: it is empty")
    return sequence, subject, data


async def _add_snapshots(log: ShardLog, past: RecordedLog) -> None:
    for sequence in past.missing_snapshots():
        entry = await log.entry_at(sequence)
        if entry is None or not isinstance(entry.fact, usage.SnapshotTaken):
            continue
        if entry.fact.whole_at and (whole := await log.entry_at(entry.fact.whole_at)) is not None:
            past.older.append(message_of(whole, log.access.shard))
        past.older.append(message_of(entry, log.access.shard))


def _access(url: str | None) -> BrokerAccess:
    """Return where the log of the system is that is meant, with a reader's login."""
    log_errors_alone()
    address = find_system(url)
    with connect(url) as client:
        status = client.status()
    for system in running_systems():
        if system.url == address.url:
            return BrokerAccess(
                url=system.nats_url,
                shard=status["shard"],
                name=_NAME,
                user=system.nats_user,
                password=_secret(Path(system.nats_password_file)),
                api_prefix=system.nats_api_prefix,
            )
    # Not started here: its broker is named by the status, our login by our own settings.
    return replace(
        broker_access(load(), "replay"), url=status["nats_url"], shard=status["shard"], name=_NAME
    )


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidValue("--url", str(path), f"cannot be read: {error.strerror}") from error
