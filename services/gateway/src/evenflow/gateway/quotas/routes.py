"""Quotas of projects, and of queues below them (API-14, API-15)."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from evenflow.common.domain.errors import NotFound
from evenflow.gateway.edge.bodies import described, read_fields
from evenflow.gateway.edge.permits import demand, demand_definition, project_of, sees
from evenflow.gateway.edge.principal import Role, principal_of
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import Gateway, gateway_of, origin_of
from evenflow.gateway.queues.commands import QueueCommands
from evenflow.gateway.queues.rules.projects import DefinitionContext
from evenflow.gateway.quotas.documents import quota_document
from evenflow.gateway.quotas.rules.definitions import quota_of, set_quota
from evenflow.gateway.quotas.rules.fields import QuotaFields

router: Final = APIRouter(prefix="/api/v1", tags=["queues"])
"""Include it before the routes of queues, whose paths take any path."""


@router.get("/queues/quota/{project_id:path}")
async def show_quota(request: Request, project_id: str) -> dict[str, Any]:
    """Return the quota of a project or a queue below one, and what is used of it."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    _shown(request, project_id)
    return _quota(gateway, project_id)


@router.patch(
    "/queues/quota/{project_id:path}",
    response_model=dict[str, Any],
    openapi_extra=described(QuotaFields),
)
async def change_quota(request: Request, project_id: str) -> Response:
    """Set what is named of a quota; `null` clears a limit. A missing project is made."""
    gateway = gateway_of(request)
    fields, given = await read_fields(request, QuotaFields, gateway.settings.gateway.max_body)
    context = _context(gateway)
    await gateway.wait_for_view(request)
    demand_definition(principal_of(request), _shown(request, project_id))
    sequence = await gateway.part(QueueCommands).define(
        lambda state: set_quota(state, project_id, fields, given, context),
        origin_of(request),
    )
    return JSONResponse(_quota(gateway, project_id), 200, sequence_headers(sequence))


@router.post("/queues/quota/{project_id:path}/sync")
async def sync_quota(request: Request, project_id: str) -> dict[str, Any]:
    """Return the quota after comparing it with the live jobs: here it is their sum at any time."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    project = project_of(_shown(request, project_id))
    demand(principal_of(request), project, Role.OPERATOR)
    return _quota(gateway, project_id)


def _shown(request: Request, key: str) -> str:
    """Return the path that is meant; raises NotFound when it is hidden or not there."""
    gateway = gateway_of(request)
    queue = gateway.state().queue(key)
    path = key if queue is None else queue.path
    if not sees(principal_of(request), path):
        raise NotFound("queue", key[:200], "see `evenflow queues`")
    return path


def _quota(gateway: Gateway, key: str) -> dict[str, Any]:
    state = gateway.state()
    path, quota = quota_of(state, key, _context(gateway))
    provider = gateway.settings.quota.provider
    return quota_document(state, path, quota, provider, gateway.now())


def _context(gateway: Gateway) -> DefinitionContext:
    return DefinitionContext(gateway.now(), gateway.new_id)
