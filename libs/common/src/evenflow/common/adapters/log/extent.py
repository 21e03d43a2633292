"""How much the log holds, and how much it may."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from nats.js.errors import APIError

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.domain.errors import LogFull
from evenflow.common.domain.retention.plan import Extent

_MICROSECONDS: Final = 1_000_000


async def log_extent(connection: NatsConnection, shard: str, reserve_bytes: int) -> Extent:
    """Return what the log holds now.

    `reserve_bytes` of what the stream takes are for what must always be taken.

    Raises:
        TemporarilyUnavailable: the broker does not answer.
    """
    stream = log_stream(shard)
    with broker_errors("asking how full the log is"):
        # Asked as it is: the library leaves out when the first and the last fact were stored.
        reply = await connection.client.request(
            f"{connection.api_prefix}.STREAM.INFO.{stream}", timeout=2
        )
        info = json.loads(reply.data)
        if "error" in info:
            raise APIError.from_error(info["error"])
    state = info["state"]
    most = max(0, int(info["config"].get("max_bytes") or 0))
    limit = max(1, most - reserve_bytes) if most else 0
    is_empty = not state["messages"]
    return Extent(
        first=int(state["first_seq"]),
        last=int(state["last_seq"]),
        size_bytes=int(state["bytes"]),
        limit_bytes=limit,
        first_at=0 if is_empty else _microseconds(state["first_ts"]),
        last_at=0 if is_empty else _microseconds(state["last_ts"]),
    )


def refuse_when_full(extent: Extent) -> None:
    """Raise when the log takes only what must always be taken.

    Raises:
        LogFull: it says what to do.
    """
    if extent.is_full:
        raise LogFull(
            f"the log is full ({extent.size_bytes:,} of {extent.limit_bytes:,} bytes): only "
            "cancels, ends of runs and decisions are still taken; `evenflow log status` says what "
            "holds the next cut, and what to do",
            _FULL_PAUSE_SECONDS,
        )


_FULL_PAUSE_SECONDS: Final = 10.0


def _microseconds(text: Any) -> int:
    # Nanoseconds, which Python reads since 3.11 and cuts to microseconds.
    found = datetime.fromisoformat(str(text)).astimezone(UTC)
    return int(found.timestamp()) * _MICROSECONDS + found.microsecond
