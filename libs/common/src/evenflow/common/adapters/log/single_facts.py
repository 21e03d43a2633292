"""Read a single fact without folding what lies before it: the newest of a kind, or one by place."""

from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.entry import Entry
from evenflow.common.ports.log import LogMessage


async def last_fact(
    connection: NatsConnection, stream: str, shard: str, fact_class: type
) -> Entry | None:
    """Return the newest fact of a kind, None when the stream holds none.

    Raises:
        TemporarilyUnavailable: the broker does not answer.
        UnreadableMessage: it breaks its contract.
    """
    subject = subject_of(fact_class, shard)
    with broker_errors(f"reading the last {subject}"):
        try:
            found = await connection.js.get_last_msg(stream, subject)
        except NotFoundError:
            return None
    return codec.decode(subject, found.data or b"", found.seq or 0)


async def message_at(connection: NatsConnection, stream: str, sequence: int) -> LogMessage | None:
    """Return the message of one sequence as it is stored, None when the stream does not hold it.

    Raises:
        TemporarilyUnavailable: the broker does not answer.
    """
    with broker_errors(f"reading message {sequence} of {stream}"):
        try:
            found = await connection.js.get_msg(stream, sequence)
        except ServiceUnavailableError:
            raise
        except APIError:  # not there, or there and damaged
            return None
    at = int(found.time.timestamp() * 1_000_000) if found.time else 0
    return LogMessage(sequence, found.subject or "", found.data or b"", at)


async def fact_at(connection: NatsConnection, stream: str, sequence: int) -> Entry | None:
    """Return the fact of one sequence, None when the stream does not hold it.

    Raises:
        TemporarilyUnavailable: the broker does not answer.
        UnreadableMessage: it breaks its contract.
    """
    found = await message_at(connection, stream, sequence)
    return None if found is None else codec.decode(found.subject, found.data, sequence)
