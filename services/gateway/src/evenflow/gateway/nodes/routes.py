"""Nodes, as operators see, close and label them."""

from collections.abc import Iterator, Mapping
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from evenflow.common.domain.errors import InvalidValue, NotFound
from evenflow.common.domain.facts import nodes as facts
from evenflow.common.domain.nodes.labels import broken_labels
from evenflow.gateway.edge.bodies import described, parse, read_body
from evenflow.gateway.edge.problems import InvalidRequest
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import Gateway, gateway_of, origin_of
from evenflow.gateway.nodes.bodies import NodePatch
from evenflow.gateway.nodes.documents import NodeDocument, NodeList, node_document

_Fact = facts.Cordoned | facts.Uncordoned | facts.Labelled | facts.Tainted
router: Final = APIRouter(prefix="/api/v1", tags=["cluster"])


@router.get("/nodes")
async def list_nodes(request: Request) -> NodeList:
    """Return all nodes, by name."""
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    state = gateway.state()
    now = gateway.now()
    return NodeList(nodes=[node_document(state, name, now) for name in sorted(state.nodes)])


@router.post("/nodes/{name}/cordon", response_model=NodeDocument)
async def cordon(request: Request, name: str) -> Response:
    """Place nothing new on a node; what runs there stays."""
    return await _append(request, name, facts.Cordoned((name,)))


@router.post("/nodes/{name}/uncordon", response_model=NodeDocument)
async def uncordon(request: Request, name: str) -> Response:
    """Place work on a node again."""
    return await _append(request, name, facts.Uncordoned((name,)))


@router.patch("/nodes/{name}", response_model=NodeDocument, openapi_extra=described(NodePatch))
async def change(request: Request, name: str) -> Response:
    """Set labels and taints of a node, or take them away, whatever its cluster says of them.

    What runs there stays; new work goes by what the node is from now on.
    """
    gateway = gateway_of(request)
    patch = parse(NodePatch, await read_body(request, gateway.settings.gateway.max_body))
    broken = [*broken_labels(patch.labels, "labels"), *broken_labels(patch.taints, "taints")]
    if not patch.labels and not patch.taints:
        broken.append(InvalidValue("body", "{}", "must name labels or taints to change"))
    if broken:
        raise InvalidRequest(broken)
    return await _append(request, name, *_changes_of(name, patch))


def _changes_of(name: str, patch: NodePatch) -> Iterator[facts.Labelled | facts.Tainted]:
    if patch.labels:
        labels = facts.LabelChange(name, _set(patch.labels), _removed(patch.labels))
        yield facts.Labelled((labels,))
    if patch.taints:
        taints = facts.TaintChange(name, _set(patch.taints), _removed(patch.taints))
        yield facts.Tainted((taints,))


def _set(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _removed(values: Mapping[str, str | None]) -> tuple[str, ...]:
    return tuple(name for name, value in values.items() if value is None)


async def _append(request: Request, name: str, *changes: _Fact) -> Response:
    gateway = gateway_of(request)
    await gateway.wait_for_view(request)
    _known(gateway, name)
    sequence = 0
    for fact in changes:
        sequence = await gateway.writer.append(fact, origin_of(request))
    await gateway.consistency.wait_for(sequence)
    document = node_document(gateway.state(), _known(gateway, name), gateway.now())
    return JSONResponse(document, 200, sequence_headers(sequence))


def _known(gateway: Gateway, name: str) -> str:
    if name not in gateway.state().nodes:
        raise NotFound("node", name[:200], "see `evenflow nodes`")
    return name
