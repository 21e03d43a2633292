"""The rate of the shard's clock."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from evenflow.common.domain.errors import RequestRejected
from evenflow.gateway.clock.documents import ClockDocument, clock_document
from evenflow.gateway.clock.rate import set_rate
from evenflow.gateway.edge.bodies import Body, described, parse, read_body
from evenflow.gateway.edge.read_your_writes import sequence_headers
from evenflow.gateway.gateway import gateway_of, origin_of

router: Final = APIRouter(prefix="/api/v1", tags=["cluster"])


class ClockBody(Body):
    """How many seconds of the shard's clock pass in one."""

    rate: int = Field(ge=1, le=1_000_000)


@router.post("/clock", response_model=ClockDocument, openapi_extra=described(ClockBody))
async def set_clock(request: Request) -> Response:
    """Let the shard's clock run faster or slower; only for simulated clusters."""
    gateway = gateway_of(request)
    asked = parse(ClockBody, await read_body(request, gateway.settings.gateway.max_body))
    if asked.rate != 1 and not gateway.settings.cluster_choice.is_simulated:
        raise RequestRejected(
            f"cluster {gateway.settings.cluster} does real work, which has its own pace",
            field="rate",
            value=asked.rate,
            rule="must be 1 unless the cluster is simulated",
        )
    sequence = await set_rate(gateway, asked.rate, origin_of(request))
    await gateway.consistency.wait_for(sequence)
    return JSONResponse(clock_document(gateway), 200, sequence_headers(sequence))
