"""Where a message stands in its stream and its consumer, as the subject it is acked on says."""

from typing import NamedTuple

_SHORT_REPLY = 9  # fields of an ack subject without a domain


class Delivery(NamedTuple):
    """One message as a consumer delivered it; `pending`: how many more it has to deliver."""

    sequence: int
    consumer_sequence: int
    stored_at: int
    pending: int

    @classmethod
    def of(cls, reply: str) -> "Delivery":
        """Read the subject a consumer's message is acked on.

        `$JS.ACK.[domain.account.]stream.consumer.delivered.sequence.consumer_sequence.ns.pending`
        """
        fields = reply.split(".")
        at = 5 if len(fields) == _SHORT_REPLY else 7
        return cls(
            int(fields[at]), int(fields[at + 1]), int(fields[at + 2]) // 1000, int(fields[at + 3])
        )
