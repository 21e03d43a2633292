"""Letting all readers pass over one message that none can read: judged first, put aside, said."""

from typing import Final

from evenflow.common.contracts import codec
from evenflow.common.domain.errors import (
    Conflict,
    NotFound,
    UnknownKind,
    UnreadableMessage,
)
from evenflow.common.domain.facts.log import Skip, Skipped
from evenflow.common.ports.log import LogMessage, Origin
from evenflow.common.runtime.reading import Standstill
from evenflow.gateway.log.care import LogCare

MAX_REASON: Final = 500


async def quarantine(
    care: LogCare, standstill: Standstill | None, sequence: int, reason: str, origin: Origin
) -> int:
    """Say in the log that all readers pass over `sequence`; return the sequence of that fact.

    Raises:
        NotFound: the log holds no message there.
        Conflict: the message can be read, or is passed over already.
        TemporarilyUnavailable: the broker does not answer.
    """
    await care.bus.skips.refresh()
    if care.bus.skips.covers(sequence, sequence):
        raise Conflict(f"sequence {sequence} is passed over already", field="sequence")
    message = await care.bus.message_at(sequence)
    if message is None:
        hint = "`evenflow log repair` mends a gap"
        raise NotFound("message", str(sequence), hint)
    error = judge(message, standstill)
    await care.bus.put_aside(UnreadableMessage(message.subject, error), message.data)
    fact = Skipped((Skip(sequence, sequence, f"{reason}: {error}"),))
    return await care.append(fact, origin)


def judge(message: LogMessage, standstill: Standstill | None) -> str:
    """Return why nobody can read or fold this message.

    Raises:
        Conflict: somebody can: passing over it would split those who did from those who did not.
    """
    try:
        entry = codec.decode(message.subject, message.data, message.sequence)
    except UnknownKind as error:
        raise Conflict(f"{error}; it is not to be passed over", field="sequence") from error
    except UnreadableMessage as error:
        return error.reason
    if standstill and standstill.is_half_folded and standstill.first == entry.sequence:
        return standstill.reason
    raise Conflict(
        f"message {message.sequence} ({message.subject}) can be read, and services have folded it "
        "or will: only what nobody can read is passed over",
        field="sequence",
        value=message.sequence,
        rule="must be the sequence of a message that cannot be read",
    )
