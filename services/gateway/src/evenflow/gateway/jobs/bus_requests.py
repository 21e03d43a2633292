"""The verbs of jobs on the bus: submit, submit-batch, cancel."""

from typing import Any

from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.jobs.job import TERMINAL
from evenflow.common.ports.log import Origin
from evenflow.gateway.edge.bodies import parse
from evenflow.gateway.edge.bus_requests import BusRequest, BusRequests
from evenflow.gateway.edge.idempotency import HEADER
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.jobs.batch import submit_batch
from evenflow.gateway.jobs.bodies import CancelBody
from evenflow.gateway.jobs.commands import JobCommands
from evenflow.gateway.jobs.documents import job_document
from evenflow.gateway.jobs.lookup import found_job
from evenflow.gateway.jobs.submit import submit
from evenflow.gateway.values.users import ANONYMOUS


def answer_job_requests(requests: BusRequests, gateway: Gateway) -> None:
    """Answer what clients ask of jobs on the bus."""
    limits = gateway.settings.gateway

    async def on_submit(request: BusRequest) -> dict[str, Any]:
        key = request.headers.get(HEADER)
        body = request.within(limits.max_body)
        sequence, answer = await submit(gateway, body, request.id, key)
        return {**answer, "sequence": sequence}

    async def on_submit_batch(request: BusRequest) -> dict[str, Any]:
        body = request.within(limits.max_batch_body)
        sequence, answer = await submit_batch(gateway, body, request.id)
        return {**answer, "sequence": sequence}

    async def on_cancel(request: BusRequest) -> dict[str, Any]:
        return await _cancel(gateway, request)

    requests.answer("jobs", "submit", on_submit)
    requests.answer("jobs", "submit-batch", on_submit_batch)
    requests.answer("jobs", "cancel", on_cancel)


async def _cancel(gateway: Gateway, request: BusRequest) -> dict[str, Any]:
    asked = parse(CancelBody, request.within(gateway.settings.gateway.max_body))
    if asked.job_id is None:
        raise InvalidValue("job_id", None, "is required")
    await gateway.consistency.wait()
    row = await found_job(gateway, asked.job_id)
    if row["state"] in TERMINAL:
        raise RequestRejected(f"job {row['id']} has ended ({row['state']})", field="job_id")
    user = asked.user_id or ANONYMOUS
    origin = Origin(actor=user, correlation_id=request.id)
    sequence = await gateway.part(JobCommands).cancel([row["id"]], user, origin)
    await gateway.consistency.wait_for(sequence)
    return {**job_document(await found_job(gateway, row["id"])), "sequence": sequence}
