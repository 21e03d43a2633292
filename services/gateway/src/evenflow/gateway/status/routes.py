"""One document for the whole system (API-01)."""

from typing import Final

from fastapi import APIRouter, Request

from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.gateway import gateway_of
from evenflow.gateway.status.documents import StatusDocument
from evenflow.gateway.status.report import status_document

router: Final = APIRouter(tags=["status"])


@router.get("/status")
@router.get("/api/v1/status")
async def status(request: Request) -> StatusDocument:
    """Return how the whole system is; 200 also when something is wrong: the body says so."""
    return status_document(gateway_of(request), principal_of(request))
