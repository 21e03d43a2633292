"""Put aside what nobody can read, with the reason: people look later, nothing waits for it."""

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.stream_names import dead_stream, dead_subject
from evenflow.common.domain.errors import UnreadableMessage

_REASON = "Evenflow-Reason"
_SUBJECT = "Evenflow-Subject"
_SERVICE = "Evenflow-Service"
_MAX_REASON = 500
_MAX_BYTES = 256 * 1024


class DeadLetters:
    """Writes to the shard's stream of unreadable messages, which is bounded in age and size.

    For the edges only: a message of the log itself that cannot be read stops its reader instead.
    """

    def __init__(self, connection: NatsConnection, *, shard: str, service: str) -> None:
        """`service` is who could not read."""
        self._connection = connection
        self._shard = shard
        self._service = service

    async def put(self, error: UnreadableMessage, data: bytes) -> int:
        """Store `data` under the subject it came by, and return its sequence.

        More than 256 kB are cut off: this is for looking at, not for delivering again.
        """
        with broker_errors("putting an unreadable message aside"):
            ack = await self._connection.js.publish(
                f"{dead_subject(self._shard)}.{self._service}",
                data[:_MAX_BYTES],
                stream=dead_stream(self._shard),
                headers={
                    _REASON: " ".join(error.reason.split())[:_MAX_REASON],
                    _SUBJECT: error.subject,
                    _SERVICE: self._service,
                },
            )
        return ack.seq
