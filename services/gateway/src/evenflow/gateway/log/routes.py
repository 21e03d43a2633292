"""The log: its status, readers and cuts, a copy of it; a dead reader is let go here."""

import base64
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic_core import from_json

from evenflow.common.adapters.log.cursors import of_log
from evenflow.common.domain.errors import Conflict, InvalidValue, NotFound
from evenflow.common.domain.retention.readers import is_dead
from evenflow.common.ports.log import LogMessage
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.gateway import ClosableReader, gateway_of
from evenflow.gateway.log.documents import (
    CutList,
    LogDocument,
    ReaderList,
    cut_list,
    log_document,
    reader_list,
)
from evenflow.gateway.log.room import LogRoom

router: Final = APIRouter(prefix="/api/v1/log", tags=["log"])
_BATCH: Final = 256
_MICROSECOND: Final = timedelta(microseconds=1)


@router.get("")
async def show_log(request: Request) -> LogDocument:
    """Return how full the log is, how fast it grows, and what holds the next cut."""
    gateway = gateway_of(request)
    place = gateway.part(LogRoom).place
    return log_document(
        place.log_id,
        await place.extent(),
        await place.checkpoints.bases(),
        of_log(await place.cursors.all(), place.log_id),
        gateway.settings.log_store,
    )


@router.get("/readers")
async def list_readers(request: Request) -> ReaderList:
    """Return who reads the log and up to where each needs it no more, the furthest back first."""
    gateway = gateway_of(request)
    place = gateway.part(LogRoom).place
    return reader_list(
        of_log(await place.cursors.all(), place.log_id),
        await place.extent(),
        gateway.settings.log_store,
    )


@router.delete("/readers/{name}", status_code=204)
async def drop_reader(request: Request, name: str) -> Response:
    """Let a dead reader go: the log is cut without it. Coming back, it begins with a base.

    One that still tells its place is refused: it would be back within a minute.
    """
    gateway = gateway_of(request)
    place = gateway.part(LogRoom).place
    cursor = (await place.cursors.all()).get(name)
    if cursor is None:
        raise NotFound("reader", name, "`evenflow log readers` lists them")
    after = gateway.settings.log_store.dead_after // _MICROSECOND
    if cursor.written_at and not is_dead(cursor.written_at, time.time_ns() // 1000, after):
        raise Conflict(
            f"reader {name} told its place within the last {after // 1_000_000} s "
            "(log_store.dead_after): stop it first, and wait for that long",
            field="name",
            value=name,
        )
    await place.cursors.drop(name)
    asked = principal_of(request)
    # Apart: what follows `token:` is taken for a secret and masked in every log.
    kind, _, number = asked.credential.partition(":")
    gateway.log.warning(
        "reader_dropped",
        reader=name,
        sequence=cursor.sequence,
        actor=asked.user,
        credential=kind,
        credential_id=number,
        account=asked.account,
    )
    return Response(status_code=204)


@router.get("/cuts")
async def list_cuts(request: Request) -> CutList:
    """Return the newest cuts, newest first."""
    return cut_list(await gateway_of(request).part(LogRoom).place.cuts.all())


@router.get("/export", response_class=StreamingResponse)
async def export(
    request: Request,
    begin: Annotated[
        int | None, Query(alias="from", ge=1, description="First sequence; absent: the log's.")
    ] = None,
    to: Annotated[
        int | None, Query(ge=1, description="Last sequence; absent: what is last now.")
    ] = None,
) -> Response:
    """Send facts as JSON lines, `{"sequence", "kind", ...the message}`; go on with another `from`.

    410 when the log no longer holds what is asked for.
    """
    gateway = gateway_of(request)
    extent = await gateway.part(LogRoom).place.extent()
    first = extent.first if begin is None else begin
    last = extent.last if to is None else min(to, extent.last)
    if to is not None and to < first:
        raise InvalidValue("to", to, f"must not be below from, which is {first}")
    if last < first:
        return Response(media_type=_LINES)
    reader = await gateway.open_reader(first - 1)
    return StreamingResponse(_lines(reader, last), media_type=_LINES)


_LINES: Final = "application/x-ndjson"


async def _lines(reader: ClosableReader, last: int) -> AsyncIterator[bytes]:
    """Yield what is waiting as one piece."""
    try:
        async for batch in reader.batches(_BATCH):
            yield b"".join(_line(message) for message in batch if message.sequence <= last)
            if batch[-1].sequence >= last:
                return
    finally:
        await reader.close()


def _line(message: LogMessage) -> bytes:
    head = b'{"sequence":%d,"kind":%s,' % (
        message.sequence,
        json.dumps(_kind(message.subject)).encode(),
    )
    data = message.data
    try:
        is_whole = isinstance(from_json(data), dict) and data[:1] == b"{" and b"\n" not in data
    except ValueError:
        is_whole = False
    if not is_whole:  # nobody can read it: as it is, in base64
        data = b'{"unreadable":"%s"}' % base64.b64encode(data)
    return b"%s%s\n" % (head, data[1:])


def _kind(subject: str) -> str:
    return ".".join(subject.split(".")[3:])
