"""What the log has lost, and the way to let all services go on without it."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from typing_extensions import TypedDict

from evenflow.gateway.edge.bodies import Body, described, parse, read_body
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import gateway_of, origin_of
from evenflow.gateway.log.care import LogCare
from evenflow.gateway.log.loss import Loss
from evenflow.gateway.log.quarantine import MAX_REASON
from evenflow.gateway.log.repair import find_loss, known_of, repair

router: Final = APIRouter(prefix="/api/v1", tags=["log"])


class RepairBody(Body):
    """Why it is done, for the log."""

    reason: str = Field(min_length=1, max_length=MAX_REASON)


class GapDocument(TypedDict):
    """Sequences that are gone, and what is still known of them."""

    first: int
    last: int
    known: str


class RepairDocument(TypedDict):
    """What the log has lost. `cut_after`: what was folded beyond is dropped.

    `said_at` is the fact that lets all services go on; null when nothing was changed.
    """

    first: int
    last: int
    gaps: list[GapDocument]
    cut_after: int | None
    ahead: list[str]
    said_at: int | None


@router.get("/log/repair")
async def look(request: Request) -> RepairDocument:
    """Show what the log has lost; nothing is changed."""
    gateway = gateway_of(request)
    care = gateway.part(LogCare)
    return await _document(care, await find_loss(care, gateway.standstill()), None)


@router.post("/log/repair", response_model=RepairDocument, openapi_extra=described(RepairBody))
async def mend(request: Request) -> Response:
    """Let all services go on without what is lost; also while this one stands still."""
    gateway = gateway_of(request)
    care = gateway.part(LogCare)
    asked = parse(RepairBody, await read_body(request, gateway.settings.gateway.max_body))
    loss = await find_loss(care, gateway.standstill())
    document = await _document(care, loss, None)
    if loss.is_nothing:
        return JSONResponse(document)
    said_at = await repair(care, loss, asked.reason, origin_of(request))
    return JSONResponse({**document, "said_at": said_at}, 200, sequence_headers(said_at))


async def _document(care: LogCare, loss: Loss, said_at: int | None) -> RepairDocument:
    gaps = [
        GapDocument(first=first, last=last, known=await known_of(care, first, last))
        for first, last in loss.gaps
    ]
    return RepairDocument(
        first=loss.span.first,
        last=loss.span.last,
        gaps=gaps,
        cut_after=loss.cut_after,
        ahead=list(loss.ahead),
        said_at=said_at,
    )
