"""Quota alerts that were told."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request

from evenflow.gateway.alerts.documents import AlertList, alert_document
from evenflow.gateway.edge.permits import projects_of
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.gateway import gateway_of
from evenflow.gateway.queues.rules.tree import found_queue
from evenflow.gateway.view.alerts import newest_alerts

router: Final = APIRouter(prefix="/api/v1", tags=["usage"])


@router.get("/alerts")
async def list_alerts(
    request: Request,
    queue: Annotated[str | None, Query(max_length=2100)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> AlertList:
    """Return quota alerts, newest first; with a queue its own and those of queues below it."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    path = (
        None if queue is None else found_queue(gateway.state(), queue, principal_of(request)).path
    )
    rows = await newest_alerts(
        gateway.reads.engine, path, limit, projects_of(principal_of(request))
    )
    return AlertList(alerts=[alert_document(row) for row in rows])
