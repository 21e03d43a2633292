"""Read the newest fact of one kind without folding what lies before it."""

import nats.errors
from nats.js.errors import NotFoundError

from evenflow.common.adapters.nats_connection import NatsConnection
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import TemporarilyUnavailable


async def last_fact(
    connection: NatsConnection, stream: str, shard: str, fact_class: type
) -> Entry | None:
    """Return the newest fact of a kind, None when the stream holds none.

    Raises:
        TemporarilyUnavailable: the broker does not answer.
        UnreadableMessage: it breaks its contract.
    """
    subject = subject_of(fact_class, shard)
    try:
        found = await connection.js.get_last_msg(stream, subject)
    except NotFoundError:
        return None
    except (nats.errors.Error, OSError) as error:
        raise TemporarilyUnavailable(f"{stream} was not read: {error!r}") from error
    return codec.decode(subject, found.data or b"", found.seq or 0)
