"""Queues, quotas, and a whole fleet at once (API-12 to API-15)."""

import json
from dataclasses import replace
from typing import Annotated, Any, Final

import yaml
from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from typing_extensions import TypedDict

from evenflow.common.domain.decisions.settings import POLICIES
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.runtime.registry import installed_names
from evenflow.gateway.edge.bodies import described, given_in, parse, read_body
from evenflow.gateway.edge.problems import MalformedBody
from evenflow.gateway.edge.read_your_writes import SEQUENCE_HEADER
from evenflow.gateway.fleet.rules.plan import Applied, Fleet, plan_fleet
from evenflow.gateway.gateway import Gateway, gateway_of, origin_of
from evenflow.gateway.queues.documents import QueueDocument, queue_document, quota_document
from evenflow.gateway.queues.rules import definitions
from evenflow.gateway.queues.rules.choice import Definitions
from evenflow.gateway.queues.rules.definitions import Making
from evenflow.gateway.queues.rules.fields import QueueFields, QuotaFields
from evenflow.gateway.queues.rules.shares import Shares

router: Final = APIRouter(prefix="/api/v1", tags=["queues"])
ProjectId = Annotated[str | None, Query(max_length=255)]


class QueueList(TypedDict):
    """Queues by path."""

    queues: list[QueueDocument]


class AppliedList(TypedDict):
    """What applying a fleet did."""

    results: list[dict[str, Any]]
    created: int
    changed: int
    unchanged: int


@router.get("/queues")
async def list_queues(request: Request, project_id: ProjectId = None) -> QueueList:
    """Return the queues, or those of a project with the project itself, by path."""
    gateway = gateway_of(request)
    await gateway.fresh(request)
    state = gateway.state()
    shares = Shares(state)
    wanted = [
        queue
        for path, queue in sorted(state.queues.items())
        if project_id is None or queue.project == project_id
    ]
    return QueueList(queues=[queue_document(shares, queue) for queue in wanted])


@router.post(
    "/queues", status_code=201, response_model=QueueDocument, openapi_extra=described(QueueFields)
)
async def create_queue(request: Request, project_id: ProjectId = None) -> Response:
    """Make a queue: `name` below `project_id`, or a whole `path`. A missing project is made too."""
    gateway = gateway_of(request)
    fields, given = await _fields(gateway, request, QueueFields)
    path = _path_of(fields, project_id)
    making = _making_queues(gateway)
    sequence = await gateway.commands.define(
        lambda state: definitions.create(state, path, fields, given, making), origin_of(request)
    )
    return _queue_answer(gateway, path, sequence, 201)


@router.get("/queues/quota/{project_id:path}")
async def show_quota(request: Request, project_id: str) -> dict[str, Any]:
    """Return the quota of a project or a queue below one, and what is used of it."""
    gateway = gateway_of(request)
    await gateway.fresh(request)
    return _quota(gateway, project_id)


@router.patch(
    "/queues/quota/{project_id:path}",
    response_model=dict[str, Any],
    openapi_extra=described(QuotaFields),
)
async def change_quota(request: Request, project_id: str) -> Response:
    """Set what is named of a quota; `null` clears a limit. A missing project is made."""
    gateway = gateway_of(request)
    fields, given = await _fields(gateway, request, QuotaFields)
    making = _making(gateway)
    sequence = await gateway.commands.define(
        lambda state: definitions.set_quota(state, project_id, fields, given, making),
        origin_of(request),
    )
    return _answer(_quota(gateway, project_id), sequence)


@router.post("/queues/quota/{project_id:path}/sync")
async def sync_quota(request: Request, project_id: str) -> dict[str, Any]:
    """Return the quota after comparing it with the live jobs: here it is their sum at any time."""
    return await show_quota(request, project_id)


@router.get("/queues/{queue_id:path}")
async def show_queue(request: Request, queue_id: str) -> QueueDocument:
    """Return a queue, by id or path."""
    gateway = gateway_of(request)
    await gateway.fresh(request)
    state = gateway.state()
    queue = definitions.found_queue(state, queue_id)
    return queue_document(Shares(state), queue)


@router.patch(
    "/queues/{queue_id:path}", response_model=QueueDocument, openapi_extra=described(QueueFields)
)
async def change_queue(request: Request, queue_id: str) -> Response:
    """Set what is named of a queue; `null` clears a field."""
    gateway = gateway_of(request)
    fields, given = await _fields(gateway, request, QueueFields)
    making = _making_queues(gateway)
    sequence = await gateway.commands.define(
        lambda state: definitions.change(state, queue_id, fields, given, making), origin_of(request)
    )
    return _queue_answer(gateway, queue_id, sequence, 200)


@router.delete("/queues/{queue_id:path}", status_code=204)
async def delete_queue(request: Request, queue_id: str) -> Response:
    """Remove a queue that holds no jobs and no queues."""
    gateway = gateway_of(request)
    sequence = await gateway.commands.define(
        lambda state: definitions.delete(state, queue_id, gateway.commands.now()),
        origin_of(request),
    )
    return Response(status_code=204, headers={SEQUENCE_HEADER: str(sequence)})


@router.post("/apply", response_model=AppliedList, openapi_extra=described(Fleet))
async def apply_fleet(request: Request) -> Response:
    """Bring queues and quotas to what a fleet states; JSON, or YAML by its content type.

    All or nothing. Applying the same fleet again changes nothing.
    """
    gateway = gateway_of(request)
    document = _fleet_document(request, await read_body(request, _limit(gateway)))
    fleet = parse(Fleet, json.dumps(document).encode())
    given = [frozenset(queue) for queue in document["queues"]]
    making = _making_queues(gateway)
    applied: list[Applied] = []

    def plan(state: ShardState) -> Definitions | None:
        wanted, applied[:] = plan_fleet(state, fleet, given, making)
        return wanted

    sequence = await gateway.commands.define(plan, origin_of(request))
    outcomes = [each.outcome for each in applied]
    return _answer(
        AppliedList(
            results=[
                {
                    "path": each.path,
                    "kind": each.kind,
                    "outcome": each.outcome,
                    "changes": dict(each.changes),
                }
                for each in applied
            ],
            created=outcomes.count("created"),
            changed=outcomes.count("changed"),
            unchanged=outcomes.count("unchanged"),
        ),
        sequence,
    )


def _fleet_document(request: Request, body: bytes) -> dict[str, Any]:
    """Read a fleet; queues may be a list, or a mapping of paths to definitions."""
    is_yaml = "yaml" in request.headers.get("content-type", "")
    try:
        document = yaml.safe_load(body) if is_yaml else json.loads(body)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        kind = "YAML" if is_yaml else "JSON"
        raise MalformedBody(f"the body is not {kind}: {' '.join(str(error).split())[:300]}") from (
            error
        )
    if not isinstance(document, dict):
        raise InvalidValue("body", type(document).__name__, "must be a mapping with `queues`")
    queues = document.get("queues") or []
    if isinstance(queues, dict):
        queues = [
            {"path": str(path), **(queue if isinstance(queue, dict) else {})}
            for path, queue in queues.items()
        ]
    if not isinstance(queues, list) or not all(isinstance(queue, dict) for queue in queues):
        raise InvalidValue(
            "queues", type(queues).__name__, "must be a list, or map paths to fields"
        )
    try:
        json.dumps(queues, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidValue("queues", None, f"holds what JSON has not: {error}") from error
    return {**{str(key): value for key, value in document.items()}, "queues": queues}


async def _fields(
    gateway: Gateway, request: Request, kind: type[Any]
) -> tuple[Any, frozenset[str]]:
    body = await read_body(request, _limit(gateway))
    fields = parse(kind, body)
    return fields, given_in(body)


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


def _limit(gateway: Gateway) -> int:
    return gateway.settings.gateway.max_body


def _making(gateway: Gateway) -> Making:
    return Making(gateway.commands.now(), gateway.commands.new_id)


def _making_queues(gateway: Gateway) -> Making:
    """Let queues name policies that are installed; their code is not ours to import."""
    known = (*POLICIES, *installed_names("policies"))
    return replace(_making(gateway), policies=known)


def _quota(gateway: Gateway, key: str) -> dict[str, Any]:
    state = gateway.state()
    path, quota = definitions.quota_of(state, key, _making(gateway))
    provider = gateway.settings.quota.provider
    return quota_document(state, path, quota, provider, gateway.commands.now())


def _queue_answer(gateway: Gateway, key: str, sequence: int, status: int) -> Response:
    state = gateway.state()
    queue = definitions.found_queue(state, key)
    return _answer(queue_document(Shares(state), queue), sequence, status)


def _answer(document: Any, sequence: int, status: int = 200) -> Response:
    headers = {SEQUENCE_HEADER: str(sequence)} if sequence else {}
    return JSONResponse(document, status, headers)
