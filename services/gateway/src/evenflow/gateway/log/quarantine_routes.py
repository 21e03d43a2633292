"""The way to let all services pass over a message of the log that none of them can read."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from typing_extensions import TypedDict

from evenflow.gateway.edge.bodies import Body, described, parse, read_body
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import gateway_of, origin_of
from evenflow.gateway.log.care import LogCare
from evenflow.gateway.log.quarantine import MAX_REASON, quarantine

router: Final = APIRouter(prefix="/api/v1", tags=["log"])


class QuarantineBody(Body):
    """Which message, and why."""

    sequence: int = Field(ge=1, lt=2**63)
    reason: str = Field(min_length=1, max_length=MAX_REASON)


class QuarantineDocument(TypedDict):
    """What was said: readers pass over `sequence`, as the fact at `said_at` tells them."""

    sequence: int
    said_at: int


@router.post(
    "/log/quarantine", response_model=QuarantineDocument, openapi_extra=described(QuarantineBody)
)
async def quarantine_message(request: Request) -> Response:
    """Let all services pass over a message that none can read; also while this one waits at it."""
    gateway = gateway_of(request)
    asked = parse(QuarantineBody, await read_body(request, gateway.settings.gateway.max_body))
    said_at = await quarantine(
        gateway.part(LogCare),
        gateway.standstill(),
        asked.sequence,
        asked.reason,
        origin_of(request),
    )
    document = QuarantineDocument(sequence=asked.sequence, said_at=said_at)
    return JSONResponse(document, 200, sequence_headers(said_at))
