"""Read a single fact without folding what lies before it: the newest of a kind, or one by place."""

from nats.js.errors import NotFoundError

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.entry import Entry


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


async def fact_at(connection: NatsConnection, stream: str, sequence: int) -> Entry | None:
    """Return the fact of one sequence, None when the stream does not hold it.

    Raises:
        TemporarilyUnavailable: the broker does not answer.
        UnreadableMessage: it breaks its contract.
    """
    with broker_errors(f"reading fact {sequence} of {stream}"):
        try:
            found = await connection.js.get_msg(stream, sequence)
        except NotFoundError:
            return None
    return codec.decode(found.subject or "", found.data or b"", sequence)
