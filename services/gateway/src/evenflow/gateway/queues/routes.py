"""Queues: look, make, change, remove (API-12, API-13)."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from evenflow.common.domain.errors import InvalidValue
from evenflow.gateway.edge.bodies import described, read_fields
from evenflow.gateway.edge.permits import demand_definition, sees
from evenflow.gateway.edge.principal import principal_of
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import Gateway, gateway_of, origin_of
from evenflow.gateway.queues.commands import QueueCommands, known_policies
from evenflow.gateway.queues.documents import QueueDocument, QueueList, queue_document
from evenflow.gateway.queues.rules import definitions
from evenflow.gateway.queues.rules.fields import QueueFields
from evenflow.gateway.queues.rules.projects import DefinitionContext
from evenflow.gateway.queues.rules.shares import Shares
from evenflow.gateway.queues.rules.tree import found_queue

router: Final = APIRouter(prefix="/api/v1", tags=["queues"])
ProjectId = Annotated[str | None, Query(max_length=255)]


@router.get("/queues")
async def list_queues(request: Request, project_id: ProjectId = None) -> QueueList:
    """Return the queues, or those of a project with the project itself, by path."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    state = gateway.state()
    shares = Shares(state)
    wanted = [
        queue
        for path, queue in sorted(state.queues.items())
        if project_id in (None, queue.project) and sees(principal_of(request), path)
    ]
    return QueueList(queues=[queue_document(shares, queue) for queue in wanted])


@router.post(
    "/queues", status_code=201, response_model=QueueDocument, openapi_extra=described(QueueFields)
)
async def create_queue(request: Request, project_id: ProjectId = None) -> Response:
    """Make a queue: `name` below `project_id`, or a whole `path`. A missing project is made too."""
    gateway = gateway_of(request)
    fields, given = await read_fields(request, QueueFields, gateway.settings.gateway.max_body)
    path = _path_of(fields, project_id)
    demand_definition(principal_of(request), path)
    context = _context(gateway)
    sequence = await gateway.part(QueueCommands).define(
        lambda state: definitions.create(state, path, fields, given, context), origin_of(request)
    )
    return _queue_answer(gateway, path, sequence, 201)


@router.get("/queues/{queue_id:path}")
async def show_queue(request: Request, queue_id: str) -> QueueDocument:
    """Return a queue, by id or path."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    state = gateway.state()
    queue = found_queue(state, queue_id, principal_of(request))
    return queue_document(Shares(state), queue)


@router.patch(
    "/queues/{queue_id:path}", response_model=QueueDocument, openapi_extra=described(QueueFields)
)
async def change_queue(request: Request, queue_id: str) -> Response:
    """Set what is named of a queue; `null` clears a field."""
    gateway = gateway_of(request)
    fields, given = await read_fields(request, QueueFields, gateway.settings.gateway.max_body)
    context = _context(gateway)
    await _demand_known(request, queue_id)
    sequence = await gateway.part(QueueCommands).define(
        lambda state: definitions.change(state, queue_id, fields, given, context),
        origin_of(request),
    )
    return _queue_answer(gateway, queue_id, sequence, 200)


@router.delete("/queues/{queue_id:path}", status_code=204)
async def delete_queue(request: Request, queue_id: str) -> Response:
    """Remove a queue that holds no jobs and no queues."""
    gateway = gateway_of(request)
    await _demand_known(request, queue_id)
    sequence = await gateway.part(QueueCommands).define(
        lambda state: definitions.delete(state, queue_id, gateway.now()),
        origin_of(request),
    )
    return Response(status_code=204, headers=sequence_headers(sequence))


async def _demand_known(request: Request, queue_id: str) -> None:
    """Refuse who may not define a queue that is there.

    Raises:
        NotFound: it is not there, or hidden.
        NotAllowed: their role does not do.
    """
    gateway, principal = gateway_of(request), principal_of(request)
    await gateway.wait_for_view(request)
    demand_definition(principal, found_queue(gateway.state(), queue_id, principal).path)


def _context(gateway: Gateway) -> DefinitionContext:
    return DefinitionContext(gateway.now(), gateway.new_id, known_policies())


def _path_of(fields: QueueFields, project_id: str | None) -> str:
    if fields.path is not None:
        if project_id is not None and fields.path.partition("/")[0] != project_id:
            raise InvalidValue("path", fields.path, f"is not below project {project_id}")
        return fields.path
    if not fields.name:
        raise InvalidValue("name", fields.name, "is required")
    if project_id is None:
        raise InvalidValue("project_id", None, "is required, or give the whole `path`")
    return f"{project_id}/{fields.name}"


def _queue_answer(gateway: Gateway, key: str, sequence: int, status: int) -> Response:
    state = gateway.state()
    queue = found_queue(state, key)
    document = queue_document(Shares(state), queue)
    return JSONResponse(document, status, sequence_headers(sequence))
