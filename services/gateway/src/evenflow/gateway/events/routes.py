"""The log as server-sent events: one reader a client, resumable by sequence."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from sse_starlette import EventSourceResponse

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.contracts.subjects import KINDS
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.ports.log import LogMessage
from evenflow.gateway.access.entrance import Entrance
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.events.visibility import VisibleFacts
from evenflow.gateway.gateway import ClosableReader, Gateway, gateway_of

router: Final = APIRouter(tags=["events"])
_BATCH: Final = 256
_LOOK_SECONDS: Final = 0.5
"""How often it is seen that a client may listen no more."""


@router.get("/api/v1/events", response_class=EventSourceResponse)
async def events(
    request: Request,
    begin: Annotated[
        int | None, Query(alias="from", ge=0, description="First sequence; absent: what comes now.")
    ] = None,
    kind: Annotated[
        list[str] | None, Query(description="Only these kinds, such as jobs.submitted.")
    ] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Stream facts: `id` is the sequence in the log, `event` the kind, `data` the message as JSON.

    `Last-Event-ID` goes on behind that sequence and wins over `from`.
    """
    gateway = gateway_of(request)
    if unknown := set(kind or ()) - KINDS.keys():
        raise InvalidValue("kind", min(unknown)[:80], f"must be one of {', '.join(KINDS)}")
    after = _after(last_event_id, begin, gateway)
    gateway.streams.refuse_too_many()
    reader = await gateway.open_reader(after)
    pieces = _facts(request, reader, frozenset(kind or ()))
    return gateway.streams.response(pieces, {"Cache-Control": "no-store"})


def _after(last_event_id: str | None, begin: int | None, gateway: Gateway) -> int:
    if last_event_id:
        if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 18:  # noqa: PLR2004
            raise InvalidValue("Last-Event-ID", last_event_id[:40], "must be a sequence")
        return int(last_event_id)
    if begin is not None:
        return max(0, begin - 1)
    return gateway.state().sequence


async def _facts(
    request: Request, reader: ClosableReader, kinds: frozenset[str]
) -> AsyncIterator[bytes]:
    """Yield what is waiting as one piece: hundreds of facts cost one write."""
    gateway, principal = gateway_of(request), principal_of(request)
    may_look = gateway.part(Entrance).counts
    visible = VisibleFacts(gateway, principal)
    stopping = asyncio.ensure_future(gateway.stopping())
    batches = reader.batches(_BATCH)
    following: asyncio.Task[list[LogMessage]] | None = None
    try:
        yield b": listening\n\n"
        while True:
            following = asyncio.create_task(_judged(gateway, reader, batches))
            while may_look(principal):
                done, _ = await asyncio.wait(
                    {following, stopping},
                    timeout=_LOOK_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if done:
                    break
            if stopping.done() or not may_look(principal):
                return
            pieces = []
            for message in following.result():
                kind = _kind(message.subject)
                if kinds and kind not in kinds:
                    continue
                if (data := await visible.cut(kind, message)) is not None:
                    head = b"id: %d\nevent: %s\n" % (message.sequence, kind.encode())
                    pieces.append(b"%sdata: %s\n\n" % (head, data))
            if pieces:
                yield b"".join(pieces)
    finally:
        stopping.cancel()
        await end_task(following)
        await reader.close()


async def _judged(
    gateway: Gateway, reader: ClosableReader, batches: AsyncIterator[Sequence[LogMessage]]
) -> list[LogMessage]:
    """Return the next messages, once this gateway has folded them, without what all pass over.

    What nobody can read reaches no client: nothing says that it is JSON, or one line.
    """
    batch = await anext(batches)
    await gateway.consistency.folded(batch[-1].sequence)
    return [each for each in batch if not reader.skips.covers(each.sequence, each.sequence)]


def _kind(subject: str) -> str:
    return ".".join(subject.split(".")[3:])
