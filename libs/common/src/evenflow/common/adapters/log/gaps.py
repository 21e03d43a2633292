"""From where to where a stream reaches, and which sequences are gone from within."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.domain.errors import TemporarilyUnavailable


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """The first and the last sequence, and the ranges between them that are not there."""

    first: int
    last: int
    gaps: tuple[tuple[int, int], ...] = ()


async def stored_span(connection: NatsConnection, stream: str) -> StoredSpan:
    """Ask the broker; what is there but damaged on its disk is not among the gaps.

    Raises:
        TemporarilyUnavailable: the broker does not answer, or not as expected.
    """
    with broker_errors(f"asking what {stream} holds"):
        answer = await connection.client.request(
            f"{connection.api_prefix}.STREAM.INFO.{stream}", b'{"deleted_details":true}', timeout=5
        )
    try:
        state = json.loads(answer.data)["state"]
        gone = [each for each in state.get("deleted") or () if each >= state["first_seq"] > 0]
        return StoredSpan(state["first_seq"], state["last_seq"], tuple(ranges_of(gone)))
    except (ValueError, KeyError, TypeError) as error:
        raise TemporarilyUnavailable(f"{stream} does not say what it holds: {error!r}") from error


def ranges_of(sequences: Iterable[int]) -> list[tuple[int, int]]:
    """Return sequences as ranges, in order."""
    found: list[tuple[int, int]] = []
    for each in sorted(sequences):
        if found and each == found[-1][1] + 1:
            found[-1] = (found[-1][0], each)
        else:
            found.append((each, each))
    return found
