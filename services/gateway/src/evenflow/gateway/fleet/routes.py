"""A whole fleet of queues and quotas at once."""

import asyncio
import json
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.edge.bodies import described, parse, read_body
from evenflow.gateway.edge.permits import demand_definition
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.fleet.documents import AppliedList, applied_list
from evenflow.gateway.fleet.parsing import parse_document
from evenflow.gateway.fleet.rules.fields import Fleet
from evenflow.gateway.fleet.rules.plan import Applied, plan_fleet
from evenflow.gateway.gateway import gateway_of, origin_of
from evenflow.gateway.queues.commands import QueueCommands, known_policies
from evenflow.gateway.queues.rules.projects import DefinitionContext, Definitions

router: Final = APIRouter(prefix="/api/v1", tags=["queues"])


@router.post("/apply", response_model=AppliedList, openapi_extra=described(Fleet))
async def apply_fleet(request: Request) -> Response:
    """Bring queues and quotas to what a fleet states; JSON, or YAML by its content type.

    All or nothing. Applying the same fleet again changes nothing.
    """
    gateway = gateway_of(request)
    body = await read_body(request, gateway.settings.gateway.max_body)
    is_yaml = "yaml" in request.headers.get("content-type", "")
    # In a thread: whoever sends the largest of bodies keeps nobody else waiting.
    document = await asyncio.to_thread(parse_document, body, is_yaml=is_yaml)
    fleet = parse(Fleet, json.dumps(document).encode())
    for queue in fleet.queues:
        demand_definition(principal_of(request), queue.path or queue.name or "")
    given = [frozenset(queue) for queue in document["queues"]]
    context = DefinitionContext(gateway.now(), gateway.new_id, known_policies())
    applied: list[Applied] = []

    def plan(state: ShardState) -> Definitions | None:
        wanted, applied[:] = plan_fleet(state, fleet, given, context)
        return wanted

    sequence = await gateway.part(QueueCommands).define(plan, origin_of(request))
    return JSONResponse(applied_list(applied), 200, sequence_headers(sequence))
